//! Batches of sentences.

use minitorch_core::{Backend, Element, Generator, Index, Tensor};

use super::network::{FIRST, NOTHING, UNKNOWN};
use crate::args::sentiment::Recipe;
use crate::data::text::Sentences;
use crate::error::Failure;

/// What is added to the seed's stream for the order of an epoch, so that it never meets the stream of the weights.
const ORDER: u64 = 1 << 32;
/// Batches whose sentences are sorted by length together.
const POOL: usize = 50;

/// The sentences of each batch of an epoch: a function of the recipe, the seed and the epoch alone, so that a resumed run
/// finds it again.
///
/// Shuffled batches hold sentences of about the same length, which saves most of the work on padding. The last batch
/// may be smaller; shuffled, it may come anywhere.
pub(super) fn batches(
    sentences: &Sentences,
    recipe: &Recipe,
    seed: u64,
    epoch: usize,
) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    let mut rng = Generator::from_parts([seed, ORDER + epoch as u64, 0]);
    if recipe.shuffle {
        rng.shuffle(&mut order);
        for pool in order.chunks_mut(POOL * recipe.batch) {
            pool.sort_by_key(|&sentence| sentences.words(sentence).len());
        }
    }
    let mut batches: Vec<_> = order.chunks(recipe.batch).map(<[_]>::to_vec).collect();
    if recipe.shuffle {
        rng.shuffle(&mut batches);
    }
    batches
}

/// Sentences on a device.
pub(super) struct Batch<B: Backend> {
    /// Rows of the table of vectors, `[b, length]` row by row.
    pub(super) words: Index<B>,
    /// Sentences, and words in each.
    pub(super) shape: [usize; 2],
    /// 1 where a word is, else 0: `[b, length, 1]`.
    pub(super) present: Tensor<B>,
}

impl<B: Backend> Batch<B> {
    /// A batch of sentences, of which the first `known` words have vectors. At most `longest` words and fillers stand in
    /// a row.
    ///
    /// All rows are filled up to one more than the longest of the batch, or to `longest` if that is less. More would change
    /// nothing, not even a bit: all windows without a word are equal, of equal features the first is the strongest, and
    /// gradients of zeros add zeros. (Dropout of vectors draws for fillers, too.) Around that stand as many more as `around`
    /// says, before and behind, for windows to begin and to end in.
    ///
    /// # Errors
    ///
    /// If the device has no room.
    pub(super) fn new<'s>(
        device: &B,
        sentences: impl Iterator<Item = &'s [u32]> + Clone,
        known: usize,
        longest: usize,
        around: [usize; 2],
    ) -> Result<Self, Failure> {
        let most = sentences.clone().map(<[u32]>::len).max().unwrap_or(0);
        let [before, behind] = around;
        let length = before + (most + 1).min(longest).max(1) + behind;
        let (mut words, mut present) = (Vec::new(), Vec::new());
        for (row, sentence) in sentences.enumerate() {
            words.resize(row * length + before, NOTHING);
            present.resize(words.len(), B::Elem::ZERO);
            words.extend(sentence.iter().map(|&word| match (word as usize) < known {
                true => FIRST + word,
                false => UNKNOWN,
            }));
            present.resize(words.len(), B::Elem::ONE);
            words.resize((row + 1) * length, NOTHING);
            present.resize(words.len(), B::Elem::ZERO);
        }
        let b = words.len() / length;
        Ok(Self {
            words: Index::new(device, &words)?,
            shape: [b, length],
            present: Tensor::try_from_slice(device, &present, [b, length, 1])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use minitorch_core::Cpu;

    use super::*;

    fn sentences(lengths: &[usize]) -> Sentences {
        let mut sentences = Sentences::default();
        for &length in lengths {
            sentences.push(0..length as u32, false);
        }
        sentences
    }

    #[test]
    fn an_epoch_has_every_sentence_once_and_can_be_found_again() {
        let lengths: Vec<usize> = (0..1234).map(|i| 1 + i * 7919 % 50).collect();
        let sentences = sentences(&lengths);
        let first = batches(&sentences, &Recipe::KIM, 7, 0);
        assert_eq!(first, batches(&sentences, &Recipe::KIM, 7, 0));
        assert_ne!(first, batches(&sentences, &Recipe::KIM, 7, 1));
        assert_ne!(first, batches(&sentences, &Recipe::KIM, 8, 0));
        assert_eq!(first.len(), 25);
        let mut all = first.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1234));
        let plain = batches(&sentences, &Recipe::DEFAULT, 7, 0);
        assert!(plain.concat().into_iter().eq(0..1234));
        assert_eq!((plain.len(), plain[123].len()), (124, 4));
    }

    #[test]
    fn rows_are_filled_up_to_one_more_than_the_longest() {
        let device: Cpu = Cpu::default();
        let rows: [&[u32]; 2] = [&[0, 9], &[3, 1, 0]];
        for (longest, expected) in [(8, [2, 1, 0, 0, 1, 1, 2, 0]), (4, [2, 1, 0, 0, 1, 1, 2, 0])] {
            let batch = Batch::new(&device, rows.into_iter(), 1, longest, [0, 0]).unwrap();
            assert_eq!(batch.shape, [2, 4]);
            assert_eq!(batch.words.to_vec(), expected);
            let present = batch.present.to_vec();
            assert_eq!(present, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
        }
        let batch = Batch::new(&device, rows.into_iter(), 4, 3, [0, 1]).unwrap();
        assert_eq!(batch.shape, [2, 4]);
        assert_eq!(batch.words.to_vec(), [2, 1, 0, 0, 5, 3, 2, 0]);
        let batch = Batch::new(&device, rows.into_iter(), 4, 3, [2, 1]).unwrap();
        let expected = [0, 0, 2, 1, 0, 0, 0, 0, 5, 3, 2, 0];
        assert_eq!(batch.words.to_vec(), expected);
        let present = batch.present.to_vec();
        assert!(
            expected
                .iter()
                .zip(present)
                .all(|(&row, is)| (row > 0) == (is > 0.0))
        );
    }
}
