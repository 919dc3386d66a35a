//! The programs: training a network on its data, asking a trained one, and showing what is behind them.

pub mod mnist;
pub mod predict;
pub mod show;
pub mod toy;
