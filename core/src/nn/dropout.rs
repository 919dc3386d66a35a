//! Dropout.

use super::{Layer, Module, Path, Visitor, VisitorMut};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::random::Generator;
use crate::tensor::Tensor;
use spin::Mutex;

/// Sets each element to 0 with probability `p` while training, and multiplies the others by `1 / (1 - p)`, so that
/// the mean stays (Srivastava 2014). In evaluation it changes nothing; MiniTorch's, by a bug, drops there, too.
///
/// It draws from a generator of its own, which is saved with the model.
///
/// ```
/// use minitorch_core::nn::{Dropout, Layer, Module};
/// use minitorch_core::{Cpu, Generator, Tensor};
/// let dev: Cpu = Cpu::default();
/// let mut dropout = Dropout::new(0.25, &mut Generator::new(0))?;
/// let x = Tensor::ones(&dev, [1000]);
/// let dropped = dropout.forward(&x).to_vec().iter().filter(|&&y| y == 0.0).count();
/// assert!((200..300).contains(&dropped));
/// Module::<Cpu>::eval(&mut dropout);
/// assert_eq!(dropout.forward(&x).to_vec(), x.to_vec());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Dropout {
    p: f64,
    training: bool,
    // Behind a lock, because a forward pass moves it on and has only `&self`.
    rng: Mutex<Generator>,
}

impl Dropout {
    /// A layer that drops with probability `p`. Takes its generator from `rng` by [`Generator::fork`].
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if `p` is not in `0..=1`.
    pub fn new(p: f64, rng: &mut Generator) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            let detail = "the probability must lie in 0..=1";
            return Err(Error::new(ErrorKind::Argument, "dropout", detail));
        }
        Ok(Self {
            p,
            training: true,
            rng: Mutex::new(rng.fork()),
        })
    }
}

/// It goes on to draw what this one would.
impl Clone for Dropout {
    fn clone(&self) -> Self {
        Self {
            rng: Mutex::new(self.rng.lock().clone()),
            ..*self
        }
    }
}

impl<B: Backend> Module<B> for Dropout {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        let now = self.rng.lock().clone();
        visitor.generator(path, &now)
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        visitor.training(&mut self.training);
        visitor.generator(path, self.rng.get_mut())
    }
}

impl<B: Backend> Layer<B> for Dropout {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        if !self.training || self.p == 0.0 {
            return Ok(x.clone());
        }
        // The lock is held only to reserve this draw: one output for each element.
        let mut draw = {
            let mut rng = self.rng.lock();
            let draw = rng.clone();
            rng.skip(x.elements() as u64);
            draw
        };
        x.try_dropout(self.p, &mut draw)
    }
}
