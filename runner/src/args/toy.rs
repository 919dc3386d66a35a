//! The options of the programs on points in a square: `runner simple`, `diag`, `split`, `xor`, `circle` and `spiral`.

use clap::ValueEnum;

use super::number::{positive, seed};
use super::{Backend, Choice, Isa, Machine, Processor, Report};
use crate::data::Pattern;
use crate::error::Failure;
use crate::output::Style;

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// One line that you draw yourself; nothing is trained.
    Manual,
    /// Single numbers with history.
    Scalar,
    /// Tensors in double precision, on one thread.
    Tensor,
    /// Tensors in single precision, on all threads.
    Fast,
    /// Tensors in single precision, on an NVIDIA GPU.
    Cuda,
}

/// A named recipe. Other options change what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// MiniTorch's settings, random numbers and loss: the numbers it prints.
    Minitorch,
}

/// The options of the programs on points, as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// What computes: manual (a line of yours), scalar, tensor, fast or cuda [default: tensor]
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    engine: Option<Engine>,

    /// Start from a recipe, minitorch; the options below still count
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Training"
    )]
    preset: Option<Preset>,

    /// How many points there are [default: 50]
    #[arg(long, value_name = "N", value_parser = points, allow_negative_numbers = true, help_heading = "Training")]
    points: Option<usize>,

    /// Width of the two hidden layers [default: 20; split and spiral: 50]
    #[arg(long, value_name = "N", value_parser = width, allow_negative_numbers = true, help_heading = "Training")]
    hidden: Option<usize>,

    /// Learning rate [default: 0.5; split: 0.2; spiral: 0.05]
    #[arg(long, value_name = "X", value_parser = rate, allow_negative_numbers = true, help_heading = "Training")]
    rate: Option<f64>,

    /// Passes over the points [default: 500; circle: 1000; spiral: 2000]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    epochs: Option<usize>,

    /// Points in a training step [default: 10; split and spiral: 5]
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, help_heading = "Training")]
    batch: Option<usize>,

    /// Where all randomness comes from [default: 0]
    #[arg(
        long,
        value_name = "N",
        value_parser = seed,
        default_value_t = 0,
        hide_default_value = true,
        allow_negative_numbers = true,
        help_heading = "Training"
    )]
    seed: u64,

    /// Slopes of the line of the manual engine
    #[arg(long, value_name = "A,B", value_parser = slopes, allow_hyphen_values = true, help_heading = "Manual")]
    weights: Option<[f64; 2]>,

    /// Height of the line of the manual engine
    #[arg(long, value_name = "C", value_parser = finite, allow_negative_numbers = true, help_heading = "Manual")]
    bias: Option<f64>,

    // Without a default: one that was typed and is not heeded is a mistake.
    /// Where the fast engine computes, rayon or serial; cuda is --engine cuda [default: rayon]
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        hide_possible_values = true,
        help_heading = "Machine"
    )]
    backend: Option<Backend>,

    #[command(flatten)]
    processor: Processor,

    #[command(flatten)]
    style: Style,

    #[command(flatten)]
    report: Report,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// How weights start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Weights and biases uniform in `[-1, 1)`.
    Wide,
    /// Weights uniform in `[-0.5, 0.5)`, biases 0.1.
    Narrow,
}

impl Start {
    /// A weight from a number in `[0, 1)`.
    pub fn weight(self, uniform: f64) -> f64 {
        match self {
            Self::Wide => 2.0 * (uniform - 0.5),
            Self::Narrow => uniform - 0.5,
        }
    }
}

/// How the network 2 -> hidden -> hidden -> 1 learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Width of the two hidden layers.
    pub hidden: usize,
    /// Learning rate of gradient descent.
    pub rate: f64,
    /// Passes over the points.
    pub epochs: usize,
    /// Points in a training step, in a new order each epoch; `None` for all of them at once.
    pub batch: Option<usize>,
    /// How weights start.
    pub start: Start,
    /// MiniTorch's epsilon inside of the logarithm of the loss; `None` for a loss that needs none.
    pub epsilon: Option<f64>,
    /// Whether points and weights come from Python's random numbers, as MiniTorch draws them.
    pub python: bool,
}

impl Recipe {
    /// The settings with which each set of points is learnt: of ten seeds, at least nine tell 49 of 50 points right.
    pub const fn of(pattern: Pattern) -> Self {
        let (hidden, rate, epochs, batch) = match pattern {
            Pattern::Simple | Pattern::Diag | Pattern::Xor => (20, 0.5, 500, 10),
            Pattern::Split => (50, 0.2, 500, 5),
            Pattern::Circle => (20, 0.5, 1000, 10),
            Pattern::Spiral => (50, 0.05, 2000, 5),
        };
        Self {
            hidden,
            rate,
            epochs,
            batch: Some(batch),
            start: Start::Wide,
            epsilon: None,
            python: false,
        }
    }

    /// MiniTorch's settings: those of `run_scalar` and `run_tensor`, or for the fast engine those of `run_fast_tensor`.
    pub const fn minitorch(engine: Engine) -> Self {
        let fast = matches!(engine, Engine::Fast | Engine::Cuda);
        Self {
            hidden: if fast { 10 } else { 2 },
            rate: if fast { 0.05 } else { 0.5 },
            epochs: 500,
            batch: if fast { Some(10) } else { None },
            start: if fast { Start::Narrow } else { Start::Wide },
            epsilon: Some(1e-6),
            python: true,
        }
    }
}

/// Everything a program on points needs to know, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Which points.
    pub pattern: Pattern,
    /// How many.
    pub points: usize,
    /// What computes.
    pub engine: Engine,
    /// How the network learns.
    pub recipe: Recipe,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The line of the manual engine: a point is in the second class where `a x + b y + c > 0`.
    pub line: ([f64; 2], f64),
    /// Where it computes.
    pub machine: Machine,
    /// What it prints.
    pub style: Style,
    /// What it leaves to look at.
    pub report: Report,
}

impl Settings {
    /// Every option and its value, as if all had been typed.
    pub fn choices(&self) -> Vec<Choice> {
        let ([a, b], c) = self.line;
        let manual = self.engine == Engine::Manual;
        let network = (!manual).then_some(&self.recipe);
        let (learnt, none) = ("learnt", "none: the line stays as it is");
        let mut choices = vec![
            Choice::named("--engine", &self.engine),
            match self.preset() {
                Some(preset) => Choice::named("--preset", &preset),
                None => Choice::optional("--preset", None::<&str>, "this program's own"),
            },
            Choice::given("--points", self.points),
            Choice::optional("--hidden", network.map(|recipe| recipe.hidden), none),
            Choice::optional("--rate", network.map(|recipe| recipe.rate), none),
            Choice::optional("--epochs", network.map(|recipe| recipe.epochs), none),
            Choice::optional(
                "--batch",
                network.and_then(|recipe| recipe.batch),
                if manual { none } else { "all points" },
            ),
            Choice::given("--seed", self.seed),
            Choice::optional("--weights", manual.then(|| format!("{a},{b}")), learnt),
            Choice::optional("--bias", manual.then_some(c), learnt),
        ];
        let [backend, processor @ ..] = self.machine.choices();
        choices.push(match self.engine {
            Engine::Fast => backend,
            _ => Choice::optional("--backend", None::<&str>, "that of the engine"),
        });
        choices.extend(processor);
        choices.extend(self.style.choices());
        choices.extend(self.report.choices());
        choices
    }

    /// The preset that says all that no option of its own says.
    fn preset(&self) -> Option<Preset> {
        let own = Recipe::of(self.pattern);
        (self.recipe.python != own.python).then_some(Preset::Minitorch)
    }
}

impl Arguments {
    /// Puts the options over the preset, the preset over the defaults, and checks that they fit together.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] for a line without the manual engine or the reverse, an engine on another device than its own,
    /// options that the engine does not heed, and points that do not make a spiral.
    pub fn resolve(self, pattern: Pattern) -> Result<Settings, Failure> {
        let engine = match (self.engine, self.backend) {
            (Some(Engine::Cuda), Some(processor @ (Backend::Serial | Backend::Rayon))) => {
                return Err(Failure::usage(format!(
                    "--engine cuda computes on a GPU: leave out --backend {}, or use --engine fast",
                    super::name(&processor)
                )));
            }
            (None | Some(Engine::Fast), Some(Backend::Cuda)) | (Some(Engine::Cuda), _) => {
                Engine::Cuda
            }
            (Some(engine), Some(Backend::Cuda)) => {
                let engine = super::name(&engine);
                return Err(Failure::usage(format!(
                    "--backend cuda is for --engine cuda; {engine} computes on the processor",
                )));
            }
            (engine, _) => engine.unwrap_or(Engine::Tensor),
        };
        let machine = Machine {
            backend: match engine {
                Engine::Manual | Engine::Scalar | Engine::Tensor => Backend::Serial,
                Engine::Fast => self.backend.unwrap_or_default(),
                Engine::Cuda => Backend::Cuda,
            },
            processor: self.processor,
        };
        if let Some((option, engines)) = self.unheeded(engine) {
            let engine = super::name(&engine);
            return Err(Failure::usage(format!(
                "{option} changes nothing with --engine {engine}; leave it out, or use --engine {engines}"
            )));
        }
        let preset = match self.preset {
            None => Recipe::of(pattern),
            Some(Preset::Minitorch) => Recipe::minitorch(engine),
        };
        // The manual engine has no epochs: it looks at the points once.
        let epochs = match engine {
            Engine::Manual => 0,
            _ => self.epochs.unwrap_or(preset.epochs),
        };
        let recipe = Recipe {
            hidden: self.hidden.unwrap_or(preset.hidden),
            rate: self.rate.unwrap_or(preset.rate),
            epochs,
            batch: self.batch.or(preset.batch),
            ..preset
        };
        let limit = match recipe.rate as f32 {
            0.0 => "0; 1e-45 is the smallest",
            f32::INFINITY => "infinite; about 3.4e38 is the largest",
            _ => "",
        };
        if matches!(engine, Engine::Fast | Engine::Cuda) && !limit.is_empty() {
            return Err(Failure::usage(format!(
                "--rate {:e}: --engine {} computes with f32, where this is {limit}",
                recipe.rate,
                super::name(&engine)
            )));
        }
        let line = match (engine, self.weights, self.bias) {
            (Engine::Manual, Some(weights), bias) => (weights, bias.unwrap_or(0.0)),
            (Engine::Manual, None, _) => {
                return Err(Failure::usage(
                    "--engine manual needs --weights A,B, the slopes of the line (and --bias C)",
                ));
            }
            (_, None, None) => ([0.0; 2], 0.0),
            _ => {
                return Err(Failure::usage(
                    "--weights and --bias are for --engine manual; the others learn their own",
                ));
            }
        };
        let points = self.points.unwrap_or(50);
        if pattern == Pattern::Spiral && !points.is_multiple_of(2) {
            return Err(Failure::usage(format!(
                "--points {points}: a spiral has two arms of equal length, so it needs an even number",
            )));
        }
        Ok(Settings {
            pattern,
            points,
            engine,
            recipe,
            seed: self.seed,
            line,
            machine,
            style: self.style,
            report: self.report,
        })
    }

    /// An option that was typed and that the engine does not heed, and engines that do.
    fn unheeded(&self, engine: Engine) -> Option<(&'static str, &'static str)> {
        const NETWORKS: &str = "scalar, tensor, fast or cuda";
        let manual = engine == Engine::Manual;
        let single = manual || engine == Engine::Scalar;
        let serial = single || engine == Engine::Tensor;
        let options = [
            ("--hidden", self.hidden.is_some(), manual, NETWORKS),
            ("--rate", self.rate.is_some(), manual, NETWORKS),
            ("--epochs", self.epochs.is_some(), manual, NETWORKS),
            ("--batch", self.batch.is_some(), manual, NETWORKS),
            (
                "--isa",
                self.processor.isa != Isa::Auto,
                single,
                "tensor or fast",
            ),
            (
                "--threads",
                self.processor.threads.is_some(),
                serial,
                "fast",
            ),
            ("--backend", self.backend.is_some(), serial, "fast"),
        ];
        let unheeded = options.iter().find(|(_, typed, idle, _)| *typed && *idle);
        unheeded.map(|&(option, _, _, engines)| (option, engines))
    }
}

/// A number of points that are quickly drawn and kept.
fn points(text: &str) -> Result<usize, String> {
    up_to(text, 1_000_000)
}

/// A width whose square, the number of weights between two layers, fits into memory many times.
fn width(text: &str) -> Result<usize, String> {
    up_to(text, 2048)
}

fn up_to(text: &str, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {most} is expected")),
    }
}

/// A learning rate: finite and over 0.
fn rate(text: &str) -> Result<f64, String> {
    match finite(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        _ => Err("a finite number over 0 is expected".into()),
    }
}

fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("a finite number is expected".into()),
    }
}

/// Two finite numbers with a comma between them.
fn slopes(text: &str) -> Result<[f64; 2], String> {
    match text.split_once(',').map(|(a, b)| (finite(a), finite(b))) {
        Some((Ok(a), Ok(b))) => Ok([a, b]),
        _ => {
            Err("two finite numbers with a comma between them are expected, such as 1,-0.5".into())
        }
    }
}
