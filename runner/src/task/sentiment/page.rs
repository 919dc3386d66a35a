//! What the report of a run shows of the sentences: the answers that were most certain, right and wrong.

use minitorch_core::math::double::sigmoid;

use crate::data::text::{Corpus, Sentences};
use crate::report::{Html, percent, section};

/// So many of each are shown.
const SHOWN: usize = 10;

/// A sentence and the network's logit of it.
pub(super) type Answer = (usize, f64);

/// The sections of the page: `answers` are those to `sentences`.
pub(super) fn sections(corpus: &Corpus, sentences: &Sentences, answers: &[Answer]) -> Html {
    let mut html = Html::default();
    let (right, wrong): (Vec<Answer>, Vec<Answer>) = answers
        .iter()
        .partition(|&&(sentence, logit)| (logit > 0.0) == sentences.positive()[sentence]);
    for (id, heading, mut answers) in [
        ("right", "Most certain, and right", right),
        ("wrong", "Most certain, and wrong", wrong),
    ] {
        most_certain_first(&mut answers);
        section(&mut html, id, heading, |html| {
            if answers.is_empty() {
                html.leaf("p", &[], "There is none.");
                return;
            }
            answers.truncate(SHOWN);
            html.element("div", &[("class", "wide")], |html| {
                table(html, corpus, sentences, &answers);
            });
        });
    }
    html
}

fn table(html: &mut Html, corpus: &Corpus, sentences: &Sentences, answers: &[Answer]) {
    html.element("table", &[("class", "sentences")], |table| {
        table.element("tr", &[], |row| {
            row.leaf("th", &[], "sentence");
            row.leaf("th", &[], "is");
            row.leaf("th", &[("class", "share")], "positive with");
        });
        for &(sentence, logit) in answers {
            table.element("tr", &[], |row| {
                row.leaf("td", &[], text(corpus, sentences, sentence));
                let positive = sentences.positive()[sentence];
                row.leaf("td", &[], if positive { "positive" } else { "negative" });
                row.leaf("td", &[("class", "share")], percent(sigmoid(logit)));
            });
        }
    });
}

/// Sorts by how far a logit is from 0; among equals the first sentence comes first. What is no number counts as certain.
fn most_certain_first(answers: &mut [Answer]) {
    answers.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
}

fn text(corpus: &Corpus, sentences: &Sentences, sentence: usize) -> String {
    let words = sentences.words(sentence).iter();
    let words: Vec<&str> = words.map(|&id| corpus.words.word(id)).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_certain_come_first() {
        let mut answers = [(3, 0.5), (1, -2.0), (2, f64::NAN), (0, 2.0), (4, -0.1)];
        most_certain_first(&mut answers);
        let order: Vec<usize> = answers.iter().map(|answer| answer.0).collect();
        assert_eq!(order, [2, 0, 1, 3, 4]);
    }
}
