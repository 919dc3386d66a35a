//! Pictures: every kind of PNG and JPEG gives the same shades, what is transparent does not hide the digit, and no file,
//! however hostile, gets past the reader.

mod files;
mod hostile;
mod kinds;
