//! The connected parts of the ink, and which of them are the digit.

use super::ink::Ink;

/// A part with less than this share of the largest part's ink is a speck. The bar of a five that stands by itself has a
/// tenth or more.
const SPECK: u64 = 20;

/// The place of the digit in a picture: first column and row, and those behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) start: [usize; 2],
    pub(super) end: [usize; 2],
}

/// Lines that touch, corners included.
struct Part {
    frame: Frame,
    /// The sum of the ink.
    mass: u64,
    /// Whether any of it is surely ink: a shadow is not.
    strong: bool,
}

/// Erases specks and shadows, and returns the place of what is left.
pub(super) fn clean(ink: &mut Ink) -> Option<Frame> {
    let (parts, labels) = parts(ink);
    let largest = parts
        .iter()
        .filter(|part| part.strong)
        .map(|part| part.mass)
        .max()?;
    let belongs = |part: &Part| part.strong && SPECK * part.mass >= largest;
    for (value, label) in ink.values.iter_mut().zip(labels) {
        if label > 0 && !belongs(&parts[label as usize - 1]) {
            *value = 0;
        }
    }
    parts
        .iter()
        .filter(|part| belongs(part))
        .map(|part| part.frame)
        .reduce(Frame::with)
}

/// All parts, and for each pixel the number of its part, from 1, or 0.
fn parts(ink: &Ink) -> (Vec<Part>, Vec<u32>) {
    let mut labels = vec![0; ink.values.len()];
    let mut parts = Vec::new();
    let mut open = Vec::new();
    for start in 0..labels.len() {
        if labels[start] != 0 || !ink.is_line(ink.values[start]) {
            continue;
        }
        let place = [start % ink.width, start / ink.width];
        let mut part = Part {
            frame: Frame {
                start: place,
                end: place,
            },
            mass: 0,
            strong: false,
        };
        let label = parts.len() as u32 + 1;
        labels[start] = label;
        open.push(start);
        while let Some(pixel) = open.pop() {
            let (x, y) = (pixel % ink.width, pixel / ink.width);
            let value = ink.values[pixel];
            part.frame = part.frame.with(Frame {
                start: [x, y],
                end: [x + 1, y + 1],
            });
            part.mass += u64::from(value);
            part.strong |= ink.is_strong(value);
            for y in y.saturating_sub(1)..(y + 2).min(ink.height) {
                for x in x.saturating_sub(1)..(x + 2).min(ink.width) {
                    let neighbour = y * ink.width + x;
                    if labels[neighbour] == 0 && ink.is_line(ink.values[neighbour]) {
                        labels[neighbour] = label;
                        open.push(neighbour);
                    }
                }
            }
        }
        parts.push(part);
    }
    (parts, labels)
}

impl Frame {
    /// The smallest place that has both.
    fn with(self, other: Self) -> Self {
        let both = |a: [usize; 2], b: [usize; 2], choose: fn(usize, usize) -> usize| {
            [choose(a[0], b[0]), choose(a[1], b[1])]
        };
        Self {
            start: both(self.start, other.start, usize::min),
            end: both(self.end, other.end, usize::max),
        }
    }
}
