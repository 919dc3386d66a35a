//! Copying elements from wherever they lie.

use crate::element::Element;
use crate::nest::Nest;
use core::array::from_fn;
use core::ops::Range;

/// Copies the elements `range` of operand `k` of a nest to the start of `stage`.
pub(super) fn gather<E: Element, const N: usize>(
    nest: &Nest<N>,
    k: usize,
    data: &[E],
    range: Range<usize>,
    stage: &mut [E],
) {
    if let (&[.., _, columns], &[.., down, _]) = (nest.sizes(), nest.strides())
        && down[k] == 1
    {
        match columns {
            2 => return short::<2, E, N>(nest, k, data, range, stage),
            3 => return short::<3, E, N>(nest, k, data, range, stage),
            4 => return short::<4, E, N>(nest, k, data, range, stage),
            5 => return short::<5, E, N>(nest, k, data, range, stage),
            _ => {}
        }
    }
    plain(nest, k, data, range, stage);
}

/// Run by run.
fn plain<E: Element, const N: usize>(
    nest: &Nest<N>,
    k: usize,
    data: &[E],
    range: Range<usize>,
    stage: &mut [E],
) {
    let stride = nest.inner_strides()[k];
    let mut filled = 0;
    nest.runs(range, |at, count| {
        let out = &mut stage[filled..filled + count];
        match stride {
            0 => out.fill(data[at[k]]),
            1 => out.copy_from_slice(&data[at[k]..at[k] + count]),
            _ => {
                for (i, out) in out.iter_mut().enumerate() {
                    *out = data[at[k] + i * stride];
                }
            }
        }
        filled += count;
    });
}

/// Runs of `C` elements, whose neighbours lie side by side, as windows over contiguous rows have them: many runs at a time.
fn short<const C: usize, E: Element, const N: usize>(
    nest: &Nest<N>,
    k: usize,
    data: &[E],
    range: Range<usize>,
    stage: &mut [E],
) {
    let &[.., runs, _] = nest.sizes() else { return };
    let stride = nest.inner_strides()[k];
    let mut at = range.start;
    let mut rest = stage;
    while at < range.end {
        let (left, run) = (range.end - at, at / C % runs);
        let whole = at.is_multiple_of(C) && left >= C;
        let count = if whole {
            (runs - run).min(left / C) * C
        } else {
            (C - at % C).min(left)
        };
        let (out, others) = rest.split_at_mut(count);
        if whole {
            let mut base = 0;
            nest.runs(at..at + 1, |starts, _| base = starts[k]);
            let out = out.as_chunks_mut::<C>().0;
            let columns: [&[E]; C] = from_fn(|c| &data[base + c * stride..][..out.len()]);
            for (i, out) in out.iter_mut().enumerate() {
                for c in 0..C {
                    out[c] = columns[c][i];
                }
            }
        } else {
            plain(nest, k, data, at..at + count, out);
        }
        (at, rest) = (at + count, others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;
    use alloc::vec;
    use alloc::vec::Vec;

    /// Windows of 2 to 6 over rows of some length, from every element to every other one.
    #[test]
    fn many_runs_at_a_time_are_each_alone() {
        let data: Vec<f32> = (0..120).map(|n| n as f32).collect();
        for (channels, width) in [(7, 3), (1, 2), (5, 4), (3, 5), (2, 6)] {
            // [rows, channels, width] of [rows, channels]
            let rows = Layout::contiguous([3 + width, channels]).unwrap();
            let windows = rows.window(0, width, 1).unwrap();
            let nest = Nest::new([&windows]);
            let count = nest.elements();
            for start in 0..count {
                for end in start..=count {
                    let (mut fast, mut slow) = (vec![-1.0; end - start], vec![-2.0; end - start]);
                    gather(&nest, 0, &data, start..end, &mut fast);
                    plain(&nest, 0, &data, start..end, &mut slow);
                    assert_eq!(fast, slow, "{channels} {width} {start}..{end}");
                }
            }
        }
    }
}
