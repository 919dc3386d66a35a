//! Random operands and windows for the tests of the kernels.

use crate::backend::Window;
use crate::element::Element;
use crate::layout::Layout;
use alloc::vec::Vec;

/// A linear congruential generator (Knuth's MMIX).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from `low` to `high`.
    pub(crate) fn within(&mut self, low: usize, high: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (self.0 >> 33) as usize % (high - low + 1)
    }

    /// A dense tensor of numbers in -1..=1; about `odd` of 2000 are infinities, NaN or -0.
    pub(crate) fn tensor<E: Element, const N: usize>(
        &mut self,
        shape: [usize; N],
        odd: usize,
    ) -> (Vec<E>, Layout) {
        let layout = Layout::contiguous(shape).unwrap();
        let data = (0..layout.elements())
            .map(|_| {
                E::from_f64(match self.within(0, 2000) {
                    n if n < odd => [f64::INFINITY, f64::NAN, f64::NEG_INFINITY, -0.0][n % 4],
                    n => n as f64 / 1000.0 - 1.0,
                })
            })
            .collect();
        (data, layout)
    }

    /// A window of at most `tap[0]` by `tap[1]` taps over images of up to `more` lines and columns more.
    pub(crate) fn window(&mut self, tap: [usize; 2], more: [usize; 2]) -> Window {
        let kernel = tap.map(|most| self.within(1, most));
        let stride = [self.within(1, 2), self.within(1, 3)];
        let before = kernel.map(|taps| self.within(0, taps - 1));
        let input = [0, 1].map(|axis| kernel[axis] + self.within(0, more[axis]));
        let output =
            [0, 1].map(|axis| (input[axis] + before[axis] - kernel[axis]) / stride[axis] + 1);
        Window {
            kernel,
            stride,
            before,
            input,
            output,
        }
    }
}

/// The bits of results, of which any NaN is as good as another (R6).
pub(crate) fn bits<E: Element>(values: &[E]) -> Vec<u64> {
    let bits = |x: f64| if x.is_nan() { u64::MAX } else { x.to_bits() };
    values.iter().map(|x| bits(x.to_f64())).collect()
}
