//! A network that has learnt, read from its checkpoint.

use std::path::Path;

use clap::ValueEnum;
use minitorch_core::nn::Module;
use minitorch_core::state::Numbers;
use minitorch_core::{Backend, Element, Tensor};

use super::Network;
use super::batches::values;
use super::lesson;
use crate::args::Training;
use crate::args::mnist::{Net, Pool, Preset, Recipe};
use crate::checkpoint::{self, Opened, Program};
use crate::data::{PIXELS, SIDE};
use crate::error::Failure;

/// A trained network that reads one digit after the other.
///
/// Dropout is off, and the probabilities are exact, whatever the recipe: MiniTorch's quirks are of training.
pub struct Trained<B: Backend> {
    device: B,
    network: Network<B>,
    /// What a pixel of each of the 256 values becomes.
    values: Vec<B::Elem>,
}

impl<B: Backend> Trained<B> {
    /// The network of a checkpoint, which says itself how it was trained, or of weights alone, of which `training` says it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is none of this network; weights alone of which `training` says nothing; a checkpoint
    /// that says something else.
    pub fn open(
        device: &B,
        path: &Path,
        file: &Opened<'_>,
        training: Training,
    ) -> Result<Self, Failure> {
        let recipe = recipe(path, file.numbers(), training)?;
        let mut network = Network::new(device, &recipe, 0)?;
        file.load_weights(&mut network)?;
        network.eval();
        Ok(Self {
            device: device.clone(),
            network,
            values: values(recipe.normalise),
        })
    }

    /// The probability of each digit, given the 784 pixels of an image as MNIST has them: 0 is background, 255 is ink.
    ///
    /// # Errors
    ///
    /// If the device fails, and if weights that are too large leave no answer.
    pub fn read(&self, image: &[u8; PIXELS]) -> Result<[f64; 10], Failure> {
        let pixels = image.map(|pixel| self.values[usize::from(pixel)]);
        let images = Tensor::try_from_slice(&self.device, &pixels, [1, 1, SIDE, SIDE])?;
        let probabilities = self.network.forward(&images)?.try_exp()?.try_to_vec()?;
        let probabilities: [f64; 10] = std::array::from_fn(|digit| probabilities[digit].to_f64());
        if probabilities.iter().any(|probability| probability.is_nan()) {
            return Err(Failure::new(
                "the network has no answer: its weights are too large",
            ));
        }
        Ok(probabilities)
    }
}

/// The recipe of a file's network, in all that reading depends on.
fn recipe(path: &Path, numbers: &Numbers, training: Training) -> Result<Recipe, Failure> {
    let wrong = |what: String| Failure::file(path.display(), what);
    let stated = training.preset.map_or(Recipe::DEFAULT, Preset::recipe);
    if numbers.is_empty() {
        if training == Training::default() {
            return Err(wrong(
                "weights alone, which do not say how they were trained; add\n\
                 --preset minitorch (pixels are 0 to 255) or --preset accurate (normalised),\n\
                 and --pool avg or --pool max where it is not the preset's"
                    .into(),
            ));
        }
        return Ok(Recipe {
            pool: training.pool.unwrap_or(stated.pool),
            quirks: false,
            ..stated
        });
    }
    let net = known(path, numbers, Program::MNIST.mark, |net: Net| net as u64)?;
    let pool = known(path, numbers, "pool", |pool: Pool| pool as u64)?;
    let normalise = match checkpoint::number(path, numbers, "normalise")? {
        0 => false,
        1 => true,
        other => return Err(unknown(path, "normalise", other)),
    };
    if training.pool.is_some_and(|stated| stated != pool) {
        return Err(wrong(
            "the network was trained with the other --pool".into(),
        ));
    }
    if training.preset.is_some() && stated.normalise != normalise {
        let preset = lesson::preset(numbers);
        return Err(wrong(format!("the network was trained with {preset}")));
    }
    Ok(Recipe {
        net,
        pool,
        normalise,
        ..Recipe::DEFAULT
    })
}

/// The choice, out of those on the command line, whose number a checkpoint has under `name`.
fn known<T: ValueEnum + Copy>(
    path: &Path,
    numbers: &Numbers,
    name: &str,
    number_of: impl Fn(T) -> u64,
) -> Result<T, Failure> {
    let number = checkpoint::number(path, numbers, name)?;
    let mut choices = T::value_variants().iter().copied();
    choices
        .find(|&choice| number_of(choice) == number)
        .ok_or_else(|| unknown(path, name, number))
}

fn unknown(path: &Path, name: &str, value: u64) -> Failure {
    let what = format_args!("{name} is {value}, which this program does not know");
    Failure::file(path.display(), what)
}
