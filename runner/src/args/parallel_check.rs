//! The options of `runner parallel-check`.

use clap::ValueEnum;
use minitorch_core::shape::MAX_RANK;

use super::Machine;
use super::number::count;
use crate::error::Failure;

/// The most elements of an operand or a result: 1 GiB.
const MOST: usize = 1 << 28;

/// A kind of loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// One operand, element by element: relu.
    Map,
    /// Two operands, element by element: add.
    Zip,
    /// Axes that are folded: sum.
    Reduce,
    /// A matrix product.
    Matmul,
    /// A convolution.
    Conv,
}

impl Kernel {
    /// All of them, in the order of MiniTorch's check.
    const ALL: [Self; 5] = [Self::Map, Self::Zip, Self::Reduce, Self::Matmul, Self::Conv];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Zip => "zip",
            Self::Reduce => "reduce",
            Self::Matmul => "matmul",
            Self::Conv => "conv",
        }
    }

    /// The sizes without `--shape`.
    const fn sizes(self) -> &'static [usize] {
        match self {
            Self::Map | Self::Zip | Self::Reduce => &[1024, 1024],
            Self::Matmul => &[256, 256, 256],
            // The second convolution of the MNIST network, on a batch of 16.
            Self::Conv => &[16, 4, 28, 28, 8, 3, 3],
        }
    }

    /// How many axes the first operand has.
    const fn axes(self, sizes: usize) -> usize {
        match self {
            Self::Map | Self::Zip | Self::Reduce => sizes,
            Self::Matmul => sizes - 1,
            Self::Conv => 4,
        }
    }
}

/// The options of `runner parallel-check`, as they were typed.
#[derive(clap::Args, Clone, Debug, PartialEq)]
#[command(disable_help_flag = true)]
#[command(mut_arg("backend", |backend| backend.help(
    "Where to compute, rayon or serial; the result is the same to the bit [default: rayon]"
)))]
#[command(
    after_help = "Sizes without --shape: 1024,1024; matmul 256,256,256; conv 16,4,28,28,8,3,3, the MNIST network's second"
)]
pub struct Arguments {
    /// What to look at: map, zip, reduce, matmul, conv; operands need a kernel [default: all of them]
    #[arg(value_name = "KERNEL", value_enum, hide_possible_values = true)]
    kernels: Vec<Kernel>,

    /// Sizes of the operands; of matmul I,K,J or BATCH,I,K,J, of conv B,C,H,W,O,KH,KW
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = size, requires = "kernels")]
    #[arg(allow_hyphen_values = true, help_heading = "Operands")]
    shape: Vec<usize>,

    /// How the axes of the first operand lie in memory, outermost first [default: 0,1,..]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = count, requires = "kernels")]
    #[arg(allow_hyphen_values = true, help_heading = "Operands")]
    permute: Vec<usize>,

    /// Axes along which the second operand of zip has one value
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = count, requires = "kernels")]
    #[arg(allow_hyphen_values = true, help_heading = "Operands")]
    broadcast: Vec<usize>,

    /// Axes that reduce folds [default: the last one]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = count, requires = "kernels")]
    #[arg(allow_hyphen_values = true, help_heading = "Operands")]
    axes: Vec<usize>,

    #[command(flatten)]
    machine: Machine,

    /// Print one JSON object a line instead of text
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[arg(short, long, action = clap::ArgAction::HelpShort, help_heading = "Output")]
    #[arg(help = "Print this help")]
    help: Option<bool>,
}

/// A kernel and its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The kind of loop.
    pub kernel: Kernel,
    /// The axes; of a product `[.., i, k, j]`, of a convolution `[b, c, h, w, o, kh, kw]`.
    pub shape: Vec<usize>,
    /// The axes of the first operand as they lie in memory, outermost first.
    pub order: Vec<usize>,
    /// Axes along which the second operand of zip has one value.
    pub broadcast: Vec<usize>,
    /// Axes that reduce folds.
    pub axes: Vec<usize>,
}

/// Everything `parallel-check` needs to know, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What to look at, in order.
    pub cases: Vec<Case>,
    /// Where it computes: with 1, 2, 4, .. threads, and with as many as this says.
    pub machine: Machine,
    /// Whether to print JSON.
    pub json: bool,
}

impl Arguments {
    /// Fills in what was not said, and checks that the operands make sense.
    ///
    /// # Errors
    ///
    /// [`Failure::usage`] for sizes or axes that do not suit the kernel.
    pub fn resolve(self) -> Result<Settings, Failure> {
        let kernels = if self.kernels.is_empty() {
            Kernel::ALL.to_vec()
        } else {
            self.kernels.clone()
        };
        let cases = kernels.into_iter().map(|kernel| self.case(kernel));
        Ok(Settings {
            cases: cases.collect::<Result<_, _>>()?,
            machine: self.machine,
            json: self.json,
        })
    }

    fn case(&self, kernel: Kernel) -> Result<Case, Failure> {
        let name = kernel.name();
        let shape = or(&self.shape, || kernel.sizes().to_vec());
        let fits = match kernel {
            Kernel::Map | Kernel::Zip | Kernel::Reduce => shape.len() <= MAX_RANK,
            Kernel::Matmul => [3, 4].contains(&shape.len()),
            Kernel::Conv => shape.len() == 7,
        };
        if !fits {
            return Err(Failure::usage(format!(
                "--shape: {name} takes {}",
                match kernel {
                    Kernel::Matmul => "I,K,J or BATCH,I,K,J, for the product of [I, K] and [K, J]",
                    Kernel::Conv =>
                        "B,C,H,W,O,KH,KW, for images [B, C, H, W] and a kernel [O, C, KH, KW]",
                    _ => "one to six sizes",
                }
            )));
        }
        let rank = kernel.axes(shape.len());
        let order = or(&self.permute, || (0..rank).collect());
        if order.len() != rank || !are_axes(&order, rank) {
            return Err(Failure::usage(format!(
                "--permute: each axis of the first operand of {name}, 0 to {}, has to be named once",
                rank - 1
            )));
        }
        let only = |option: &str, of: Kernel, axes: &[usize]| {
            if axes.is_empty() || (kernel == of && are_axes(axes, rank)) {
                return Ok(());
            }
            Err(Failure::usage(if kernel == of {
                let last = rank - 1;
                format!("{option}: {name} has axes 0 to {last}, each to be named once")
            } else {
                format!(
                    "{option}: {name} does not take this option; name {} alone",
                    of.name()
                )
            }))
        };
        only("--broadcast", Kernel::Zip, &self.broadcast)?;
        only("--axes", Kernel::Reduce, &self.axes)?;
        let case = Case {
            kernel,
            shape,
            order,
            broadcast: self.broadcast.clone(),
            axes: or(&self.axes, || vec![rank - 1]),
        };
        let elements = |sizes: &[usize]| {
            sizes
                .iter()
                .try_fold(1usize, |all, &size| all.checked_mul(size))
        };
        let small = |shape: &Vec<usize>| elements(shape).is_some_and(|count| count <= MOST);
        if case.operands().iter().all(small) && small(&case.result()) {
            Ok(case)
        } else {
            Err(Failure::usage(format!(
                "--shape: an operand or the result of {name} would have over {MOST} elements",
            )))
        }
    }
}

impl Case {
    /// The shapes of the operands; without axes for a second one that there is not.
    pub fn operands(&self) -> [Vec<usize>; 2] {
        match (self.kernel, &self.shape[..]) {
            (Kernel::Zip, shape) => [shape.to_vec(), shape.to_vec()],
            (Kernel::Matmul, [lead @ .., i, k, j]) => {
                [[lead, &[*i, *k]].concat(), [lead, &[*k, *j]].concat()]
            }
            (Kernel::Conv, &[b, c, h, w, o, kh, kw]) => [vec![b, c, h, w], vec![o, c, kh, kw]],
            (_, shape) => [shape.to_vec(), vec![]],
        }
    }

    /// The shape of the result.
    pub fn result(&self) -> Vec<usize> {
        match (self.kernel, &self.shape[..]) {
            (Kernel::Reduce, shape) => {
                let kept = (0..shape.len()).filter(|axis| !self.axes.contains(axis));
                kept.map(|axis| shape[axis]).collect()
            }
            (Kernel::Matmul, [lead @ .., i, _, j]) => [lead, &[*i, *j]].concat(),
            (Kernel::Conv, &[b, _, h, w, o, _, _]) => vec![b, o, h, w],
            (_, shape) => shape.to_vec(),
        }
    }
}

/// What was typed, or else what stands for it.
fn or(typed: &[usize], default: impl FnOnce() -> Vec<usize>) -> Vec<usize> {
    if typed.is_empty() {
        default()
    } else {
        typed.to_vec()
    }
}

/// Whether these are axes of a tensor of that rank, each named once.
fn are_axes(axes: &[usize], rank: usize) -> bool {
    (0..axes.len()).all(|at| axes[at] < rank && !axes[..at].contains(&axes[at]))
}

/// A size that is not 0: without elements there is nothing to look at.
fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=MOST).contains(&size) => Ok(size),
        _ => Err(format!("a whole number from 1 to {MOST} is expected")),
    }
}
