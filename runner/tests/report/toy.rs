//! The pages of the programs on points.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::page::Element;
use super::program::Folder;
use super::{has_values, logged, points, report, right, same};

const PATTERNS: [&str; 6] = ["simple", "diag", "split", "xor", "circle", "spiral"];

/// The points that are drawn, and those of them in a ring.
fn drawn(page: &Element) -> (usize, usize) {
    let points = page.id("points").class("point");
    let wrong = points
        .iter()
        .filter(|point| !point.class("wrong").is_empty());
    (points.len(), wrong.count())
}

#[test]
fn each_has_its_points_over_the_border_and_its_curves() {
    let folder = Folder::new("report-toy");
    for pattern in PATTERNS {
        let (page, said) = report(
            &folder,
            &format!("{pattern} --points 30 --epochs 25 --hash"),
        );
        let (right, all) = right(&said);
        assert_eq!(drawn(&page), (all, all - right), "{pattern}");
        let logs = said
            .lines()
            .filter(|line| line.starts_with("Epoch  "))
            .count();
        assert_eq!(
            (points(&page, "loss"), points(&page, "accuracy")),
            (logs, logs)
        );
        let square = page.id("points");
        assert_eq!(square.all(|e| e.name == "image").len(), 1, "{pattern}");
        let kinds = ["first", "second"].map(|class| {
            let marks = square
                .class("point")
                .into_iter()
                .flat_map(|point| point.class(class));
            marks.count()
        });
        assert!(
            kinds[0] > 0 && kinds[1] > 0 && kinds[0] + kinds[1] == 30,
            "{kinds:?}"
        );
        let hash = said
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("Weights hash: "));
        assert_eq!(Some(&*page.id("hash").text), hash);
        assert!(page.all(|e| e.name == "h1")[0].text.contains(pattern));
    }
}

/// A line that is drawn by hand is where the page has it: from one edge to the other, at x = 0.25.
#[test]
fn the_border_is_where_the_network_is_undecided() {
    let folder = Folder::new("report-border");
    let (page, said) = report(&folder, "simple --engine manual --weights 40,0 --bias=-10");
    assert_eq!((points(&page, "loss"), points(&page, "accuracy")), (1, 1));
    let (right, all) = right(&said);
    assert_eq!(drawn(&page), (all, all - right));
    let figure = page
        .id("points")
        .all(|e| e.attribute("class") == Some("border"));
    let path = figure[0].attribute("d").expect("a path");
    let ends: Vec<(f64, f64)> = path
        .split(['M', 'L'])
        .filter(|end| !end.is_empty())
        .map(|end| {
            let (x, y) = end.split_once(' ').expect(end);
            (x.parse().expect(x), y.parse().expect(y))
        })
        .collect();
    let width = page.id("points").class("frame")[0]
        .attribute("width")
        .expect("a width");
    let width: f64 = width.parse().expect(width);
    assert!(
        ends.iter().all(|(x, _)| (x - 0.25 * width).abs() < 0.011),
        "{path}"
    );
    let height = ends.iter().map(|(_, y)| *y);
    assert_eq!(height.clone().fold(f64::MAX, f64::min), 0.0);
    assert_eq!(height.fold(f64::MIN, f64::max), width);
}

/// Above the diagonal is class 1: the upper left corner is orange, the lower right one blue, the others undecided.
#[test]
fn the_colours_lie_where_the_points_do() {
    let folder = Folder::new("report-colours");
    let line = "--weights=-40,40 --bias 0";
    let (page, _) = report(&folder, &format!("simple --engine manual {line}"));
    let picture = page.id("points").all(|element| element.name == "image");
    let data = picture[0].attribute("href").expect("a picture");
    let data = data.strip_prefix("data:image/png;base64,").expect("a PNG");
    let file = STANDARD.decode(data).expect("base64");
    let mut reader = png::Decoder::new(Cursor::new(file))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    let side = info.width as usize;
    assert_eq!(pixels.len(), 4 * side * side);
    let pixel = |row: usize, column: usize| &pixels[4 * (row * side + column)..][..4];
    let last = side - 1;
    let (orange, blue) = (pixel(0, 0), pixel(last, last));
    assert!(orange[0] > orange[2] && orange[3] == 255, "{orange:?}");
    assert!(blue[2] > blue[0] && blue[3] == 255, "{blue:?}");
    assert_eq!([pixel(last, 0)[3], pixel(0, last)[3]], [0, 0]);
}

#[test]
fn neither_the_style_nor_the_engine_changes_what_is_shown() {
    let folder = Folder::new("report-style");
    let shown = ["curves", "points", "hash"];
    let (page, said) = report(&folder, "xor --epochs 50 --hash");
    for style in ["--quiet", "--json", "--quiet --json --hash"] {
        let (other, said) = report(&folder, &format!("xor --epochs 50 {style}"));
        same(&page, &other, &shown);
        if style == "--json" {
            has_values(&page, "loss", &logged(&said, "loss"));
            has_values(&page, "accuracy", &logged(&said, "correct"));
        }
    }
    let (scalar, _) = report(&folder, "xor --epochs 50 --engine scalar");
    assert_eq!(points(&scalar, "loss"), points(&page, "loss"));
    assert_eq!(drawn(&scalar), drawn(&page));
    let (fast, _) = report(&folder, "xor --epochs 50 --engine fast --threads 2");
    assert_eq!(drawn(&fast).0, 50);
    // The hash is that of a run without a page.
    let hash = said.lines().last();
    let plain = std::process::Command::new(env!("CARGO_BIN_EXE_runner"))
        .args(["xor", "--epochs", "50", "--hash"])
        .output()
        .expect("the program starts");
    assert_eq!(String::from_utf8_lossy(&plain.stdout).lines().last(), hash);
}

/// A page has to be opened: it does not grow with the points without end.
#[test]
fn a_page_of_many_points_stays_small() {
    let folder = Folder::new("report-small");
    let (page, _) = report(
        &folder,
        "xor --points 5000 --epochs 2 --batch 500 --hidden 4 --quiet",
    );
    assert_eq!(drawn(&page).0, 2000);
    assert!(
        page.id("points")
            .text
            .contains("Of 5000 points the first 2000 are drawn.")
    );
    let size = std::fs::metadata(folder.file("page.html"))
        .expect("the page")
        .len();
    assert!(size < 1_000_000, "{size}");
}
