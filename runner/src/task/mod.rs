//! The programs: training a network on its data, and asking a trained one.

pub mod mnist;
pub mod predict;
pub mod toy;
