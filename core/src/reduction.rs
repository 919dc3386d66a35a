//! Folding axes: the reductions, and the order in which they fold.
//!
//! # The order (R5 of the canonical arithmetic)
//!
//! **One axis** of `n` elements: blocks of [`BLOCK`]. Within a block element `i` goes to lane `i mod 8`, each lane
//! starting at [`Reduction::START`]; the lanes combine as `((0+4)+(2+6))+((1+5)+(3+7))`; the blocks fold, ascending,
//! into a total that starts at `START`.
//!
//! **Several axes** (axes of size 1 do not count): for each index of the outermost one, the inner ones, flattened in
//! row-major order, by that rule; then the outermost, ascending, into a total that starts at `START`.
//!
//! Eight lanes are what makes a sum fast on vector units; blocks are what makes it accurate (errors grow with `n / 512`
//! rather than `n`); the outermost axis alone lets a batch be summed image by image.

use crate::element::Element;

/// How many elements fold in eight lanes before the lanes combine.
pub const BLOCK: usize = 512;

/// How many interleaved lanes fold within a block.
pub const LANES: usize = 8;

/// A way to fold many numbers into one.
pub trait Reduction: Copy + Send + Sync + 'static {
    /// The name in error messages and kernels.
    const NAME: &'static str;
    /// [`Reduction::fold`] in C: an expression of `x0` and `x1`.
    const C: &'static str;
    /// The value that a fold starts at, in `f64`.
    const START: f64;
    /// Whether a total is not a number exactly if some element is not, and [`Reduction::fold_number`] is faster than
    /// [`Reduction::fold`].
    const NUMBERS_FASTER: bool = false;
    /// The value of one more element folded into `total`.
    fn fold<E: Element>(total: E, x: E) -> E;
    /// [`Reduction::fold`] of numbers; of what is not a number it may be anything.
    #[inline(always)]
    fn fold_number<E: Element>(total: E, x: E) -> E {
        Self::fold(total, x)
    }
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident $label:literal from $start:expr, |$a:ident, $b:ident| $fold:expr, $(numbers $number:expr,)? c $c:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Reduction for $name {
            const NAME: &'static str = $label;
            const C: &'static str = $c;
            const START: f64 = $start;

            #[inline(always)]
            fn fold<E: Element>($a: E, $b: E) -> E {
                $fold
            }
            $(
                const NUMBERS_FASTER: bool = true;

                #[inline(always)]
                fn fold_number<E: Element>($a: E, $b: E) -> E {
                    $number
                }
            )?
        }
    )*};
}

reductions! {
    /// The sum.
    Sum "sum" from 0.0, |a, b| a + b, c "x0 + x1";
    /// The product.
    Prod "prod" from 1.0, |a, b| a * b, c "x0 * x1";
    /// The largest element; not a number if there is one that is not.
    Max "max" from f64::NEG_INFINITY, |a, b| E::maximum(a, b), numbers if a > b { a } else { b }, c "mt_max(x0, x1)";
    /// The smallest element; not a number if there is one that is not.
    Min "min" from f64::INFINITY, |a, b| E::minimum(a, b), numbers if a < b { a } else { b }, c "mt_min(x0, x1)";
}

/// Combines the lanes of a block.
#[inline(always)]
pub(crate) fn combine<R: Reduction, E: Element>(lanes: [E; LANES]) -> E {
    let [a, b, c, d, e, f, g, h] = lanes;
    let even = R::fold(R::fold(a, e), R::fold(c, g));
    let odd = R::fold(R::fold(b, f), R::fold(d, h));
    R::fold(even, odd)
}
