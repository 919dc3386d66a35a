//! The options of `runner show`.

use std::path::PathBuf;

use clap::Subcommand;

use super::number::count;

/// The options of `runner show`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Show {
    /// What is shown.
    #[command(subcommand)]
    pub subject: Subject,
}

/// What `runner show` shows.
#[derive(Subcommand, Clone, Debug, PartialEq)]
pub enum Subject {
    /// The graph behind an expression, with the value and the derivative at each node
    Expression(Expression),
    /// Where the elements of a tensor are: shape, strides, from an index to a position and back
    Tensor(Tensor),
    /// One number after the other through a function
    Map(Map),
    /// Pairs of numbers through a function, with broadcasting
    Zip(Zip),
    /// The numbers along one axis, put together
    Reduce(Reduce),
    /// The product of two matrices
    Matmul(Matmul),
}

/// The options of `runner show expression`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Expression {
    /// Such as "x*y + log(x)": numbers, names, + - * / < > ==, parentheses, and functions of one number
    #[arg(value_name = "EXPRESSION", allow_hyphen_values = true)]
    pub text: String,

    /// Values of the names, such as x=2,y=3; a name that is not given is 1
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = assignment)]
    pub at: Vec<(String, f64)>,

    /// Draw the graph to a file; - is standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,

    /// Write the graph in the language of Graphviz; - is standard output, in place of the table
    #[arg(long, value_name = "FILE")]
    pub dot: Option<PathBuf>,
}

/// The options of `runner show tensor`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes of the axes [default: 2,3,4]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = count,
        allow_negative_numbers = true,
        default_value = "2,3,4",
        hide_default_value = true
    )]
    pub shape: Vec<usize>,

    /// Reorder the axes, such as 2,0,1
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = count, allow_negative_numbers = true)]
    pub permute: Vec<usize>,

    /// The position of the element at this index, such as 1,2,3
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = count, allow_negative_numbers = true)]
    pub index: Vec<usize>,

    /// The index of the element that is so many after the first one, in row-major order
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    pub position: Option<usize>,
}

/// The small tensor that an operation is shown with, and how both are drawn.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Sizes of the axes [default: 2,3]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = count,
        allow_negative_numbers = true,
        default_value = "2,3",
        hide_default_value = true
    )]
    pub shape: Vec<usize>,

    /// The element of the result whose origin the picture has in colour, such as 0,1 [default: the last one]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = count, allow_negative_numbers = true, requires = "svg")]
    pub cell: Vec<usize>,

    /// Draw to a file; - is standard output, in place of the text
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// The options of `runner show map`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Map {
    /// What it is shown with.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// The options of `runner show zip`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Zip {
    /// Sizes of the other one's axes [default: 3]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = count,
        allow_negative_numbers = true,
        default_value = "3",
        hide_default_value = true
    )]
    pub with: Vec<usize>,

    /// What it is shown with.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// The options of `runner show reduce`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Reduce {
    /// The axis whose elements are put together
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, default_value_t = 1)]
    pub axis: usize,

    /// What it is shown with.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// The options of `runner show matmul`.
#[derive(clap::Args, Clone, Debug, PartialEq)]
pub struct Matmul {
    /// Sizes of the other one's axes [default: 3,2]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = count,
        allow_negative_numbers = true,
        default_value = "3,2",
        hide_default_value = true
    )]
    pub with: Vec<usize>,

    /// What it is shown with.
    #[command(flatten)]
    pub drawing: Drawing,
}

/// A name with its value.
fn assignment(text: &str) -> Result<(String, f64), String> {
    let expected = "NAME=NUMBER is expected, such as x=2";
    let (name, value) = text.split_once('=').ok_or(expected)?;
    let name = name.trim();
    match value.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && !name.is_empty() => Ok((name.to_string(), value)),
        _ => Err(expected.into()),
    }
}
