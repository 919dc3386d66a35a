//! What the report of a run shows of the digits: what is taken for what, the worst mistakes, and what the convolutions
//! see.

mod confusion;
mod layers;
mod mistakes;

use minitorch_core::{Backend, Element, Tensor};

use super::Network;
use crate::data::{Digits, SIDE};
use crate::error::Failure;
use crate::report::{Html, Picture};

/// What the network says of the held-out images, in their order.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The digit that was read on each.
    read: Vec<u8>,
    /// The probability of each digit on each.
    probabilities: Vec<[f64; 10]>,
}

impl Answers {
    /// Adds a group's logarithms of probabilities, `[b, 10]`, and the digits that were read.
    pub(super) fn add<B: Backend>(
        &mut self,
        scores: &Tensor<B>,
        read: &[u32],
    ) -> Result<(), Failure> {
        let scores = scores.try_to_vec()?;
        let rows = scores.chunks_exact(10);
        let probabilities = |row: &[B::Elem]| std::array::from_fn(|i| row[i].to_f64().exp());
        self.probabilities.extend(rows.map(probabilities));
        // There are ten digits.
        self.read.extend(read.iter().map(|&digit| digit as u8));
        Ok(())
    }
}

/// The sections of the page.
///
/// # Errors
///
/// If the device fails.
pub(super) fn sections<B: Backend>(
    device: &B,
    network: &Network<B>,
    normalise: bool,
    digits: &Digits,
    answers: &Answers,
) -> Result<Html, Failure> {
    let mut html = Html::default();
    confusion::show(&mut html, digits.labels(), &answers.read);
    mistakes::show(&mut html, digits, answers)?;
    layers::show(&mut html, device, network, normalise, digits)?;
    Ok(html)
}

/// A digit as MNIST has it, white on black.
fn picture(image: &[u8]) -> Result<Picture, Failure> {
    Picture::grey(SIDE, image)
}
