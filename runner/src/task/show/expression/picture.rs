//! The graph as a picture: operands at the left, the result at the right.

use super::graph::Node;
use super::layered::plan;
use crate::task::show::short;
use crate::task::show::svg::Picture;

/// Width and height of a node.
const NODE: [f64; 2] = [170.0, 66.0];
/// Room between two layers.
const BETWEEN: f64 = 60.0;
/// Room at the edges.
const MARGIN: f64 = 20.0;
/// Room for the title.
const TITLE: f64 = 30.0;
/// The most characters of a title or a label.
const LONGEST: [usize; 2] = [100, 20];

/// The picture as an SVG file.
pub(super) fn svg(title: &str, nodes: &[Node]) -> String {
    let operands: Vec<Vec<usize>> = nodes.iter().map(|node| node.operands.clone()).collect();
    let [width, height] = NODE;
    let plan = plan(&operands, height);
    let left = |layer: usize| MARGIN + (plan.layers - 1 - layer) as f64 * (width + BETWEEN);
    let down = |middle: f64| TITLE + MARGIN + middle;

    let mut picture = Picture::new();
    let title = clip(title, LONGEST[0]);
    picture.text("title", [MARGIN, MARGIN + 12.0], &title);
    for line in &plan.lines {
        let (from, at) = plan.nodes[line.operand];
        let mut points = vec![[left(from) + width, down(at)]];
        for &(layer, at) in &line.bends {
            points.push([left(layer), down(at)]);
            points.push([left(layer) + width, down(at)]);
        }
        // Each operand has an entrance of its own.
        let (to, at) = plan.nodes[line.node];
        let share = (line.port + 1) as f64 / (operands[line.node].len() + 1) as f64;
        points.push([left(to), down(at + height * (share - 0.5))]);
        picture.arrow(&points);
    }
    for (place, (node, &(layer, middle))) in nodes.iter().zip(&plan.nodes).enumerate() {
        let class = match (place, node.is_leaf()) {
            (0, _) => "root",
            (_, true) => "leaf",
            (_, false) => "operation",
        };
        let (x, y) = (left(layer), down(middle));
        picture.rectangle(class, [x, y - height / 2.0], NODE);
        let x = x + width / 2.0;
        picture.text("strong", [x, y - 14.0], &clip(&node.label, LONGEST[1]));
        picture.text("", [x, y + 5.0], &format!("value {}", short(node.value)));
        let gradient = format!("gradient {}", short(node.derivative));
        picture.text("faint", [x, y + 23.0], &gradient);
    }
    let across = left(0) + width + MARGIN;
    let title_ends = 2.0 * MARGIN + 9.0 * title.chars().count() as f64;
    let down = down(plan.height) + MARGIN;
    picture.finish(&title, [across.max(title_ends), down])
}

/// Text of at most so many characters.
fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_string(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
