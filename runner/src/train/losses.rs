//! Losses that stay on the device until somebody wants to know them, because to read a number is to wait for it.

use minitorch_core::{Backend, Element, Result, Tensor};

/// The losses of the last batches.
pub(super) struct Losses<B: Backend> {
    /// Memory of their own: each step finds the same memory free as the step before, so that a device which repeats its
    /// work need not be told of other places.
    kept: Option<Tensor<B>>,
    count: usize,
}

impl<B: Backend> Losses<B> {
    /// The most losses: so long a run may go on that is lost.
    const MOST: usize = 64;

    pub(super) const fn new() -> Self {
        Self {
            kept: None,
            count: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count == Self::MOST
    }

    /// Keeps a loss, of one element. There has to be room.
    pub(super) fn push(&mut self, loss: &Tensor<B>) -> Result<()> {
        let kept = match &mut self.kept {
            Some(kept) => kept,
            none => none.insert(Tensor::try_zeros(loss.device(), [Self::MOST])?),
        };
        kept.try_put(0, self.count, &loss.detach().try_reshape([1])?)?;
        self.count += 1;
        Ok(())
    }

    /// All of them in order, which are then forgotten.
    pub(super) fn take(&mut self) -> Result<Vec<f64>> {
        let count = std::mem::take(&mut self.count);
        let Some(kept) = self.kept.as_ref().filter(|_| count > 0) else {
            return Ok(Vec::new());
        };
        let losses = kept.try_narrow(0, 0, count)?.try_to_vec()?;
        Ok(losses.into_iter().map(Element::to_f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use minitorch_core::Cpu;

    use super::*;

    #[test]
    fn they_come_back_in_order_and_once() {
        let device: Cpu = Cpu::default();
        let mut losses = Losses::new();
        assert_eq!(losses.take(), Ok(Vec::new()));
        for round in [3, Losses::<Cpu>::MOST, 1] {
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
}
