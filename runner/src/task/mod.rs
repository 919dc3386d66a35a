//! The programs: each trains a network on its data and tells how it went.

pub mod mnist;
