//! The worst mistakes: images read wrong with the greatest certainty.

use super::{Answers, picture};
use crate::data::Digits;
use crate::error::Failure;
use crate::report::{Html, percent, section};

/// So many are shown.
const SHOWN: usize = 24;

/// The images that were read wrong, those with the greatest probability of the wrong digit first; among equals the first
/// image. An answer that is no number counts as certain.
fn worst(labels: &[u8], answers: &Answers) -> Vec<usize> {
    let mut wrong: Vec<usize> = (0..labels.len())
        .filter(|&image| answers.read[image] != labels[image])
        .collect();
    let sure = |&image: &usize| answers.probabilities[image][usize::from(answers.read[image])];
    wrong.sort_by(|a, b| sure(b).abs().total_cmp(&sure(a).abs()));
    wrong
}

/// The worst mistakes, each with the image, the truth, what was read, and with which probability.
pub(super) fn show(html: &mut Html, digits: &Digits, answers: &Answers) -> Result<(), Failure> {
    let labels = digits.labels();
    let wrong = worst(labels, answers);
    let shown = &wrong[..wrong.len().min(SHOWN)];
    let pictures = shown.iter().map(|&image| picture(digits.image(image)));
    let pictures: Vec<_> = pictures.collect::<Result<_, _>>()?;
    section(html, "mistakes", "Worst mistakes", |html| {
        let about = match (wrong.len(), shown.len()) {
            (0, _) => "There is none: every held-out image was read right.".to_string(),
            (1, _) => "The only held-out image that was read wrong.".to_string(),
            (all, shown) if all == shown => {
                format!(
                    "All {all} held-out images that were read wrong, the most certain answers first."
                )
            }
            (all, shown) => {
                format!(
                    "Of {all} held-out images that were read wrong, the {shown} with the most certain answers."
                )
            }
        };
        html.leaf("p", &[], about);
        html.element("div", &[("class", "mistakes")], |html| {
            for (&image, picture) in shown.iter().zip(&pictures) {
                let (label, read) = (labels[image], answers.read[image]);
                let probabilities = &answers.probabilities[image];
                let share = |digit: u8| percent(probabilities[usize::from(digit)]);
                html.element("figure", &[("class", "mistake")], |figure| {
                    picture.show(figure, &format!("held-out image {image}"));
                    figure.element("figcaption", &[], |caption| {
                        line(caption, "read", read, &share(read));
                        line(caption, "is", label, &share(label));
                    });
                });
            }
        });
    });
    Ok(())
}

fn line(caption: &mut Html, what: &str, digit: u8, share: &str) {
    caption.leaf("span", &[], what);
    caption.leaf("b", &[("class", what)], digit);
    caption.leaf("span", &[("class", "share")], share);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_certain_mistakes_come_first_and_what_is_right_not_at_all() {
        let certain = |digit: usize, share: f64| {
            std::array::from_fn(|i| if i == digit { share } else { 0.01 })
        };
        let answers = Answers {
            read: vec![1, 2, 3, 4, 5],
            probabilities: vec![
                certain(1, 0.9),
                certain(2, 0.6),
                certain(3, 0.8),
                certain(4, f64::NAN),
                certain(5, 0.8),
            ],
        };
        assert_eq!(worst(&[1, 7, 7, 7, 7], &answers), [3, 2, 4, 1]);
        assert!(worst(&[1, 2, 3, 4, 5], &answers).is_empty());
    }
}
