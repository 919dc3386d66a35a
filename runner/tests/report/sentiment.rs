//! The page of `runner sentiment`.

use super::program::Folder;
use super::{points, report, right};

#[test]
fn it_has_the_most_certain_answers_and_the_curves() {
    let folder = Folder::new("report-sentiment");
    let (page, said) = report(
        &folder,
        "sentiment --train 60 --valid 40 --epochs 3 --maps 8 --hash",
    );
    let (right, all) = right(&said);
    let rows = |id: &str| page.id(id).all(|e| e.name == "tr").len().saturating_sub(1);
    assert_eq!(rows("right"), right.min(10));
    assert_eq!(rows("wrong"), (all - right).min(10));
    assert_eq!((points(&page, "loss"), points(&page, "accuracy")), (3, 3));
    let hash = said
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("Weights hash: "));
    assert_eq!(Some(&*page.id("hash").text), hash);
    // The answers are told right or wrong as their place says.
    for (id, is_right) in [("right", true), ("wrong", false)] {
        // On a narrow screen the table scrolls, and not the page.
        let wide = page.id(id).all(|e| e.attribute("class") == Some("wide"));
        assert_eq!(wide.len(), 1, "{id}");
        assert_eq!(
            wide[0].all(|e| e.name == "tr"),
            page.id(id).all(|e| e.name == "tr")
        );
        for row in page.id(id).all(|e| e.name == "tr").iter().skip(1) {
            let cells = row.all(|e| e.name == "td");
            let [_, label, share] = cells[..] else {
                panic!("{id}")
            };
            let share: f64 = share
                .text
                .trim_end_matches(['\u{a0}', '%'])
                .parse()
                .expect("a share");
            // A share of 50 % may be on either side.
            assert!(
                share == 50.0 || ((label.text == "positive") == (share > 50.0)) == is_right,
                "{id}"
            );
        }
    }
}
