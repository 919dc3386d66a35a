//! The options of `runner predict`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Machine;
use super::mnist::{Pool, Preset};

/// The options of `runner predict`.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
#[command(disable_help_flag = true)]
pub struct Predict {
    /// PNG or JPEG pictures of a digit each; with a checkpoint of sentiment, texts; - is standard input
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<OsString>,

    /// The trained network, of mnist or of sentiment [default: ./mnist.safetensors]
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub checkpoint: Option<PathBuf>,

    /// How the network was trained, where its file does not say it.
    #[command(flatten)]
    pub training: Training,

    /// Where it computes.
    #[command(flatten)]
    pub machine: Machine,

    /// Print the answers only, no picture and no probabilities
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,

    /// Print one JSON object a line instead of text
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// How a network was trained: for weights alone. A checkpoint of this program says it itself.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Training {
    /// Recipe of weights alone, minitorch (pixels are 0 to 255) or accurate (normalised)
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Network"
    )]
    pub preset: Option<Preset>,

    /// Pooling layer of weights alone, avg or max [default: avg; accurate: max]
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Network"
    )]
    pub pool: Option<Pool>,
}

impl Training {
    /// The first option that was typed.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--preset", self.preset.is_some()),
            ("--pool", self.pool.is_some()),
        ];
        let given = options.into_iter().find(|(_, given)| *given);
        given.map(|(option, _)| option)
    }
}
