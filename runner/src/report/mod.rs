//! The page that `--report FILE` leaves: one HTML file that needs nothing but itself.
//!
//! It has the outcome, the curves, what the program adds, and every setting with the command that does the same again.
//! It has no script, and a content security policy forbids it to fetch anything.
//!
//! A program that trains asks [`Page::asked`] before the work begins, has its [`Output`](crate::output::Output) record
//! the log lines, and calls [`Page::write`] after the summary with sections of its own: [`Html`] made with
//! [`section`], and [`Picture`]s.

mod chart;
mod contour;
mod html;
mod page;
mod picture;
mod record;

pub use contour::{Segment, contour};
pub use html::Html;
pub use page::{Page, Run, decimal, percent, section};
pub use picture::Picture;
pub use record::{Reading, Record};
