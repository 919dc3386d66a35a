//! What the report of a run shows of the points: where the network sees which class, and where it is wrong.

use super::Engine;
use crate::data::Point;
use crate::error::Failure;
use crate::report::{Html, Picture, Segment, contour, decimal, percent, section};

/// Nodes of the shaded grid in a row, the edges of the square included.
const SIDE: usize = 65;
/// Width and height of the square in the picture's own units.
const SIZE: f64 = 400.0;
/// No more points than this are drawn: a page has to be opened.
const DRAWN: usize = 2000;

/// The points over the probability of class 1 all over the square.
///
/// # Errors
///
/// Those of the engine.
pub(super) fn sections(engine: &mut dyn Engine, points: &[Point]) -> Result<Html, Failure> {
    let drawn = &points[..points.len().min(DRAWN)];
    let field = Field::around(drawn);
    let grid = field.grid(engine)?;
    let logits = engine.logits(drawn)?;
    let certain = |logit: &f64| 2.0 * probability(*logit) - 1.0;
    // Rows of a picture go downwards, those of the grid upwards.
    let rows = grid.chunks(SIDE).rev();
    let picture = Picture::signed(SIDE, rows.flatten().map(certain))?;
    let border = contour(SIDE, &grid);

    let mut html = Html::default();
    section(&mut html, "points", "Points", |html| {
        let all = match points.len() - drawn.len() {
            0 => String::new(),
            _ => format!(" Of {} points the first {DRAWN} are drawn.", points.len()),
        };
        let what = "The colour behind the points is what the network says of the place: the fuller, the more certain. \
                    The line is where it is undecided.";
        html.leaf("p", &[], format_args!("{what}{all}"));
        html.element("figure", &[("class", "square")], |figure| {
            figure.element("figcaption", &[], legend);
            let view = format!("-46 -12 {} {}", SIZE + 60.0, SIZE + 62.0);
            let label = "Points of two classes in a square";
            let svg = [("viewBox", &*view), ("role", "img"), ("aria-label", label)];
            figure.element("svg", &svg, |svg| {
                shade(svg, &picture);
                line(svg, &border);
                field.axes(svg);
                for (point, logit) in drawn.iter().zip(logits) {
                    field.mark(svg, point, logit);
                }
            });
        });
    });
    Ok(html)
}

/// The square that is drawn: the unit square, and around it as much as all points need. The arms of a spiral reach out.
struct Field {
    /// What is added on each side.
    margin: f64,
}

impl Field {
    fn around(points: &[Point]) -> Self {
        const STEP: f64 = 0.05;
        let outside = |value: &f64| (-value).max(value - 1.0);
        let values = points.iter().flat_map(|point| &point.at);
        let most = values.map(outside).fold(0.0, f64::max);
        if most == 0.0 {
            return Self { margin: 0.0 };
        }
        // Half a step more than the points reach out, so that none is on the frame.
        Self {
            margin: STEP * (most / STEP + 0.5).ceil(),
        }
    }

    /// The logit at each node, a row of nodes at a time: rows with ascending y, ascending x in each.
    fn grid(&self, engine: &mut dyn Engine) -> Result<Vec<f64>, Failure> {
        let wide = 1.0 + 2.0 * self.margin;
        let at = |i: usize| wide * i as f64 / (SIDE - 1) as f64 - self.margin;
        let mut logits = Vec::with_capacity(SIDE * SIDE);
        for row in 0..SIDE {
            let node = |column| Point {
                at: [at(column), at(row)],
                class: false,
            };
            let nodes: Vec<Point> = (0..SIDE).map(node).collect();
            logits.extend(engine.logits(&nodes)?);
        }
        Ok(logits)
    }

    /// Where a point is in the picture.
    fn place(&self, at: [f64; 2]) -> [String; 2] {
        place(at.map(|value| (value + self.margin) / (1.0 + 2.0 * self.margin)))
    }

    /// The frame, and what it means.
    fn axes(&self, svg: &mut Html) {
        let whole = number(SIZE);
        let frame = [("class", "frame"), ("width", &*whole), ("height", &whole)];
        svg.void("rect", &frame);
        for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let [x, y] = self.place([tick, tick]);
            let below = number(SIZE + 18.0);
            svg.leaf(
                "text",
                &[("class", "under"), ("x", &x), ("y", &below)],
                tick,
            );
            svg.leaf("text", &[("class", "beside"), ("x", "-8"), ("y", &y)], tick);
        }
        let (middle, below) = (number(SIZE / 2.0), number(SIZE + 40.0));
        svg.leaf(
            "text",
            &[("class", "under"), ("x", &middle), ("y", &below)],
            "x",
        );
        svg.leaf(
            "text",
            &[("class", "under"), ("x", "-40"), ("y", &middle)],
            "y",
        );
    }

    /// A point in the form and colour of its class, in a ring if it is told wrong.
    fn mark(&self, svg: &mut Html, point: &Point, logit: f64) {
        let [x, y] = self.place(point.at);
        let class = u8::from(point.class);
        let [a, b] = point.at;
        let told = percent(probability(logit));
        let title = format!("({a:.3}, {b:.3}): class {class}; told to be class 1 with {told}");
        svg.element("g", &[("class", "point")], |svg| {
            svg.leaf("title", &[], title);
            if (logit > 0.0) != point.class {
                let ring = [("class", "wrong"), ("cx", &*x), ("cy", &y), ("r", "10")];
                svg.void("circle", &ring);
            }
            if point.class {
                let diamond = format!("M{x} {y}m0 -6.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z");
                svg.void("path", &[("class", "second"), ("d", &diamond)]);
            } else {
                svg.void(
                    "circle",
                    &[("class", "first"), ("cx", &x), ("cy", &y), ("r", "5")],
                );
            }
        });
    }
}

/// The probability of class 1.
fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn legend(html: &mut Html) {
    for (class, text) in [
        ("dot first", "class 0"),
        ("dot second", "class 1"),
        ("dot wrong", "told wrong"),
        ("line border", "undecided"),
    ] {
        html.element("span", &[("class", "key")], |key| {
            key.leaf("i", &[("class", class)], "");
            key.text(text);
        });
    }
}

/// The shaded square. The picture's outer pixels are centred on its edges, so half of each lies outside and is cut off.
fn shade(svg: &mut Html, picture: &Picture) {
    let pixel = SIZE / (SIDE - 1) as f64;
    let (start, size) = (number(-pixel / 2.0), number(SIZE + pixel));
    let whole = number(SIZE);
    let frame = [
        ("width", &*whole),
        ("height", &*whole),
        ("viewBox", &format!("0 0 {whole} {whole}")),
    ];
    svg.element("svg", &frame, |svg| {
        let place = [
            ("href", picture.uri()),
            ("x", &start),
            ("y", &start),
            ("width", &size),
            ("height", &size),
        ];
        svg.void("image", &place);
    });
}

fn line(svg: &mut Html, border: &[Segment]) {
    let path = |segment: &Segment| {
        let [[a, b], [c, d]] = segment.map(place);
        format!("M{a} {b}L{c} {d}")
    };
    let path: String = border.iter().map(path).collect();
    svg.void("path", &[("class", "border"), ("d", &path)]);
}

/// Where a share of the picture's width and height is, y upwards.
fn place([x, y]: [f64; 2]) -> [String; 2] {
    [number(SIZE * x), number(SIZE * (1.0 - y))]
}

fn number(value: f64) -> String {
    decimal(value, 2)
}
