//! The confusion matrix: which digit is taken for which.

use crate::report::{Html, percent, section};

/// How many images of each digit were read as each, `[truth][read]`.
fn count(labels: &[u8], read: &[u8]) -> [[usize; 10]; 10] {
    let mut counts = [[0; 10]; 10];
    for (&label, &read) in labels.iter().zip(read) {
        counts[usize::from(label)][usize::from(read)] += 1;
    }
    counts
}

/// The matrix as a table, a cell the fuller the larger its share of the row.
pub(super) fn show(html: &mut Html, labels: &[u8], read: &[u8]) {
    let counts = count(labels, read);
    let about = "A row has the images of one digit, a column what was read. Right answers are blue, wrong ones orange.";
    section(html, "confusion", "Confusion matrix", |html| {
        html.leaf("p", &[], about);
        html.element("div", &[("class", "wide")], |html| {
            html.element("table", &[("class", "confusion")], |table| {
                table.element("thead", &[], head);
                table.element("tbody", &[], |body| {
                    for (digit, counts) in counts.iter().enumerate() {
                        body.element("tr", &[], |tr| row(tr, digit, counts));
                    }
                });
            });
        });
    });
}

fn head(head: &mut Html) {
    head.element("tr", &[], |row| {
        row.leaf("td", &[], "");
        row.leaf("th", &[("scope", "colgroup"), ("colspan", "10")], "Read as");
        row.leaf("td", &[("colspan", "2")], "");
    });
    head.element("tr", &[], |row| {
        row.leaf("th", &[("scope", "col")], "Digit");
        for digit in 0..10 {
            row.leaf("th", &[("scope", "col")], digit);
        }
        row.leaf("th", &[("scope", "col")], "Images");
        row.leaf("th", &[("scope", "col")], "Right");
    });
}

fn row(row: &mut Html, digit: usize, counts: &[usize; 10]) {
    let all: usize = counts.iter().sum();
    row.leaf("th", &[("scope", "row")], digit);
    for (read, &count) in counts.iter().enumerate() {
        let class = match (count, read == digit) {
            (0, _) => "cell none",
            (_, true) => "cell right",
            (_, false) => "cell wrong",
        };
        // The root shows a few mistakes among many right answers, too.
        let fullness = (count as f64 / all.max(1) as f64).sqrt();
        let style = format!("--share: {fullness:.3}");
        row.leaf("td", &[("class", class), ("style", &style)], count);
    }
    row.leaf("td", &[("class", "sum")], all);
    let share = match all {
        0 => "\u{2013}".to_string(),
        _ => percent(counts[digit] as f64 / all as f64),
    };
    row.leaf("td", &[("class", "sum")], share);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_counted_once() {
        let counts = count(&[0, 0, 0, 9, 4], &[0, 0, 6, 9, 9]);
        assert_eq!((counts[0][0], counts[0][6]), (2, 1));
        assert_eq!((counts[9][9], counts[4][9]), (1, 1));
        assert_eq!(counts.iter().flatten().sum::<usize>(), 5);
    }
}
