//! The joint loop nest: one walk over several operands of equal shape.
//!
//! Axes of size 1 are dropped, and neighbouring axes are merged wherever every operand steps evenly across both, so
//! that dense operands become one long run whatever their rank. The walk yields *runs*: stretches of the innermost
//! loop, with each operand's start. There are no other special cases; what a kernel does with a run depends only on
//! the operands' strides inside of it.

use crate::layout::Layout;
use crate::shape::{MAX_RANK, product};
use core::ops::Range;

/// Loops over a common shape with a stride per operand.
///
/// ```
/// use minitorch_core::{layout::Layout, nest::Nest};
/// let dense = Layout::contiguous([2, 3, 4])?;
/// let row = Layout::contiguous([4])?.expand([2, 3, 4])?;
/// let nest = Nest::new([&dense, &row]);
/// assert_eq!(nest.sizes(), [6, 4]); // the first two axes merged
/// assert_eq!(nest.strides(), [[4, 0], [1, 1]]);
/// let mut starts = vec![];
/// nest.runs(6..24, |start, count| starts.push((start, count)));
/// assert_eq!(starts[..2], [([6, 2], 2), ([8, 0], 4)]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Nest<const N: usize> {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [[usize; N]; MAX_RANK],
    offsets: [usize; N],
}

impl<const N: usize> Nest<N> {
    /// The nest over `operands`, which must have one shape (expand them first).
    #[must_use]
    pub fn new(operands: [&Layout; N]) -> Self {
        let shape: &[usize] = operands.first().map_or(&[], |first| first.shape());
        debug_assert!(operands.iter().all(|layout| **layout.shape() == *shape));
        let mut nest = Self {
            rank: 0,
            sizes: [1; MAX_RANK],
            strides: [[0; N]; MAX_RANK],
            offsets: operands.map(Layout::offset),
        };
        if shape.contains(&0) {
            // No turn at all. The other sizes may be too large to multiply.
            (nest.rank, nest.sizes[0]) = (1, 0);
            return nest;
        }
        for (axis, &size) in shape.iter().enumerate() {
            if size == 1 {
                continue;
            }
            let strides = operands.map(|layout| layout.strides()[axis]);
            let merges = nest.rank > 0
                && (0..N).all(|k| nest.strides[nest.rank - 1][k] == size * strides[k]);
            if merges {
                // Only the shape of a result that nobody has asked for can have more elements than can be counted.
                nest.sizes[nest.rank - 1] = nest.sizes[nest.rank - 1].saturating_mul(size);
                nest.strides[nest.rank - 1] = strides;
            } else {
                nest.sizes[nest.rank] = size;
                nest.strides[nest.rank] = strides;
                nest.rank += 1;
            }
        }
        // A nest of single elements still has one loop of one turn.
        nest.rank = nest.rank.max(1);
        nest
    }

    /// The sizes of the loops that are left, outermost first.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// The strides of the loops that are left, outermost first: each operand's.
    #[must_use]
    pub fn strides(&self) -> &[[usize; N]] {
        &self.strides[..self.rank]
    }

    /// Each operand's position of the first element.
    #[must_use]
    pub const fn offsets(&self) -> [usize; N] {
        self.offsets
    }

    /// Each operand's stride in the innermost loop.
    #[must_use]
    pub fn inner_strides(&self) -> [usize; N] {
        self.strides[self.rank - 1]
    }

    /// The number of turns of all loops together.
    #[must_use]
    pub fn elements(&self) -> usize {
        product(self.sizes().iter().copied())
    }

    /// Calls `run(starts, count)` for the elements `range` of the row-major order, in that order.
    ///
    /// `starts` are the operands' positions of the first element; the others follow at [`Nest::inner_strides`].
    #[inline]
    pub fn runs(&self, range: Range<usize>, mut run: impl FnMut([usize; N], usize)) {
        let inner = self.rank - 1;
        let mut left = range.len();
        if left == 0 {
            return;
        }
        let mut index = [0; MAX_RANK];
        crate::indexing::to_index(range.start, self.sizes(), &mut index[..self.rank]);
        let mut at = self.offsets;
        for axis in 0..self.rank {
            for k in 0..N {
                at[k] += index[axis] * self.strides[axis][k];
            }
        }
        loop {
            let count = left.min(self.sizes[inner] - index[inner]);
            run(at, count);
            left -= count;
            if left == 0 {
                return;
            }
            // Back to the start of the inner loop, then one step in the innermost outer loop that has one left.
            for k in 0..N {
                at[k] -= index[inner] * self.strides[inner][k];
            }
            index[inner] = 0;
            for axis in (0..inner).rev() {
                index[axis] += 1;
                if index[axis] < self.sizes[axis] {
                    for k in 0..N {
                        at[k] += self.strides[axis][k];
                    }
                    break;
                }
                index[axis] = 0;
                for k in 0..N {
                    at[k] -= (self.sizes[axis] - 1) * self.strides[axis][k];
                }
            }
        }
    }
}
