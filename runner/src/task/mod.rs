//! The programs: getting data, training a network on it, asking a trained one, and showing what is behind them.

pub mod doctor;
pub mod fetch;
pub mod mnist;
pub mod parallel_check;
pub mod predict;
pub mod sentiment;
pub mod show;
pub mod toy;
