//! The network: vectors of words, features of windows of words, the strongest of each over a sentence, one linear layer.

use minitorch_core::nn::{Conv1d, Dropout, Embedding, Init, Layer, Linear, Module};
use minitorch_core::{Backend, Element, Generator, Index, Result, Tensor, module};

use crate::args::sentiment::{Combine, Dropped, Recipe};

/// The row of the table that stands for no word: zeros.
pub(crate) const NOTHING: u32 = 0;
/// The row of all words without a vector.
pub(super) const UNKNOWN: u32 = 1;
/// The row of the first word with a vector.
pub(crate) const FIRST: u32 = 2;

/// Sentences to the logit of being positive (Kim 2014).
///
/// ```text
/// x = vectors of the words                       [b, d, l]
/// f = max over l of relu(conv1d(x))              [b, maps] for each width
/// f = the sum of these (MiniTorch), or all side by side (Kim)
/// logit = linear(f)                              [b]
/// ```
///
/// Convolutions keep the length, and their padding lies at the right; in Kim's form windows begin before a sentence, too.
/// Dropout is applied to the logit (MiniTorch) or to `f` (Kim), and to `x` if the recipe says so. Row 0 of the
/// vectors is zeros and stands for no word, row 1 for words without a vector of their own.
pub(crate) struct Network<B: Backend> {
    embedding: Embedding<B>,
    convs: Vec<Conv1d<B>>,
    fc: Linear<B>,
    dropout: Dropout,
    /// Dropout of `x`, if there is any: a generator more in a checkpoint.
    embedding_dropout: Option<Dropout>,
    combine: Combine,
    lead: bool,
    dropped: Dropped,
    quirks: bool,
}
module!(Network {
    embedding,
    convs,
    fc,
    dropout,
    embedding_dropout
});

impl<B: Backend> Network<B> {
    /// A network with the initial weights of `seed` and these vectors, one after the other, each of `dimension` numbers.
    /// After them come as many random ones as `own` says.
    pub(crate) fn new(
        device: &B,
        recipe: &Recipe,
        (vectors, own): (&[f32], usize),
        dimension: usize,
        seed: u64,
    ) -> Result<Self> {
        let rng = &mut Generator::new(seed);
        let init = recipe.init;
        // What has no vector of its own is somewhere near the middle.
        let mut table = vec![B::Elem::ZERO; dimension];
        table.extend((0..dimension).map(|_| B::Elem::from_f64(0.1 * (rng.uniform() - 0.5))));
        let size = root_mean_square(vectors);
        let spread = recipe.spread.unwrap_or(size);
        let scale = if size > 0.0 { spread / size } else { 1.0 };
        let scaled = vectors.iter().map(|&value| f64::from(value) * scale);
        table.extend(scaled.map(B::Elem::from_f64));
        // Uniform numbers from -1 to 1 have a variance of a third.
        let bound = spread * 3f64.sqrt();
        let drawn = (0..own * dimension).map(|_| bound * (2.0 * rng.uniform() - 1.0));
        table.extend(drawn.map(B::Elem::from_f64));
        let rows = table.len() / dimension;
        let zeros = Init::Constant(0.0);
        let mut embedding = Embedding::with_init(device, rows, dimension, zeros, rng)?;
        let table = Tensor::try_from_slice(device, &table, [rows, dimension])?;
        embedding.weight.try_set(&table)?;
        embedding.weight.set_trainable(recipe.train_embeddings);
        let conv =
            |&width: &usize| Conv1d::with_init(device, dimension, recipe.maps, width, init, rng);
        let mut convs: Vec<_> = recipe.filters.iter().map(conv).collect::<Result<_>>()?;
        if recipe.zeroed {
            for bias in convs.iter_mut().filter_map(|conv| conv.bias.as_mut()) {
                bias.try_set(&Tensor::try_zeros(device, *bias.shape())?)?;
            }
        }
        let last = if recipe.zeroed { zeros } else { init };
        let features = match recipe.combine {
            Combine::Sum => recipe.maps,
            Combine::Concat => recipe.maps * convs.len(),
        };
        Ok(Self {
            embedding,
            convs,
            fc: Linear::with_init(device, features, 1, last, rng)?,
            dropout: Dropout::new(recipe.dropout, rng)?,
            embedding_dropout: match recipe.embedding_dropout {
                0.0 => None,
                p => Some(Dropout::new(p, rng)?),
            },
            combine: recipe.combine,
            lead: recipe.lead,
            dropped: recipe.dropped,
            quirks: recipe.quirks,
        })
    }

    /// Switches to training or evaluation. MiniTorch's dropout, which its preset keeps, is on in both.
    pub(super) fn set_training(&mut self, training: bool) {
        if training || self.quirks {
            self.train();
        } else {
            self.eval();
        }
    }

    /// The last layer's weights.
    pub(super) fn last(&mut self) -> &mut minitorch_core::nn::Param<B> {
        &mut self.fc.weight
    }

    /// How many fillers a row has before and behind its sentence, for windows to begin and to end in.
    pub(crate) fn around(&self) -> [usize; 2] {
        let behind = self.widest() - 1;
        [if self.lead { behind } else { 0 }, behind]
    }

    /// The most words that a window has.
    fn widest(&self) -> usize {
        let widths = self.convs.iter().map(|conv| conv.weight.shape()[2]);
        widths.max().unwrap_or(1)
    }

    /// The logit of each sentence, `[b]`; `words` is `[b, length]`, row by row, filled up with [`NOTHING`], with some
    /// [`around`](Self::around) each sentence. `present` is 1 where a word is, else 0,
    /// `[b, length, 1]`; it is needed where vectors are trained, since zeros must stay zeros.
    pub(crate) fn forward(
        &self,
        words: &Index<B>,
        [b, length]: [usize; 2],
        present: Option<&Tensor<B>>,
    ) -> Result<Tensor<B>> {
        let vectors = self.embedding.try_forward(words)?;
        let dimension = vectors.shape()[1];
        let mut x = vectors.try_reshape([b, length, dimension])?;
        if let Some(present) = present {
            x = x.try_mul(present)?;
        }
        if let Some(dropout) = &self.embedding_dropout {
            x = dropout.try_forward(&x)?;
        }
        let windows = length + 1 - self.widest();
        let feature = |conv: &Conv1d<B>| feature(conv, &x, windows);
        let features: Vec<Tensor<B>> = self.convs.iter().map(feature).collect::<Result<_>>()?;
        let mut features = match self.combine {
            Combine::Concat => Tensor::try_cat(&features, 1)?,
            Combine::Sum => {
                let mut all = features.into_iter();
                // There is at least one width.
                let first = all
                    .next()
                    .map_or_else(|| Tensor::try_zeros(x.device(), []), Ok)?;
                all.try_fold(first, |sum, one| sum.try_add(&one))?
            }
        };
        if self.dropped == Dropped::Features {
            features = self.dropout.try_forward(&features)?;
        }
        let mut logits = self.fc.try_forward(&features)?.try_reshape([b])?;
        if self.dropped == Dropped::Answer {
            logits = self.dropout.try_forward(&logits)?;
        }
        Ok(logits)
    }
}

/// The root of the mean of the squares, which for vectors of words is about their standard deviation; 0 of none.
fn root_mean_square(values: &[f32]) -> f64 {
    let squares = values
        .iter()
        .map(|&value| f64::from(value) * f64::from(value));
    (squares.sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// The strongest answer of each kernel of `conv` over the first so many windows: `[b, l, d]` to `[b, maps]`.
///
/// The convolution is a matrix product of all windows with all kernels, whose sums have the order of [`Conv1d`]'s, and so
/// the same bits; gradients are those of the product, and only touch the window whose answer is the strongest. With rows as
/// short as sentences and as many channels as vectors have numbers, it takes a fraction of the time. Bias and ReLU come after
/// the maximum, whose value they do not change, since both keep the order of numbers.
fn feature<B: Backend>(conv: &Conv1d<B>, x: &Tensor<B>, windows: usize) -> Result<Tensor<B>> {
    let kernels = conv.weight.value();
    let &[maps, dimension, width] = &kernels.shape()[..] else {
        return kernels.try_max(0);
    };
    let (b, taps) = (x.shape()[0], dimension * width);
    let x = x.try_narrow(1, 0, windows + width - 1)?;
    let x = x.try_window(1, width, 1)?.try_reshape([b, windows, taps])?;
    let strongest = x.try_matmul_max(&kernels.try_reshape([maps, taps])?)?;
    match &conv.bias {
        Some(bias) => strongest.try_add(&bias.value())?.try_relu(),
        None => strongest.try_relu(),
    }
}

#[cfg(test)]
mod tests {
    use minitorch_core::Cpu;

    use super::*;

    /// The logit of one sentence by the formula, in plain loops, from the parameters by name.
    fn naive(weights: &dyn Fn(&str) -> Vec<f64>, recipe: &Recipe, d: usize, words: &[u32]) -> f64 {
        let table = weights("embedding.weight");
        let at = |place: usize, c: usize| match words.get(place) {
            Some(&word) => table[word as usize * d + c],
            None => 0.0,
        };
        let mut features = Vec::new();
        for (number, &width) in recipe.filters.iter().enumerate() {
            let kernels = weights(&format!("convs.{number}.weight"));
            let bias = weights(&format!("convs.{number}.bias"));
            features.push(
                (0..recipe.maps)
                    .map(|map| {
                        let answer = |start: usize| -> f64 {
                            let taps = (0..d).flat_map(|c| (0..width).map(move |k| (c, k)));
                            let products = taps.map(|(c, k)| {
                                kernels[(map * d + c) * width + k] * at(start + k, c)
                            });
                            (products.sum::<f64>() + bias[map]).max(0.0)
                        };
                        (0..words.len()).map(answer).fold(0.0, f64::max)
                    })
                    .collect::<Vec<f64>>(),
            );
        }
        let features = match recipe.combine {
            Combine::Concat => features.concat(),
            Combine::Sum => (0..recipe.maps)
                .map(|map| features.iter().map(|width| width[map]).sum())
                .collect(),
        };
        let products = features
            .iter()
            .zip(weights("fc.weight"))
            .map(|(x, w)| x * w);
        products.sum::<f64>() + weights("fc.bias")[0]
    }

    #[test]
    fn a_logit_is_what_the_formula_says() {
        let (d, device) = (6, Cpu::<f64>::default());
        let vectors: Vec<f32> = (0..20 * d)
            .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
            .collect();
        for preset in [Recipe::DEFAULT, Recipe::KIM] {
            let recipe = Recipe {
                maps: 7,
                dropout: 0.0,
                ..preset
            };
            let mut network = Network::new(&device, &recipe, (&vectors, 0), d, 3).unwrap();
            network.set_training(false);
            let weights = |name: &str| -> Vec<f64> {
                let mut all = network.named_parameters().into_iter();
                all.find(|(path, _)| path == name).expect(name).1.to_vec()
            };
            // The second sentence is shorter, and ends in what stands for no word.
            let words = [4, 9, 21, 1, 7, 3, 0, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0, 0, 0, 0];
            let index = Index::new(&device, &words).unwrap();
            let logits = network.forward(&index, [2, 10], None).unwrap().to_vec();
            for (logit, words) in logits.into_iter().zip(words.chunks(10)) {
                let expected = naive(&weights, &recipe, d, &words[..6]);
                assert!((logit - expected).abs() < 1e-12, "{logit} {expected}");
            }
        }
    }

    #[test]
    fn weights_start_as_the_recipe_says() {
        let (d, words, own, device) = (6, 20, 50, Cpu::<f64>::default());
        let vectors: Vec<f32> = (0..words * d)
            .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
            .collect();
        let size = root_mean_square(&vectors);
        for (recipe, spread) in [(Recipe::DEFAULT, size), (Recipe::KIM, 0.25 / 3f64.sqrt())] {
            let network = Network::new(&device, &recipe, (&vectors, own), d, 3).unwrap();
            let table = network.embedding.weight.value().to_vec();
            assert_eq!(table.len(), (2 + words + own) * d);
            let (given, drawn) = table[2 * d..].split_at(words * d);
            for (&value, &vector) in given.iter().zip(&vectors) {
                let expected = f64::from(vector) * spread / size;
                assert!((value - expected).abs() < 1e-15, "{value} {expected}");
            }
            // Of 300 numbers.
            let bound = spread * 3f64.sqrt();
            let largest = drawn
                .iter()
                .fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(
                (0.95 * bound..=bound).contains(&largest),
                "{largest} of {bound}"
            );
            assert_ne!(drawn[..d], drawn[d..2 * d]);
            let zero = |name: &str| {
                let parameters = network.named_parameters();
                let mut named = parameters.iter().filter(|(path, _)| path.ends_with(name));
                named.all(|(_, value)| value.to_vec().iter().all(|&x| x == 0.0))
            };
            assert_eq!([zero("bias"), zero("fc.weight")], [recipe.zeroed; 2]);
            assert!(!zero("convs.0.weight"));
        }
    }

    /// In training, numbers of vectors are dropped and the others scaled; in evaluation the network is the one without.
    #[test]
    fn dropout_of_vectors_is_for_training_alone() {
        let (d, words, device) = (8, 30, Cpu::<f64>::default());
        let vectors = vec![1.0; words * d];
        let network = |embedding_dropout| {
            let recipe = Recipe {
                embedding_dropout,
                dropout: 0.0,
                zeroed: false,
                // One feature that adds all numbers of a word.
                filters: [1].as_slice().into(),
                maps: 1,
                init: Init::Constant(1.0),
                spread: None,
                ..Recipe::KIM
            };
            Network::new(&device, &recipe, (&vectors, 0), d, 3).unwrap()
        };
        let [mut with, mut without] = [0.75, 0.0].map(network);
        let words: Vec<u32> = (0..200).map(|i| FIRST + i % 30).collect();
        let index = Index::new(&device, &words).unwrap();
        let features = |network: &Network<Cpu<f64>>| -> Vec<f64> {
            let logits = network.forward(&index, [200, 1], None).unwrap().to_vec();
            // Both biases are 1, and ReLU changes nothing.
            logits.into_iter().map(|logit| logit - 2.0).collect()
        };
        let kept = features(&with);
        assert!(kept.iter().all(|sum| sum % 4.0 == 0.0), "{kept:?}");
        let share = kept.iter().sum::<f64>() / (200 * d) as f64;
        assert!((0.8..1.2).contains(&share), "{share}");
        assert_ne!(features(&with), kept, "it draws anew");
        assert!(features(&without).iter().all(|&sum| sum == d as f64));
        for network in [&mut with, &mut without] {
            network.set_training(false);
        }
        assert_eq!(features(&with), features(&without));
    }

    /// A matrix product of all windows, and bias and ReLU after the maximum, leave every bit as the layer, ReLU and maximum
    /// in the order of the formula do.
    #[test]
    fn a_feature_has_the_bits_of_the_convolution() {
        let (device, rng) = (Cpu::<f32>::default(), &mut Generator::new(5));
        // Lengths and numbers of kernels that no block of a product divides, and as many channels as in a real run.
        for (b, windows, d, maps, width) in
            [(1, 1, 1, 1, 1), (3, 17, 50, 100, 3), (2, 9, 100, 33, 5)]
        {
            let init = Init::Uniform {
                low: -0.1,
                high: 0.1,
            };
            let conv = Conv1d::with_init(&device, d, maps, width, init, rng).unwrap();
            let x = Tensor::<Cpu>::randn(&device, [b, windows + width - 1, d], rng);
            // Two equal windows: a maximum that is reached twice.
            let x = Tensor::cat(&[x.clone(), x.narrow(1, 0, width)], 1);
            let all = windows + width;
            let found = feature(&conv, &x, all).unwrap();
            let channels = x.transpose(1, 2);
            let expected = conv.forward(&channels).relu().max(2);
            assert_eq!(&found.shape()[..], [b, maps]);
            assert_eq!(&conv.forward(&channels).shape()[..], [b, maps, all]);
            let bits =
                |x: Tensor<Cpu>| -> Vec<u32> { x.to_vec().into_iter().map(f32::to_bits).collect() };
            assert_eq!(
                bits(found),
                bits(expected),
                "{b} {windows} {d} {maps} {width}"
            );
        }
    }
}
