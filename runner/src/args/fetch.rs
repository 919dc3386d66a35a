//! The options of `runner fetch`.

use clap::ValueEnum;

use crate::data::published::GLOVE_DIMENSIONS;
use crate::error::Failure;
use crate::fetch::base_url;

/// What can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Remote {
    /// MNIST: 70,000 handwritten digits.
    Mnist,
    /// SST-2 of GLUE: phrases and sentences out of film reviews.
    Sst2,
    /// GloVe 6B: vectors of 400,000 words.
    Glove,
}

/// The options of `runner fetch` as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// What to download: mnist (11 MB), sst2 (7 MB) or glove (862 MB, of which one file is kept)
    #[arg(value_enum, value_name = "WHAT", hide_possible_values = true)]
    what: Remote,

    /// Length of the GloVe vectors to keep: 50, 100, 200 or 300 [default: 50]
    #[arg(long, value_name = "N", value_parser = dimension, allow_negative_numbers = true, help_heading = "Download")]
    embedding_dim: Option<usize>,

    /// URL of a folder to download from instead of the public sources
    #[arg(long, value_name = "URL", value_parser = base_url, help_heading = "Download")]
    mirror: Option<String>,

    /// Do not ask before a large download
    #[arg(long, help_heading = "Download")]
    yes: bool,

    /// Print only where the files are, no progress
    #[arg(long, help_heading = "Output")]
    quiet: bool,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// Everything `runner fetch` needs to know, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to download.
    pub what: Remote,
    /// The length of the vectors to keep.
    pub dimension: usize,
    /// The URL of the folder to download from; `None` for the public ones.
    pub mirror: Option<String>,
    /// Whether to go on without asking.
    pub yes: bool,
    /// Whether to show no progress.
    pub quiet: bool,
}

impl Arguments {
    /// Checks that the options fit together.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] for a length of vectors where there are none.
    pub fn resolve(self) -> Result<Settings, Failure> {
        if self.embedding_dim.is_some() && self.what != Remote::Glove {
            return Err(Failure::usage("--embedding-dim belongs to fetch glove"));
        }
        Ok(Settings {
            what: self.what,
            dimension: self.embedding_dim.unwrap_or(GLOVE_DIMENSIONS[0]),
            mirror: self.mirror,
            yes: self.yes,
            quiet: self.quiet,
        })
    }
}

fn dimension(text: &str) -> Result<usize, String> {
    let dimension = text.parse().ok();
    dimension
        .filter(|dimension| GLOVE_DIMENSIONS.contains(dimension))
        .ok_or_else(|| format!("one of {GLOVE_DIMENSIONS:?} is expected"))
}
