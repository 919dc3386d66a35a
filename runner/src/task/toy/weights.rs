//! The initial weights of the network, which are the same whatever engine computes with them.

use minitorch_core::Generator;

use crate::args::toy::{Recipe, Start};
use crate::data::{Pattern, Point, PythonRandom};

/// A fully connected layer on the host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dense {
    /// `[outputs, inputs]`, row-major.
    pub(super) weight: Vec<f64>,
    /// `[outputs]`.
    pub(super) bias: Vec<f64>,
}

impl Dense {
    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn inputs(&self) -> usize {
        self.weight.len() / self.outputs()
    }

    /// A layer whose weights `start` makes out of numbers in `[0, 1)`, drawn in MiniTorch's order: input by input, and
    /// the bias last.
    fn draw(inputs: usize, outputs: usize, start: Start, uniform: &mut dyn FnMut() -> f64) -> Self {
        let mut weight = vec![0.0; inputs * outputs];
        for input in 0..inputs {
            for output in 0..outputs {
                weight[output * inputs + input] = start.weight(uniform());
            }
        }
        let bias = match start {
            Start::Wide => (0..outputs).map(|_| start.weight(uniform())).collect(),
            Start::Narrow => vec![0.1; outputs],
        };
        Self { weight, bias }
    }
}

/// The layers 2 -> hidden -> hidden -> 1.
pub(super) type Weights = [Dense; 3];

/// The points and the initial weights of a run: all that chance decides, apart from the order of batches.
///
/// MiniTorch draws both from one stream of Python's random numbers, and makes its network twice, of which the second one
/// is trained.
pub(super) fn draw(
    pattern: Pattern,
    count: usize,
    seed: u64,
    recipe: &Recipe,
) -> (Vec<Point>, Weights) {
    if recipe.python {
        let mut random = PythonRandom::new(seed);
        let points = pattern.points(count, || random.uniform());
        let mut layers = || layers(recipe, &mut || random.uniform());
        layers();
        (points, layers())
    } else {
        let mut rng = Generator::new(seed);
        let points = pattern.points(count, || rng.uniform());
        (points, layers(recipe, &mut || rng.uniform()))
    }
}

fn layers(recipe: &Recipe, uniform: &mut dyn FnMut() -> f64) -> Weights {
    let hidden = recipe.hidden;
    [(2, hidden), (hidden, hidden), (hidden, 1)]
        .map(|(inputs, outputs)| Dense::draw(inputs, outputs, recipe.start, uniform))
}
