//! How the network of sentences learns: the one place where every hyper-parameter has its value.

use std::borrow::Cow;

use clap::ValueEnum;
use minitorch_core::nn::Init;

/// The standard deviation of uniform numbers from -1 to 1.
const INVERSE_ROOT_3: f64 = 0.577_350_269_189_625_8;

/// What becomes of the features of each width of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Combine {
    /// They are added, as in MiniTorch.
    Sum,
    /// They stand side by side, as in Kim's paper.
    Concat,
}

/// What dropout is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The network's answer, as in MiniTorch.
    Answer,
    /// The features, as in Kim's paper.
    Features,
}

/// What stands for words without a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unknown {
    /// One random vector for all of them, as in MiniTorch.
    Shared,
    /// A random vector for each one of the training sentences, as in Kim's paper; all others share one.
    Own,
}

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimiser {
    /// Stochastic gradient descent without momentum.
    Sgd,
    /// Adadelta with rho 0.95 and epsilon 1e-6.
    Adadelta,
}

/// How the network of sentences learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Passes over the training sentences.
    pub epochs: usize,
    /// Sentences in a training step.
    pub batch: usize,
    /// Learning rate.
    pub rate: f32,
    /// Widths of the windows that features look at, in words.
    pub filters: Cow<'static, [usize]>,
    /// Features of each width.
    pub maps: usize,
    /// What becomes of the features of each width.
    pub combine: Combine,
    /// Whether windows may begin before a sentence, as in Kim's program; they may end after it in any case.
    pub lead: bool,
    /// The probability of dropout.
    pub dropout: f64,
    /// What dropout is applied to.
    pub dropped: Dropped,
    /// The probability of dropout of each number of the vectors of words.
    pub embedding_dropout: f64,
    /// How weights start.
    pub init: Init,
    /// Whether biases and the last layer start as zeros instead, as in Kim's program.
    pub zeroed: bool,
    /// How weights follow their gradients.
    pub optimiser: Optimiser,
    /// The largest norm of the last layer's weights, if there is a limit.
    pub max_norm: Option<f64>,
    /// Whether each epoch has the sentences in another order.
    pub shuffle: bool,
    /// The root mean square that the vectors of words are scaled to, if they are.
    pub spread: Option<f64>,
    /// What stands for words without a vector.
    pub unknown: Unknown,
    /// Whether the vectors of words are trained, too.
    pub train_embeddings: bool,
    /// Whether to train on phrases, where the data have them.
    pub phrases: bool,
    /// How often in an epoch the network is validated: evenly spread, the last time at its end.
    pub checks: usize,
    /// Whether the weights that did best on the validation sentences count in the end; otherwise it is the last ones.
    pub keep_best: bool,
    /// Whether MiniTorch's own departures are kept: dropout stays on in evaluation, log(x) is log(x + 1e-6).
    pub quirks: bool,
    /// How many training and validation sentences to use, the first so many; `None` for all there are.
    pub sentences: [Option<usize>; 2],
}

impl Recipe {
    /// MiniTorch's settings without its bugs.
    pub const DEFAULT: Self = Self {
        epochs: 20,
        batch: 10,
        rate: 0.01,
        filters: Cow::Borrowed(&[3, 4, 5]),
        maps: 100,
        combine: Combine::Sum,
        lead: false,
        dropout: 0.25,
        dropped: Dropped::Answer,
        embedding_dropout: 0.0,
        init: Init::MiniTorch,
        zeroed: false,
        optimiser: Optimiser::Sgd,
        max_norm: None,
        shuffle: false,
        spread: None,
        unknown: Unknown::Shared,
        train_embeddings: false,
        phrases: false,
        checks: 1,
        keep_best: false,
        quirks: false,
        sentences: [Some(450), Some(100)],
    };

    /// MiniTorch as it is: `--preset minitorch`.
    pub const MINITORCH: Self = Self {
        quirks: true,
        ..Self::DEFAULT
    };

    /// After Kim, "Convolutional Neural Networks for Sentence Classification" (2014), CNN-non-static: `--preset kim`.
    ///
    /// As in the paper and in the program that Kim published are the network, dropout and the limit of the last layer's
    /// norm; Adadelta and its numbers, and the size of batches; how weights and the vectors of words without one start; and
    /// that phrases are learnt from and the weights that did best on the validation sentences are tested. The network has
    /// one output instead of two whose difference counts: with a start at 0 and dropout that scales what it keeps, the
    /// limit of 3 is the same for both.
    ///
    /// What differs:
    ///
    /// * vectors are those that `--glove` names, instead of 300 numbers of word2vec, and scaled to about the variance of
    ///   those: Adadelta's first steps have a length of their own, and vectors several times as large hardly move;
    /// * the inputs have dropout, too (Srivastava et al. 2014), of each number of a word's vector, each time it stands in a
    ///   sentence; `--embedding-dropout 0` is the paper's;
    /// * there are fewer epochs than 25, and each is validated four times; of equal results the first counts, not the last;
    /// * batches are composed anew in each epoch, and hold sentences of about the same length;
    /// * words of no training sentence share one vector, instead of one each that is not trained either.
    pub const KIM: Self = Self {
        epochs: 10,
        batch: 50,
        rate: 1.0,
        filters: Cow::Borrowed(&[3, 4, 5]),
        maps: 100,
        combine: Combine::Concat,
        lead: true,
        dropout: 0.5,
        dropped: Dropped::Features,
        embedding_dropout: 0.4,
        init: Init::Uniform {
            low: -0.01,
            high: 0.01,
        },
        zeroed: true,
        optimiser: Optimiser::Adadelta,
        max_norm: Some(3.0),
        shuffle: true,
        spread: Some(0.25 * INVERSE_ROOT_3),
        unknown: Unknown::Own,
        train_embeddings: true,
        phrases: true,
        checks: 4,
        keep_best: true,
        quirks: false,
        sentences: [None, None],
    };
}
