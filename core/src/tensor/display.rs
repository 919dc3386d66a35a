//! Text forms of tensors, for people.

use super::Tensor;
use crate::backend::Backend;
use crate::element::Element;
use crate::shape::product;
use core::fmt;

/// Axes longer than this show only their first and last three entries.
const LONGEST: usize = 12;
const EDGE: usize = 3;
/// Digits after the point.
const DECIMALS: usize = 4;

/// The elements, nested in brackets, with four decimals; long axes are shortened.
///
/// Where four decimals would hide a value, or a value has more than eight digits before them, all are written with an
/// exponent; a precision that is given is kept to.
///
/// ```
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let x = Tensor::from_slice(&dev, &[1.0, -2.5, 3.0, 4.0], [2, 2]);
/// assert_eq!(format!("{x:.1}"), "[[ 1.0, -2.5],\n [ 3.0,  4.0]]");
/// assert_eq!(Tensor::from_slice(&dev, &[3e-5, 0.0], [2]).to_string(), "[3.0000e-5,  0.0000e0]");
/// ```
impl<B: Backend> fmt::Display for Tensor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.try_to_vec().map_err(|_| fmt::Error)?;
        let style = Style {
            precision: f.precision().unwrap_or(DECIMALS),
            exponent: f.precision().is_none() && values.iter().any(|value| hard_to_read(*value)),
        };
        let lengths = values.iter().map(|value| style.length(*value));
        let width = lengths.max().unwrap_or(0);
        nested(
            f,
            self.shape(),
            &values,
            &mut |f, value: B::Elem| {
                (style.length(value)..width).try_for_each(|_| f.write_str(" "))?;
                style.write(f, value)
            },
            1,
        )
    }
}

fn nested<E: Element>(
    f: &mut fmt::Formatter<'_>,
    shape: &[usize],
    values: &[E],
    number: &mut dyn FnMut(&mut fmt::Formatter<'_>, E) -> fmt::Result,
    depth: usize,
) -> fmt::Result {
    let [size, inner @ ..] = shape else {
        return values.first().map_or(Ok(()), |&value| number(f, value));
    };
    let stride = product(inner.iter().copied());
    let shown = if *size > LONGEST { EDGE } else { *size };
    f.write_str("[")?;
    for i in (0..shown).chain(shown.max(size - shown)..*size) {
        if i > 0 && i == size - shown {
            separate(f, inner, depth)?;
            f.write_str("...")?;
        }
        if i > 0 {
            separate(f, inner, depth)?;
        }
        nested(
            f,
            inner,
            &values[i * stride..(i + 1) * stride],
            number,
            depth + 1,
        )?;
    }
    f.write_str("]")
}

/// A comma; then a space between numbers, and line breaks between rows, one more for each further axis.
fn separate(f: &mut fmt::Formatter<'_>, inner: &[usize], depth: usize) -> fmt::Result {
    f.write_str(",")?;
    if inner.is_empty() {
        return f.write_str(" ");
    }
    for _ in inner {
        f.write_str("\n")?;
    }
    (0..depth).try_for_each(|_| f.write_str(" "))
}

/// Whether [`DECIMALS`] decimals hide a number, or it has more than eight digits before them.
fn hard_to_read<E: Element>(value: E) -> bool {
    let size = value.to_f64().abs();
    (size > 0.0 && size < 1e-4) || (1e8..f64::INFINITY).contains(&size)
}

/// How numbers are written.
#[derive(Clone, Copy)]
struct Style {
    precision: usize,
    exponent: bool,
}

impl Style {
    fn write<E: Element>(self, out: &mut dyn fmt::Write, value: E) -> fmt::Result {
        let precision = self.precision;
        match self.exponent {
            // A value of f32 has the same digits as an f64: both are rounded from the exact value.
            true => write!(out, "{:.precision$e}", value.to_f64()),
            false => write!(out, "{value:.precision$}"),
        }
    }

    /// How many characters a number takes.
    fn length<E: Element>(self, value: E) -> usize {
        struct Count(usize);
        impl fmt::Write for Count {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len();
                Ok(())
            }
        }
        let mut count = Count(0);
        // Counting cannot fail.
        let _ = self.write(&mut count, value);
        count.0
    }
}

impl<B: Backend> fmt::Debug for Tensor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = if self.is_tracked() { ", tracked" } else { "" };
        write!(f, "Tensor({self}, shape {}{history})", self.shape())
    }
}
