//! How an answer is told: the digit, ten probabilities, and a small picture of what the network saw.

use std::path::Path;

use serde::Serialize;

use crate::args::Predict;
use crate::data::{PIXELS, SIDE};
use crate::error::{Failure, Printable};
use crate::output;

/// From here on, of 255, a pixel is drawn.
const DRAWN: u8 = 96;
/// Columns of a bar that stands for 100 %.
const BAR: usize = 25;
/// The line of the picture, its frame included, that has the bar of digit 0.
const FIRST_BAR: usize = 3;

/// What there is to say of a picture.
pub(super) struct Answer<'a> {
    pub(super) file: &'a Path,
    /// What the network saw.
    pub(super) image: &'a [u8; PIXELS],
    pub(super) probabilities: [f64; 10],
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Predict {
        file: String,
        digit: usize,
        probabilities: &'a [f64; 10],
    },
}

impl Answer<'_> {
    /// The answer in the form that the options ask for, set off from the one before it.
    ///
    /// # Errors
    ///
    /// If it has no JSON form.
    pub(super) fn text(&self, options: &Predict, follows: bool) -> Result<String, Failure> {
        let file = self.file.display().to_string();
        let digit = self.digit();
        if options.json {
            return output::json(&Event::Predict {
                file,
                digit,
                probabilities: &self.probabilities,
            });
        }
        let percent = 100.0 * self.probabilities[digit];
        let line = format!("{}: {digit} ({percent:.2}%)\n", Printable(&file));
        Ok(match (options.quiet, follows) {
            (true, _) => line,
            (false, false) => line + &self.picture(),
            (false, true) => format!("\n{line}{}", self.picture()),
        })
    }

    /// The most probable digit, the first of equals.
    fn digit(&self) -> usize {
        let p = &self.probabilities;
        (1..p.len()).fold(
            0,
            |best, digit| if p[digit] > p[best] { digit } else { best },
        )
    }

    /// What the network saw, two rows of pixels to a line, with a bar for each digit beside it: 72 columns, 16 lines.
    fn picture(&self) -> String {
        let edge = "─".repeat(SIDE);
        let mut lines = vec![format!("┌{edge}┐")];
        lines.extend(self.image.chunks_exact(2 * SIDE).map(|rows| {
            let (upper, lower) = rows.split_at(SIDE);
            let cell = |(&upper, &lower): (&u8, &u8)| match (upper >= DRAWN, lower >= DRAWN) {
                (false, false) => ' ',
                (true, false) => '▀',
                (false, true) => '▄',
                (true, true) => '█',
            };
            format!(
                "│{}│",
                upper.iter().zip(lower).map(cell).collect::<String>()
            )
        }));
        lines.push(format!("└{edge}┘"));
        for (digit, (line, share)) in lines[FIRST_BAR..]
            .iter_mut()
            .zip(self.probabilities)
            .enumerate()
        {
            line.push_str(&format!(
                "   {digit} {:6.2}%  {}",
                100.0 * share,
                bar(share)
            ));
            line.truncate(line.trim_end().len());
        }
        lines.join("\n") + "\n"
    }
}

/// A bar for a share of 1, to half a column.
fn bar(share: f64) -> String {
    let halves = (share * (2 * BAR) as f64).round() as usize;
    let half = if halves % 2 == 1 { "▌" } else { "" };
    "█".repeat(halves / 2) + half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_two_rows_of_pixels_to_a_line_and_a_bar_for_each_digit() {
        let mut image = [0; PIXELS];
        image[0] = 255;
        image[SIDE + 1] = DRAWN;
        (image[2], image[SIDE + 2]) = (255, 255);
        (image[3], image[SIDE + 3]) = (DRAWN - 1, 1);
        image[PIXELS - 1] = 255;
        let mut probabilities = [0.0; 10];
        (probabilities[3], probabilities[9]) = (0.74, 0.26);
        let answer = Answer {
            file: Path::new("x"),
            image: &image,
            probabilities,
        };
        assert_eq!(answer.digit(), 3);
        let picture = answer.picture();
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines.len(), 16);
        assert_eq!(lines[1], format!("│▀▄█{}│", " ".repeat(25)));
        assert_eq!(lines[14], format!("│{}▄│", " ".repeat(27)));
        assert_eq!(lines[3], format!("│{}│   0   0.00%", " ".repeat(28)));
        assert!(
            lines[6].ends_with("│   3  74.00%  ██████████████████▌"),
            "{}",
            lines[6]
        );
        assert!(
            lines[12].ends_with("│   9  26.00%  ██████▌"),
            "{}",
            lines[12]
        );
        assert!(lines.iter().all(|line| line.chars().count() <= 72));
    }

    #[test]
    fn a_bar_has_half_columns() {
        assert_eq!(
            [0.0, 0.009, 0.02, 0.04, 1.0].map(bar),
            ["", "", "▌", "█", &"█".repeat(25)]
        );
    }
}
