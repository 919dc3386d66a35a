//! Pictures as SVG: boxes, lines and text in a few styles.

use std::fmt::Write;

/// The styles of all pictures, by class.
const STYLE: &str = "\
text { font: 13px 'DejaVu Sans', Verdana, Helvetica, sans-serif; text-anchor: middle; fill: #1f2430 }
.title { font-size: 15px; text-anchor: start }
.strong { font-weight: bold }
.faint { fill: #5b6270 }
rect { fill: #ffffff; stroke: #7b8494; stroke-width: 1.2 }
rect.paper { stroke: none }
rect.leaf { fill: #dcebfa; stroke: #4a7fb5 }
rect.root { fill: #fdf0d2; stroke: #b98a1f }
path { fill: none; stroke: #7b8494; stroke-width: 1.4 }
";

/// A picture that grows.
pub(super) struct Picture {
    body: String,
}

impl Picture {
    pub(super) fn new() -> Self {
        Self {
            body: String::new(),
        }
    }

    /// A box with its left upper corner at `x`, `y`.
    pub(super) fn rectangle(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        self.element(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
        ));
    }

    /// Text whose line is at `y`; its middle (its start in a title) is at `x`.
    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], text: &str) {
        let text = escape(text);
        self.element(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
        ));
    }

    /// A curve that leaves every second of the points for the next one, to the right and evenly, and is straight
    /// otherwise; with a head at its end.
    pub(super) fn arrow(&mut self, points: &[[f64; 2]]) {
        let mut path = String::new();
        for (index, &[x, y]) in points.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = match index.checked_sub(1).map(|last| points[last]) {
                None => write!(path, "M{x:.1} {y:.1}"),
                Some([from, height]) if index % 2 == 1 => {
                    let middle = (from + x) / 2.0;
                    write!(
                        path,
                        " C{middle:.1} {height:.1} {middle:.1} {y:.1} {x:.1} {y:.1}"
                    )
                }
                Some(_) => write!(path, " L{x:.1} {y:.1}"),
            };
        }
        self.element(format_args!(
            r#"<path d="{path}" marker-end="url(#head)"/>"#
        ));
    }

    /// The whole file of a picture of this size.
    pub(super) fn finish(self, title: &str, [width, height]: [f64; 2]) -> String {
        let (title, body) = (escape(title), self.body);
        let (width, height) = (width.ceil(), height.ceil());
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>{title}</title>
<style>
{STYLE}</style>
<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto" markerUnits="userSpaceOnUse">
<polygon points="0 0, 9 4, 0 8" fill="#7b8494"/></marker></defs>
<rect class="paper" width="100%" height="100%"/>
{body}</svg>
"##
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.body, "{element}");
    }
}

/// Text in which nothing is taken for markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut picture = Picture::new();
        picture.text("strong", [1.0, 2.0], "a < b & c");
        let file = picture.finish("x > y", [10.2, 20.0]);
        assert!(file.contains(r#"<text class="strong" x="1.0" y="2.0">a &lt; b &amp; c</text>"#));
        assert!(file.contains("<title>x &gt; y</title>"));
        assert!(file.contains(r#"viewBox="0 0 11 20""#));
    }

    #[test]
    fn an_arrow_curves_between_columns_and_is_straight_inside() {
        let mut picture = Picture::new();
        picture.arrow(&[[0.0, 5.0], [10.0, 7.0], [20.0, 7.0], [30.0, 1.0]]);
        let path = "M0.0 5.0 C5.0 5.0 5.0 7.0 10.0 7.0 L20.0 7.0 C25.0 7.0 25.0 1.0 30.0 1.0";
        assert!(picture.body.contains(path), "{}", picture.body);
    }
}
