//! Numbers that stay on the device until somebody wants to know them, because to read a number is to wait for it.

use minitorch_core::{Backend, Element, Result, Tensor};

/// The most batches of which nothing is read: so long a run may go on that is lost.
pub(crate) const MOST_UNREAD: usize = 64;

/// The numbers of the last batches, such as their losses.
pub(crate) struct Unread<B: Backend> {
    /// Memory of their own: each step finds the same memory free as the step before, so that a device which repeats its
    /// work need not be told of other places.
    kept: Option<Tensor<B>>,
    most: usize,
    count: usize,
}

impl<B: Backend> Unread<B> {
    /// Room for [`MOST_UNREAD`] batches of at most `each` numbers.
    pub(crate) const fn new(each: usize) -> Self {
        Self {
            kept: None,
            most: MOST_UNREAD * each,
            count: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count == self.most
    }

    /// Keeps numbers, for which there has to be room.
    pub(crate) fn push(&mut self, numbers: &Tensor<B>) -> Result<()> {
        let kept = match &mut self.kept {
            Some(kept) => kept,
            none => none.insert(Tensor::try_zeros(numbers.device(), [self.most])?),
        };
        let count = numbers.elements();
        kept.try_put(0, self.count, &numbers.detach().try_reshape([count])?)?;
        self.count += count;
        Ok(())
    }

    /// All of them in order, which are then forgotten.
    pub(crate) fn take(&mut self) -> Result<Vec<f64>> {
        let count = std::mem::take(&mut self.count);
        let Some(kept) = self.kept.as_ref().filter(|_| count > 0) else {
            return Ok(Vec::new());
        };
        let numbers = kept.try_narrow(0, 0, count)?.try_to_vec()?;
        Ok(numbers.into_iter().map(Element::to_f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use minitorch_core::Cpu;

    use super::*;

    #[test]
    fn they_come_back_in_order_and_once() {
        let device: Cpu = Cpu::default();
        let mut losses = Unread::new(1);
        assert_eq!(losses.take(), Ok(Vec::new()));
        for round in [3, MOST_UNREAD, 1] {
            for i in 0..round {
                assert!(!losses.is_full());
                let loss = Tensor::from_slice(&device, &[i as f32 - 0.5], []);
                losses.push(&loss).expect("room");
            }
            assert_eq!(losses.len(), round);
            let expected: Vec<f64> = (0..round).map(|i| i as f64 - 0.5).collect();
            assert_eq!(losses.take(), Ok(expected));
        }
    }

    #[test]
    fn batches_may_have_several_numbers_and_fewer_than_the_most() {
        let device: Cpu = Cpu::default();
        let mut unread = Unread::new(3);
        for numbers in [&[1.0, 2.0, 3.0][..], &[4.0]] {
            let numbers = Tensor::from_slice(&device, numbers, [numbers.len(), 1]);
            unread.push(&numbers).expect("room");
        }
        assert_eq!(unread.take(), Ok(vec![1.0, 2.0, 3.0, 4.0]));
    }
}
