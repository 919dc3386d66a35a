//! The pages of `runner mnist`.

use super::page::Element;
use super::program::Folder;
use super::{has_values, logged, points, report, right, same};

const OPTIONS: &str = "mnist --train 200 --valid 60 --epochs 2 --checkpoint net --hash";

#[test]
fn each_has_its_curves_matrix_mistakes_filters_and_maps() {
    let folder = Folder::new("report-mnist");
    for (preset, channels) in [
        ("", [4, 8]),
        // Its dropout is on where held-out images are read, so only the same reading gives the same answers.
        ("--preset minitorch", [4, 8]),
        ("--preset accurate --batch 16", [4, 8]),
        ("--net tiny", [2, 3]),
    ] {
        let (page, said) = report(&folder, &format!("{OPTIONS} {preset}"));
        let (right, all) = right(&said);
        let logs = said
            .lines()
            .filter(|line| line.starts_with("Epoch: "))
            .count();
        assert_eq!(
            (points(&page, "loss"), points(&page, "accuracy")),
            (logs, logs)
        );

        let matrix = page.id("confusion");
        let sum = |class| {
            let cells = matrix.class(class).into_iter();
            cells
                .map(|cell| cell.text.parse::<usize>().expect("a count"))
                .sum::<usize>()
        };
        assert_eq!(matrix.class("cell").len(), 100);
        assert_eq!(
            (sum("cell"), sum("right"), sum("wrong")),
            (all, right, all - right)
        );

        let mistakes = page.id("mistakes").class("mistake");
        assert_eq!(mistakes.len(), (all - right).min(24), "{preset}");
        let shares: Vec<f64> = mistakes
            .iter()
            .map(|mistake| {
                let share = mistake.class("share")[0].text.trim_end_matches("\u{a0}%");
                share.parse().expect("a share")
            })
            .collect();
        assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
        let digits = |mistake: &super::page::Element| {
            ["read", "is"].map(|class| mistake.class(class)[0].text.clone())
        };
        assert!(
            mistakes
                .iter()
                .map(|mistake| digits(mistake))
                .all(|[read, is]| read != is)
        );

        assert_eq!(
            page.id("filters").class("pixels").len(),
            channels[0],
            "{preset}"
        );
        // Ten digits are among the first 60 held-out images.
        let maps = page.id("maps").class("pixels").len();
        assert_eq!(maps, 10 * (1 + channels[0] + channels[1]), "{preset}");

        let hash = said
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("Weights hash: "));
        assert_eq!(Some(&*page.id("hash").text), hash, "{preset}");
    }
}

#[test]
fn a_page_changes_nothing_and_no_style_changes_the_page() {
    let folder = Folder::new("report-mnist-style");
    let (page, said) = report(&folder, OPTIONS);
    let file = folder.file("net");
    let options = "--train 200 --valid 60 --epochs 2 --checkpoint";
    let options: Vec<&str> = options.split(' ').chain([&*file]).collect();
    assert_eq!(
        said.lines().last(),
        Some(&*super::program::finish(&options).hash)
    );
    let shown = ["curves", "confusion", "mistakes", "filters", "maps", "hash"];
    for style in ["--quiet", "--json"] {
        let (other, _) = report(&folder, &format!("{OPTIONS} {style}"));
        same(&page, &other, &shown);
    }
}

#[test]
fn the_curves_are_those_of_the_log_the_loss_divided_by_its_batches() {
    let folder = Folder::new("report-curves");
    let (page, said) = report(&folder, &format!("{OPTIONS} --json"));
    let (loss, correct) = (logged(&said, "loss"), logged(&said, "correct"));
    // 200 images in batches of 16 are 12 batches, of which 0, 5 and 10 are logged.
    let batches = [1.0, 5.0, 5.0, 1.0, 5.0, 5.0];
    let mean: Vec<f64> = loss
        .iter()
        .zip(batches)
        .map(|(loss, batches)| loss / batches)
        .collect();
    has_values(&page, "loss", &mean);
    has_values(&page, "accuracy", &correct);
}

/// The curves of a run that went on begin where it did; what it learnt is the same.
#[test]
fn a_resumed_run_has_a_page_too() {
    let folder = Folder::new("report-resumed");
    let (whole, _) = report(&folder, OPTIONS);
    report(&folder, &OPTIONS.replace("--epochs 2", "--epochs 1"));
    let (rest, said) = report(&folder, &format!("{OPTIONS} --resume net"));
    let note = |page: &Element| page.all(|e| e.attribute("id") == Some("resumed")).len();
    assert_eq!([note(&whole), note(&rest)], [0, 1]);
    assert!(
        rest.id("resumed")
            .text
            .starts_with("The run went on from net: ")
    );
    let logs = said
        .lines()
        .filter(|line| line.starts_with("Epoch: "))
        .count();
    assert_eq!(
        (points(&rest, "loss"), points(&whole, "loss")),
        (logs, 2 * logs)
    );
    same(
        &whole,
        &rest,
        &["confusion", "mistakes", "filters", "maps", "hash"],
    );
    assert!(
        rest.id("settings")
            .text
            .contains("given the checkpoint as it was then")
    );
    // Nothing is left to do, and there is no log line.
    let (nothing, _) = report(&folder, &format!("{OPTIONS} --resume net"));
    assert!(nothing.id("curves").text.contains("no log line"));
    same(&whole, &nothing, &["confusion", "hash"]);
}

#[cfg(unix)]
#[test]
fn names_of_files_are_text_and_no_markup() {
    let folder = Folder::new("report-escape");
    let name = "<script>alert('1')&amp;\"x\".safetensors";
    let (page, _) = report(&folder, &OPTIONS.replace("net", name));
    let settings = page.id("settings");
    let cells = settings.all(|element| element.name == "td");
    assert!(
        cells.iter().any(|cell| cell.text == name),
        "{}",
        settings.text
    );
    let quoted = r#"--checkpoint '<script>alert('\''1'\'')&amp;"x".safetensors'"#;
    assert!(
        page.id("command").text.contains(quoted),
        "{}",
        page.id("command").text
    );
}
