//! Text forms of tensors, for people.

use super::Tensor;
use crate::backend::Backend;
use crate::element::Element;
use core::fmt;

/// Axes longer than this show only their first and last three entries.
const LONGEST: usize = 12;
const EDGE: usize = 3;

/// The elements, nested in brackets, with four decimals unless a precision is given; long axes are shortened.
///
/// ```
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let x = Tensor::from_slice(&dev, &[1.0, -2.5, 3.0, 4.0], [2, 2]);
/// assert_eq!(format!("{x:.1}"), "[[ 1.0, -2.5],\n [ 3.0,  4.0]]");
/// ```
impl<B: Backend> fmt::Display for Tensor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.try_to_vec().map_err(|_| fmt::Error)?;
        let precision = f.precision().unwrap_or(4);
        let width = values
            .iter()
            .map(|value| length(*value, precision))
            .max()
            .unwrap_or(0);
        nested(
            f,
            self.shape(),
            &values,
            &mut |f, value: B::Elem| write!(f, "{value:width$.precision$}"),
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
    let stride: usize = inner.iter().product();
    f.write_str("[")?;
    for i in 0..*size {
        if *size > LONGEST && i == EDGE {
            separate(f, inner, depth)?;
            f.write_str("...")?;
        }
        if *size > LONGEST && (EDGE..size - EDGE).contains(&i) {
            continue;
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

/// How many characters a number takes.
fn length<E: Element>(value: E, precision: usize) -> usize {
    struct Count(usize);
    impl fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail.
    let _ = fmt::write(&mut count, format_args!("{value:.precision$}"));
    count.0
}

impl<B: Backend> fmt::Debug for Tensor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let history = if self.is_tracked() { ", tracked" } else { "" };
        write!(f, "Tensor({self}, shape {}{history})", self.shape())
    }
}
