//! The options of `runner sentiment`.

mod recipe;

use std::path::PathBuf;

use clap::ValueEnum;

use super::number::{positive, rate, seed};
use super::{Choice, Run};
pub use recipe::{Combine, Dropped, Optimiser, Recipe, Unknown};

use crate::data::text::{
    Amount, EMBEDDED_DIMENSION, EMBEDDED_TRAIN, EMBEDDED_VALID, Request, Source,
};
use crate::error::Failure;

/// The checkpoint's name unless another one is asked for.
pub const CHECKPOINT: &str = "sentiment.safetensors";

const DEFAULT: Recipe = Recipe::DEFAULT;
const KIM: Recipe = Recipe::KIM;

/// The most widths of windows.
pub const MOST_FILTERS: usize = 16;
/// The most words in a window.
pub const WIDEST: usize = 64;
/// The most features of each width.
pub const MOST_MAPS: usize = 4096;

/// A named recipe. Other options change what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// MiniTorch as it is, its bugs included.
    Minitorch,
    /// The settings of Kim's paper, on all sentences there are.
    Kim,
}

impl Preset {
    /// What the name stands for.
    pub const fn recipe(self) -> Recipe {
        match self {
            Self::Minitorch => Recipe::MINITORCH,
            Self::Kim => Recipe::KIM,
        }
    }
}

/// What `--preset kim` is; [`Recipe::KIM`] says it in full.
const ABOUT_KIM: &str = "\
The kim preset has the network and the training of Kim's CNN-non-static (2014). What differs: vectors are GloVe's,
scaled to the variance of word2vec's, and have dropout; fewer epochs, each validated four times; batches of sentences of
like length. It keeps the weights that did best on the validation sentences; where there are no test sentences, its
\"Held-out accuracy\" is that best of the validations, and higher than on sentences that no choice was made with.";

/// The options of `runner sentiment` as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq)]
#[command(disable_help_flag = true, after_help = ABOUT_KIM)]
pub struct Arguments {
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    #[arg(help = "Start from a recipe, minitorch or kim; the options below still count")]
    preset: Option<Preset>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Passes over the sentences [default: {}; kim: {}]", DEFAULT.epochs, KIM.epochs))]
    epochs: Option<usize>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Sentences in a training step [default: {}; kim: {}]", DEFAULT.batch, KIM.batch))]
    batch: Option<usize>,

    #[arg(long, value_name = "X", value_parser = rate, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Learning rate [default: {}; kim: {}]", DEFAULT.rate, KIM.rate))]
    rate: Option<f32>,

    #[arg(
        long,
        value_name = "N",
        value_parser = seed,
        default_value_t = 0,
        hide_default_value = true,
        help_heading = "Training"
    )]
    #[arg(
        help = "Where all randomness comes from [default: 0]",
        allow_negative_numbers = true
    )]
    seed: u64,

    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = width, allow_negative_numbers = true, help_heading = "Network")]
    #[arg(help = "Widths of the windows that features look at, in words [default: 3,4,5]")]
    filters: Option<Vec<usize>>,

    #[arg(long, value_name = "N", value_parser = maps, allow_negative_numbers = true, help_heading = "Network")]
    #[arg(help = format!("Features of each width [default: {}]", DEFAULT.maps))]
    maps: Option<usize>,

    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        help_heading = "Network"
    )]
    #[arg(
        help = "Train the vectors of words, too, or with =false not [default: false; kim: true]"
    )]
    train_embeddings: Option<bool>,

    #[arg(long, value_name = "P", value_parser = probability, allow_negative_numbers = true, help_heading = "Network")]
    #[arg(help = format!("Probability of dropout of each number of the vectors [default: {}; kim: {}]", DEFAULT.embedding_dropout, KIM.embedding_dropout))]
    embedding_dropout: Option<f64>,

    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        hide_possible_values = true,
        help_heading = "Network"
    )]
    #[arg(help = "Random vectors of unknown words, shared or own [default: shared; kim: own]")]
    unknown: Option<Unknown>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Data")]
    #[arg(help = "Training sentences to use, the first N [default: 450; kim: all]")]
    train: Option<usize>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Data")]
    #[arg(help = "Validation sentences to use, the first N [default: 100; kim: all]")]
    valid: Option<usize>,

    #[arg(long, value_name = "DIR", help_heading = "Data")]
    #[arg(
        help = "Folder of train.tsv and dev.tsv, or of stsa.binary.*, plain or .gz, to read instead"
    )]
    data: Option<PathBuf>,

    #[arg(long, value_name = "FILE", requires = "data", help_heading = "Data")]
    #[arg(
        help = "Vectors in GloVe's form [default: glove*.<N>d*.txt, in DIR or a glove folder in or beside it]"
    )]
    glove: Option<PathBuf>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Data")]
    #[arg(help = format!("Length of these vectors [default: {EMBEDDED_DIMENSION}]"))]
    embedding_dim: Option<usize>,

    #[command(flatten)]
    run: Run,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// Everything `runner sentiment` needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How the network learns.
    pub recipe: Recipe,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Which sentences and vectors.
    pub data: Request,
    /// How and where it runs.
    pub run: Run,
}

impl Settings {
    /// Every option and its value, as if all had been typed.
    pub fn choices(&self) -> Vec<Choice> {
        let recipe = &self.recipe;
        let (folder, glove) = match &self.data.source {
            Source::Embedded => (None, None),
            Source::Folder { folder, glove, .. } => (Some(folder), glove.as_ref()),
        };
        let widths: Vec<String> = recipe.filters.iter().map(usize::to_string).collect();
        let found = match folder {
            Some(_) => "found by its name",
            None => "those in the program",
        };
        let sentences = |option, amount| match amount {
            Amount::Exactly(count) => Choice::given(option, count),
            Amount::AtMost(_) => Choice::optional(option, None::<usize>, "as many as usual"),
            Amount::All => Choice::optional(option, None::<usize>, "all sentences"),
        };
        let mut choices = vec![
            match self.preset() {
                Some(preset) => Choice::named("--preset", &preset),
                None => Choice::optional("--preset", None::<&str>, "this program's own"),
            },
            Choice::given("--epochs", recipe.epochs),
            Choice::given("--batch", recipe.batch),
            Choice::given("--rate", recipe.rate),
            Choice::given("--seed", self.seed),
            Choice::given("--filters", widths.join(",")),
            Choice::given("--maps", recipe.maps),
            Choice::equals("--train-embeddings", recipe.train_embeddings),
            Choice::given("--embedding-dropout", recipe.embedding_dropout),
            Choice::named("--unknown", &recipe.unknown),
            sentences("--train", self.data.train),
            sentences("--valid", self.data.valid),
            Choice::optional(
                "--data",
                folder.map(|folder| folder.display()),
                "those in the program",
            ),
            Choice::optional("--glove", glove.map(|file| file.display()), found),
            Choice::given("--embedding-dim", self.data.dimension),
        ];
        choices.extend(self.run.choices(CHECKPOINT));
        choices
    }

    /// The preset that says all that no option of its own says.
    pub fn preset(&self) -> Option<Preset> {
        let typed = &self.recipe;
        let mut presets = Preset::value_variants().iter().copied();
        presets.find(|preset| {
            let recipe = Recipe {
                epochs: typed.epochs,
                batch: typed.batch,
                rate: typed.rate,
                filters: typed.filters.clone(),
                maps: typed.maps,
                train_embeddings: typed.train_embeddings,
                embedding_dropout: typed.embedding_dropout,
                unknown: typed.unknown,
                sentences: typed.sentences,
                ..preset.recipe()
            };
            recipe == *typed
        })
    }
}

impl Arguments {
    /// Puts the options over the preset, the preset over the defaults, and checks that they fit together.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] for more sentences than the program holds without `--data`, and for too many widths.
    pub fn resolve(self) -> Result<Settings, Failure> {
        let preset = self.preset.map_or(Recipe::DEFAULT, Preset::recipe);
        let recipe = Recipe {
            epochs: self.epochs.unwrap_or(preset.epochs),
            batch: self.batch.unwrap_or(preset.batch),
            rate: self.rate.unwrap_or(preset.rate),
            filters: self.filters.map_or(preset.filters, Into::into),
            maps: self.maps.unwrap_or(preset.maps),
            train_embeddings: self.train_embeddings.unwrap_or(preset.train_embeddings),
            embedding_dropout: self.embedding_dropout.unwrap_or(preset.embedding_dropout),
            unknown: self.unknown.unwrap_or(preset.unknown),
            sentences: [
                self.train.or(preset.sentences[0]),
                self.valid.or(preset.sentences[1]),
            ],
            ..preset
        };
        if recipe.filters.len() > MOST_FILTERS {
            return Err(Failure::usage(format!(
                "--filters: at most {MOST_FILTERS} widths"
            )));
        }
        let [train, valid] = recipe.sentences;
        let source = match self.data {
            Some(folder) => Source::Folder {
                folder,
                glove: self.glove,
                phrases: recipe.phrases,
            },
            None => {
                within(train, EMBEDDED_TRAIN, ["--train", "training"])?;
                within(valid, EMBEDDED_VALID, ["--valid", "validation"])?;
                Source::Embedded
            }
        };
        Ok(Settings {
            data: Request {
                source,
                dimension: self.embedding_dim.unwrap_or(EMBEDDED_DIMENSION),
                train: amount(self.train, train),
                valid: amount(self.valid, valid),
            },
            recipe,
            seed: self.seed,
            run: self.run,
        })
    }
}

/// How many sentences are used. There may be fewer than a recipe would have, but not than were typed.
fn amount(typed: Option<usize>, recipe: Option<usize>) -> Amount {
    match (typed, recipe) {
        (Some(typed), _) => Amount::Exactly(typed),
        (None, Some(usual)) => Amount::AtMost(usual),
        (None, None) => Amount::All,
    }
}

/// Whether the program holds so many sentences.
fn within(wanted: Option<usize>, most: usize, [option, what]: [&str; 2]) -> Result<(), Failure> {
    match wanted {
        Some(wanted) if wanted > most => Err(Failure::usage(format!(
            "{option} {wanted}: the program holds {most} {what} sentences; --data DIR may have more"
        ))),
        _ => Ok(()),
    }
}

/// A probability of dropout, which leaves something.
fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => Err("a number from 0 to less than 1 is expected".into()),
    }
}

fn width(text: &str) -> Result<usize, String> {
    up_to(WIDEST, text)
}

fn maps(text: &str) -> Result<usize, String> {
    up_to(MOST_MAPS, text)
}

fn up_to(most: usize, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {most} is expected")),
    }
}
