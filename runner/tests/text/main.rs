//! Sentences and word vectors: what is in the program, what is in the published files, and files that lie.

mod real;
