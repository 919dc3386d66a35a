//! PyTorch agrees: `scripts/pytorch_reference.py` wrote its numbers to `tests/data/pytorch`, and these tests compute
//! them without it.
//!
//! The network of `runner sentiment` is compared where it is, in `runner/src/task/sentiment/lesson/pytorch.rs`.
//!
//! Differences are relative to the largest number of a tensor ([`reference::distance`]). Each tolerance is stated once,
//! with the largest difference to the committed files, which PyTorch 2.15 made. To see all of them:
//!
//! ```text
//! cargo test -p minitorch-semantics --test pytorch -- --nocapture
//! ```

mod case;
mod mnist;
mod operations;
mod optimizers;
mod reference;
