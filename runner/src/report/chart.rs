//! Curves over the epochs of a run, as SVG.

use plotters::prelude::*;

use super::record::{Reading, Record};
use super::{Html, decimal};
use crate::error::Failure;

/// Plotters draws at whole units: so many of them are a pixel of [`SIZE`].
const UNITS: u32 = 8;
/// Width and height of a chart, which the page enlarges or shrinks to the room there is.
const SIZE: [u32; 2] = [460, 280];
/// The height of a line of text.
const FONT: u32 = 16;
/// Up to so many points are marked one by one.
const MARKED: usize = 60;
/// No axis goes higher: far below what an f64 holds, so that its ticks can be computed.
const LARGEST: f64 = 1e300;
/// From so many readings an epoch on, their mean is drawn too.
const CROWDED: usize = 4;

/// Colours that stand for those of the page's light or dark theme: its style sheet replaces them.
const INK: RGBColor = RGBColor(0, 0, 0);
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
const LINES: [RGBColor; 3] = [RGBColor(0, 0, 1), RGBColor(0, 0, 2), RGBColor(0, 0, 3)];
/// How opaque a line is behind that of its means.
const BEHIND: f64 = 0.35;

/// A curve.
struct Line {
    /// What it is called in the legend.
    name: String,
    /// Its place in [`LINES`].
    colour: usize,
    /// Whether the means of epochs are drawn above it.
    behind: bool,
    points: Vec<[f64; 2]>,
}

/// A figure of curves.
struct Chart<'a> {
    id: &'a str,
    /// What goes upwards, with its unit.
    label: &'a str,
    /// What goes upwards begins at 0 and ends here.
    top: f64,
    /// The epochs at the left and right end.
    epochs: [f64; 2],
    lines: Vec<Line>,
}

/// The curves of the loss and of the accuracies of a run, each a figure of its own. Nothing, if there was no log line.
///
/// # Errors
///
/// None that is known: those of drawing.
pub(super) fn curves(record: &Record, html: &mut Html) -> Result<(), Failure> {
    let readings = record.readings();
    let [first, .., last] = match readings {
        [only] => [only, only],
        [first, .., last] => [first, last],
        [] => return Ok(()),
    };
    // A run that went on from a checkpoint begins later, by one reading before its first.
    let step = readings
        .get(1)
        .map_or(first.epoch, |second| second.epoch - first.epoch);
    let begin = (first.epoch - step).max(0.0);
    let epochs = [begin, last.epoch.ceil().max(begin + 1.0)];
    let loss = lines(readings, 0, "loss", |reading| reading.loss);
    let largest = loss
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point[1]);
    let largest = largest.filter(|loss| loss.is_finite()).fold(0.0, f64::max);
    let accuracy = first
        .accuracy
        .iter()
        .enumerate()
        .flat_map(|(index, (name, _))| {
            lines(readings, index, name, move |reading| {
                reading
                    .accuracy
                    .get(index)
                    .map_or(f64::NAN, |(_, share)| 100.0 * share)
            })
        });
    let charts = [
        Chart {
            id: "loss",
            label: "mean loss (nats)",
            top: if largest > 0.0 {
                (1.05 * largest).min(LARGEST)
            } else {
                1.0
            },
            epochs,
            lines: loss,
        },
        Chart {
            id: "accuracy",
            label: "right (%)",
            top: 100.0,
            epochs,
            lines: accuracy.collect(),
        },
    ];
    charts.iter().try_for_each(|chart| chart.show(html))
}

/// The curve of a value; if it has many points an epoch, also that of the means of epochs.
fn lines(
    readings: &[Reading],
    colour: usize,
    name: &str,
    value: impl Fn(&Reading) -> f64,
) -> Vec<Line> {
    let points: Vec<[f64; 2]> = readings.iter().map(|r| [r.epoch, value(r)]).collect();
    // An epoch ends with the reading on its last batch.
    let epochs = points.chunk_by(|a, b| a[0].ceil() == b[0].ceil());
    let means: Vec<[f64; 2]> = epochs.map(mean).collect();
    let crowded = means.len() > 1 && points.len() >= CROWDED * means.len();
    let mut lines = vec![Line {
        name: match crowded {
            true => format!("{name}, each log line"),
            false => name.to_string(),
        },
        colour,
        behind: crowded,
        points,
    }];
    if crowded {
        lines.push(Line {
            name: format!("{name}, mean of an epoch"),
            colour,
            behind: false,
            points: means,
        });
    }
    lines
}

fn mean(points: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / points.len() as f64)
}

impl Chart<'_> {
    /// Writes the figure, its legend above the curves.
    fn show(&self, html: &mut Html) -> Result<(), Failure> {
        let drawing = self
            .draw()
            .map_err(|error| Failure::new(format!("cannot draw the report's curves: {error}")))?;
        // The picture's own element fixes its size; the page has one that adapts.
        let (_, inside) = drawing.split_once('>').unwrap_or_default();
        let view = format!("0 0 {} {}", SIZE[0] * UNITS, SIZE[1] * UNITS);
        let description = format!("{} over epochs", self.label);
        let svg = [
            ("viewBox", &*view),
            ("role", "img"),
            ("aria-label", &description),
        ];
        html.element("figure", &[("id", self.id), ("class", "chart")], |figure| {
            figure.element("figcaption", &[], |legend| {
                for line in &self.lines {
                    let colour = line.colour % LINES.len() + 1;
                    let behind = if line.behind { " behind" } else { "" };
                    let class = format!("line line-{colour}{behind}");
                    legend.element("span", &[("class", "key")], |key| {
                        key.leaf("i", &[("class", &*class)], "");
                        key.text(&line.name);
                    });
                }
            });
            figure.element("svg", &svg, |svg| {
                svg.markup(inside.trim_end().trim_end_matches("</svg>"));
            });
        });
        Ok(())
    }

    fn draw(&self) -> Result<String, Box<dyn std::error::Error + '_>> {
        let mut drawing = String::new();
        let font = |height: u32| ("sans-serif", height * UNITS).into_font();
        {
            let [width, height] = SIZE.map(|pixels| pixels * UNITS);
            let area = SVGBackend::with_string(&mut drawing, (width, height)).into_drawing_area();
            let [left, right] = self.epochs;
            let mut chart = ChartBuilder::on(&area)
                .margin_top(8 * UNITS)
                .margin_right(14 * UNITS)
                .x_label_area_size(44 * UNITS)
                .y_label_area_size(58 * UNITS)
                .build_cartesian_2d(left..right, 0.0..self.top)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID.stroke_width(UNITS))
                .axis_style(INK.stroke_width(UNITS))
                .set_all_tick_mark_size(4 * UNITS)
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|epoch| tick(*epoch))
                .y_label_formatter(&|value| tick(*value))
                .label_style(font(FONT).color(&INK))
                .axis_desc_style(font(FONT).color(&INK))
                .x_desc("epoch")
                .y_desc(self.label)
                .draw()?;
            for line in &self.lines {
                let colour = LINES[line.colour % LINES.len()];
                let opacity = if line.behind { BEHIND } else { 1.0 };
                let width = if line.behind { UNITS } else { 2 * UNITS };
                // What is not finite has no place: the curve has a gap there.
                for points in line.points.split(|point| !point[1].is_finite()) {
                    let points = points.iter().map(|&[x, y]| (x, y));
                    let style = colour.mix(opacity).stroke_width(width);
                    if points.len() > 0 {
                        chart.draw_series(LineSeries::new(points.clone(), style))?;
                    }
                    if line.points.len() <= MARKED {
                        let mark = |point| Circle::new(point, 3 * UNITS, colour.filled());
                        chart.draw_series(points.map(mark))?;
                    }
                }
            }
            area.present()?;
        }
        Ok(drawing)
    }
}

/// The label of a tick.
fn tick(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || (1e-4..1e6).contains(&size) => decimal(value, 6),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two epochs of `each` readings.
    fn record(each: usize, loss: impl Fn(usize) -> f64) -> Record {
        let mut record = Record::default();
        for line in 0..2 * each {
            record.add(Reading {
                epoch: (line + 1) as f64 / each as f64,
                loss: loss(line),
                accuracy: vec![("seen", 0.5), ("new", 0.25)],
            });
        }
        record
    }

    fn page(record: &Record) -> String {
        let mut html = Html::default();
        curves(record, &mut html).unwrap();
        html.finish()
    }

    /// How many points the curves have, in order.
    fn points(page: &str) -> Vec<usize> {
        let curve = |line: &&str| (1..=3).any(|i| line.contains(&format!("stroke=\"#00000{i}\"")));
        let curves = page.lines().filter(curve);
        let curves = curves.filter_map(|line| line.split_once(" points=\""));
        curves.map(|(_, rest)| rest.matches(',').count()).collect()
    }

    #[test]
    fn a_curve_has_the_points_of_its_readings_and_a_crowded_one_its_means() {
        assert_eq!(points(&page(&record(3, |line| line as f64))), [6, 6, 6]);
        let crowded = page(&record(50, |line| line as f64));
        assert_eq!(points(&crowded), [100, 2, 100, 2, 100, 2]);
        assert!(crowded.contains("new, mean of an epoch"));
    }

    #[test]
    fn what_is_not_finite_is_a_gap() {
        let page = page(&record(3, |line| {
            [1.0, 2.0, f64::NAN, f64::INFINITY, 3.0, 4.0][line]
        }));
        assert_eq!(points(&page), [2, 2, 6, 6]);
        let nothing = self::page(&record(3, |_| f64::NAN));
        assert_eq!(points(&nothing), [6, 6]);
    }

    #[test]
    fn one_reading_is_a_point_and_none_is_nothing() {
        let mut one = Record::default();
        one.add(Reading {
            epoch: 0.0,
            loss: 0.0,
            accuracy: vec![("line", 1.0)],
        });
        assert_eq!(page(&one).matches("<circle").count(), 2);
        assert_eq!(page(&Record::default()), "");
    }

    #[test]
    fn a_loss_of_any_size_has_an_axis() {
        for loss in [5e-324, 1e-310, 1e-9, 0.5, 1e9, 3e38, 1e299, f64::MAX] {
            let page = page(&record(3, |_| loss));
            assert_eq!(points(&page), [6, 6, 6], "{loss}");
            assert!(page.len() < 20_000, "{loss}: {}", page.len());
        }
        assert_eq!(
            [0.0, 0.1 + 0.2, 2e-5, 1.5e7].map(tick),
            ["0", "0.3", "2.0e-5", "1.5e7"]
        );
    }
}
