//! The options of `runner mnist`.

mod recipe;

use std::path::PathBuf;

use clap::ValueEnum;

use super::number::{positive, rate, seed};
use super::{Choice, Run};
pub use recipe::{Net, Optimiser, Pool, Recipe, Schedule};

use crate::data::{EMBEDDED_HELD_OUT, EMBEDDED_TRAIN, PUBLISHED_TEST, PUBLISHED_TRAIN, batches};
use crate::error::Failure;
use crate::fetch::base_url;

/// The checkpoint's name unless another one is asked for.
pub const CHECKPOINT: &str = "mnist.safetensors";

const DEFAULT: Recipe = Recipe::DEFAULT;
const ACCURATE: Recipe = Recipe::ACCURATE;

/// The options that count images, and of which images.
const TRAIN: [&str; 2] = ["--train", "training"];
const VALID: [&str; 2] = ["--valid", "held-out"];

/// A named recipe. Other options change what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// MiniTorch as it is, its bugs included.
    Minitorch,
    /// The same network taught better.
    Accurate,
}

impl Preset {
    /// What the name stands for.
    pub const fn recipe(self) -> Recipe {
        match self {
            Self::Minitorch => Recipe::MINITORCH,
            Self::Accurate => Recipe::ACCURATE,
        }
    }
}

/// The options of `runner mnist` as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    #[arg(help = "Start from a recipe, minitorch or accurate; the options below still count")]
    preset: Option<Preset>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Passes over the images [default: {}; accurate: {}]", DEFAULT.epochs, ACCURATE.epochs))]
    epochs: Option<usize>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Images in a training step [default: {}; accurate: {}]", DEFAULT.batch, ACCURATE.batch))]
    batch: Option<usize>,

    #[arg(long, value_name = "X", value_parser = rate, allow_negative_numbers = true, help_heading = "Training")]
    #[arg(help = format!("Learning rate [default: {}; accurate: at most {}]", DEFAULT.rate, ACCURATE.rate))]
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

    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    #[arg(help = "Pooling layer, avg or max [default: avg; accurate: max]")]
    pool: Option<Pool>,

    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    #[arg(help = "Width of the network, minitorch or tiny [default: minitorch]")]
    net: Option<Net>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Data")]
    #[arg(help = format!("Training images to use, the first N [default: {EMBEDDED_TRAIN}; with --full all]"))]
    train: Option<usize>,

    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Data")]
    #[arg(help = format!("Held-out images to test with [default: {EMBEDDED_HELD_OUT}; with --full all]"))]
    valid: Option<usize>,

    #[arg(long, help_heading = "Data")]
    #[arg(
        help = "Use all 60,000 training and 10,000 test images; without --data, 11 MB are downloaded once"
    )]
    full: bool,

    #[arg(long, value_name = "DIR", help_heading = "Data")]
    #[arg(
        help = "Folder of the four MNIST files, plain or .gz, to read instead of the images in the program"
    )]
    data: Option<PathBuf>,

    #[arg(
        long,
        value_name = "URL",
        value_parser = base_url,
        requires = "full",
        conflicts_with = "data",
        help_heading = "Data"
    )]
    #[arg(
        help = "URL of a folder to download the four files from with --full, instead of the public mirrors"
    )]
    mirror: Option<String>,

    #[command(flatten)]
    run: Run,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// Where the images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// The 5,500 images in the program.
    Embedded,
    /// The same images, out of the published files in this folder.
    Split(PathBuf),
    /// All images of the published files in this folder.
    Full(PathBuf),
    /// All images of the published files in the cache folder, after downloading what is not there.
    Cached {
        /// The URL of the folder to download from; `None` for the public ones.
        mirror: Option<String>,
    },
}

/// Everything `runner mnist` needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How the network learns.
    pub recipe: Recipe,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Where the images come from.
    pub data: Data,
    /// The first so many training images; `None` for all there are.
    pub train: Option<usize>,
    /// The first so many held-out images; `None` for all there are.
    pub valid: Option<usize>,
    /// How and where it runs.
    pub run: Run,
}

impl Settings {
    /// Every option and its value, as if all had been typed.
    pub fn choices(&self) -> Vec<Choice> {
        let recipe = &self.recipe;
        let (full, folder, mirror) = match &self.data {
            Data::Embedded => (false, None, None),
            Data::Split(folder) => (false, Some(folder), None),
            Data::Full(folder) => (true, Some(folder), None),
            Data::Cached { mirror } => (true, None, mirror.as_ref()),
        };
        let (images, mirrors) = match self.data {
            Data::Cached { .. } => ("downloaded", "the public ones"),
            _ => ("those in the program", "nothing is downloaded"),
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
            Choice::named("--pool", &recipe.pool),
            Choice::named("--net", &recipe.net),
            Choice::optional("--train", self.train, "all images"),
            Choice::optional("--valid", self.valid, "all images"),
            Choice::flag("--full", full),
            Choice::optional("--data", folder.map(|folder| folder.display()), images),
            Choice::optional("--mirror", mirror, mirrors),
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
                pool: typed.pool,
                net: typed.net,
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
    /// [`Failure::usage`] for more images than the program holds without `--full`, and for too few images to make a
    /// batch.
    pub fn resolve(self) -> Result<Settings, Failure> {
        let preset = self.preset.map_or(Recipe::DEFAULT, Preset::recipe);
        let recipe = Recipe {
            epochs: self.epochs.unwrap_or(preset.epochs),
            batch: self.batch.unwrap_or(preset.batch),
            rate: self.rate.unwrap_or(preset.rate),
            pool: self.pool.unwrap_or(preset.pool),
            net: self.net.unwrap_or(preset.net),
            ..preset
        };
        let (data, train, valid) = match (self.full, self.data) {
            (true, Some(folder)) => (Data::Full(folder), self.train, self.valid),
            (true, None) => {
                let mirror = self.mirror;
                // Known before anything is downloaded.
                within(self.train, PUBLISHED_TRAIN, TRAIN, ["MNIST has", ""])?;
                within(self.valid, PUBLISHED_TEST, VALID, ["MNIST has", ""])?;
                (Data::Cached { mirror }, self.train, self.valid)
            }
            (false, folder) => {
                let said = ["the program holds", "; --full has more"];
                within(self.train, EMBEDDED_TRAIN, TRAIN, said)?;
                within(self.valid, EMBEDDED_HELD_OUT, VALID, said)?;
                (
                    folder.map_or(Data::Embedded, Data::Split),
                    self.train.or(Some(EMBEDDED_TRAIN)),
                    self.valid.or(Some(EMBEDDED_HELD_OUT)),
                )
            }
        };
        if let Some(train) = train.filter(|&train| batches(train, recipe.batch) == 0) {
            return Err(Failure::usage(format!(
                "--train {train} with --batch {0} gives no batch: more than {0} images are needed",
                recipe.batch
            )));
        }
        Ok(Settings {
            recipe,
            seed: self.seed,
            data,
            train,
            valid,
            run: self.run,
        })
    }
}

/// Whether there are so many images. A mistake is told between `before` and `after`.
fn within(
    wanted: Option<usize>,
    most: usize,
    [option, what]: [&str; 2],
    [before, after]: [&str; 2],
) -> Result<(), Failure> {
    match wanted {
        Some(wanted) if wanted > most => Err(Failure::usage(format!(
            "{option} {wanted}: {before} {most} {what} images{after}"
        ))),
        _ => Ok(()),
    }
}
