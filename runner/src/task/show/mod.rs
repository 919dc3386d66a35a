//! `runner show`: the ideas behind the library as tables and pictures.
//!
//! ```text
//! cargo run -p runner -- show expression "x*y + log(x)" --at x=2,y=3 --svg graph.svg
//! cargo run -p runner -- show tensor --shape 2,3,4 --permute 2,0,1 --index 1,0,2
//! cargo run -p runner -- show zip --shape 2,3 --with 3
//! ```

mod expression;
mod pictures;
mod svg;
mod tensor;

use std::path::Path;

use crate::args::show::{Show, Subject};
use crate::error::Failure;
use crate::{files, output};

/// Shows what the options ask for.
///
/// # Errors
///
/// [`Failure::usage`] for what cannot be shown; also if a file or standard output cannot be written to.
pub fn run(arguments: &Show) -> Result<(), Failure> {
    match &arguments.subject {
        Subject::Expression(options) => expression::run(options),
        Subject::Tensor(options) => tensor::run(options),
        Subject::Map(options) => pictures::map(&options.drawing.shape)?.show(&options.drawing),
        Subject::Zip(options) => {
            pictures::zip(&options.drawing.shape, &options.with)?.show(&options.drawing)
        }
        Subject::Reduce(options) => {
            pictures::reduce(&options.drawing.shape, options.axis)?.show(&options.drawing)
        }
        Subject::Matmul(options) => {
            pictures::matmul(&options.drawing.shape, &options.with)?.show(&options.drawing)
        }
    }
}

/// A picture, and the file that an option named for it.
struct Drawn<'a> {
    option: &'static str,
    what: &'static str,
    file: Option<&'a Path>,
    picture: String,
}

/// Writes pictures to the files that were asked for, and `text` to standard output unless a picture goes there. Only a
/// picture of its kind is replaced.
fn deliver(text: &str, pictures: &[Drawn<'_>]) -> Result<(), Failure> {
    let (mut shown, mut files) = (None, Vec::new());
    for drawn in pictures {
        let Some(file) = drawn.file else { continue };
        if file == Path::new("-") {
            if shown.replace(drawn.picture.as_str()).is_some() {
                return Err(Failure::usage("only one picture can go to standard output"));
            }
            continue;
        }
        if files.iter().any(|&(other, _)| other == file) {
            return Err(Failure::usage(format!(
                "{} {}: another picture goes there; give another name",
                drawn.option,
                file.display()
            )));
        }
        let begins = |head: &[u8]| head.get(..4) == drawn.picture.as_bytes().get(..4);
        files::of_kind(drawn.option, file, drawn.what, begins)?;
        files.push((file, drawn));
    }
    for (file, drawn) in files {
        files::replace(file, drawn.picture.as_bytes())?;
    }
    output::print(shown.unwrap_or(text))
}

/// Rows of cells as lines of text, the columns aligned at the left.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| wide(column).unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A number to six digits, for a place with little room.
fn short(number: f64) -> String {
    let rounded = format!("{number:.5e}").parse().unwrap_or(number);
    match rounded.abs() {
        size if size == 0.0 || (1e-4..1e7).contains(&size) || !size.is_finite() => {
            format!("{rounded}")
        }
        _ => format!("{rounded:e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_have_six_digits() {
        let cases = [
            (6.693147180559945, "6.69315"),
            (10.0, "10"),
            (0.1 + 0.2, "0.3"),
            (-0.00012345678, "-0.000123457"),
            (0.000012345678, "1.23457e-5"),
            (12345678.0, "1.23457e7"),
            (1234567.0, "1234570"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::MAX, "1.79769e308"),
        ];
        for (number, expected) in cases {
            assert_eq!(short(number), expected);
        }
    }
}
