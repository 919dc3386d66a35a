//! Word vectors.

use super::{Fans, Init, Param};
use crate::backend::Backend;
use crate::error::Result;
use crate::random::Generator;
use crate::tensor::{Index, OrRaise, Tensor};

/// A table with a trained vector for each of a number of words: `n` numbers below `words` give `[n, width]`.
///
/// ```
/// use minitorch_core::nn::Embedding;
/// use minitorch_core::{Cpu, Generator, Index};
/// let (dev, mut rng): (Cpu, _) = (Cpu::default(), Generator::new(0));
/// let embedding = Embedding::new(&dev, 1000, 50, &mut rng)?;
/// let sentences = Index::new(&dev, &[7, 3, 999, 3, 3, 0])?; // two of three words
/// let vectors = embedding.forward(&sentences).reshape([2, 3, 50]);
/// assert_eq!(vectors.select(0, 0).select(0, 1).to_vec(), vectors.select(0, 1).select(0, 0).to_vec());
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Embedding<B: Backend> {
    /// `[words, width]`.
    pub weight: Param<B>,
}

crate::module!(Embedding { weight });

impl<B: Backend> Embedding<B> {
    /// A table of normal numbers with mean 0 and variance 1, as PyTorch's.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn new(device: &B, words: usize, width: usize, rng: &mut Generator) -> Result<Self> {
        let standard = Init::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self::with_init(device, words, width, standard, rng)
    }

    /// A table that starts as `init` says; a word is an input.
    ///
    /// # Errors
    /// [`ErrorKind::Size`](crate::ErrorKind::Size) if the number of elements overflows;
    /// [`ErrorKind::Memory`](crate::ErrorKind::Memory).
    pub fn with_init(
        device: &B,
        words: usize,
        width: usize,
        init: Init,
        rng: &mut Generator,
    ) -> Result<Self> {
        let fans = Fans {
            fan_in: words,
            fan_out: width,
        };
        let weight = init.weight(device, [words, width], fans, rng)?;
        Ok(Self::from_params(Param::new(weight)?))
    }

    /// A table that is the weight `[words, width]`.
    ///
    /// ```
    /// use minitorch_core::nn::{Embedding, Param};
    /// use minitorch_core::{Cpu, Index, Tensor};
    /// static VECTORS: [f32; 6] = [0.0, 0.1, 1.0, 1.1, 2.0, 2.1]; // in flash: nothing is drawn or copied
    /// let dev: Cpu = Cpu::default();
    /// let table = Embedding::from_params(Param::new(Tensor::try_from_static(&dev, &VECTORS, [3, 2])?)?);
    /// assert_eq!(table.forward(&Index::new(&dev, &[2, 0])?).to_vec(), [2.0, 2.1, 0.0, 0.1]);
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    #[must_use]
    pub const fn from_params(weight: Param<B>) -> Self {
        Self { weight }
    }

    /// The vectors of `words`, one a row. Gradients of a word that occurs several times add up.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) if a number is not below the number of words.
    pub fn try_forward(&self, words: &Index<B>) -> Result<Tensor<B>> {
        self.weight
            .value()
            .try_rows(words)
            .map_err(|error| error.in_op("embedding"))
    }

    /// As [`Embedding::try_forward`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn forward(&self, words: &Index<B>) -> Tensor<B> {
        self.try_forward(words).or_raise()
    }
}
