//! Losses: how far a model is from what it should say, as one number.
//!
//! All take the mean over the batch, and return a tensor without axes. The elementwise ones need operands of one shape;
//! they do not broadcast, since a broadcast loss is nearly always a mistake.

use crate::backend::Backend;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::isa::Isa;
use crate::ops::{Binary, Op, Slope};
use crate::tensor::{Index, OrRaise, Tensor};

/// Negative log-likelihood: the mean of `-log_p[i, labels[i]]`.
///
/// `log_p` `[b, classes]` holds log-probabilities, as [`Tensor::try_log_softmax`] gives them.
///
/// # Errors
/// [`ErrorKind::Rank`] if `log_p` is not a matrix; [`ErrorKind::Size`] if there are not as many labels as rows, or no
/// classes; [`ErrorKind::Index`] if a label is not below `classes`.
pub fn try_nll<B: Backend>(log_p: &Tensor<B>, labels: &Index<B>) -> Result<Tensor<B>> {
    negative_log_likelihood("nll", log_p, labels)
}

/// Cross-entropy of `softmax(logits)`: `nll(log_softmax(logits), labels)`, for `logits` `[b, classes]`.
///
/// ```
/// use minitorch_core::nn::cross_entropy;
/// use minitorch_core::{Cpu, Index, Tensor};
/// let dev: Cpu = Cpu::default();
/// let loss = cross_entropy(&Tensor::zeros(&dev, [3, 10]), &Index::new(&dev, &[1, 2, 3])?);
/// assert!((loss.item() - 10f32.ln()).abs() < 1e-6); // no idea yet: log(10)
/// # Ok::<(), minitorch_core::Error>(())
/// ```
///
/// # Errors
/// As [`try_nll`].
pub fn try_cross_entropy<B: Backend>(logits: &Tensor<B>, labels: &Index<B>) -> Result<Tensor<B>> {
    if logits.rank() != 2 {
        return Err(not_a_matrix("cross_entropy", logits));
    }
    negative_log_likelihood("cross_entropy", &logits.try_log_softmax(1)?, labels)
}

fn negative_log_likelihood<B: Backend>(
    op: &'static str,
    log_p: &Tensor<B>,
    labels: &Index<B>,
) -> Result<Tensor<B>> {
    if log_p.rank() != 2 {
        return Err(not_a_matrix(op, log_p));
    }
    let [count, classes, _] = log_p
        .around(op, 1)
        .map_err(|error| error.advise("there is no class; at least one is needed: [b, classes]"))?;
    let checked = labels.checked(op, count, classes)?;
    let loss = Tensor::dense(log_p.device().nll(log_p.view(), checked)?, [])?;
    loss.recorded(op, [log_p], || {
        let labels = labels.clone();
        move |grad: Tensor<B>, sink| {
            sink.add(0, || {
                let (labels, shape) = (labels.checked(op, count, classes)?, [count, classes]);
                Tensor::dense(grad.device().nll_grad(grad.view(), labels, shape)?, shape)
            })
        }
    })
}

fn not_a_matrix<B: Backend>(op: &'static str, x: &Tensor<B>) -> Error {
    Error::about(ErrorKind::Rank, op, x.shape()).advise("two axes are needed: [b, classes]")
}

/// Binary cross-entropy of probabilities: the mean of `-(t log p + (1 - t) log(1 - p))`.
///
/// As in PyTorch, logarithms below -100 count as -100, so a wrong answer given with certainty costs 100, and the
/// gradient's denominator `p (1 - p)` is at least `1e-12`. The gradient by the target keeps to that limit, too, where
/// PyTorch's is infinite. [`try_bce_with_logits`] needs neither.
///
/// # Errors
/// [`ErrorKind::Shape`] if the shapes differ.
pub fn try_bce<B: Backend>(p: &Tensor<B>, target: &Tensor<B>) -> Result<Tensor<B>> {
    same_shape("bce", p, target)?;
    p.try_zip(target, Bce)?.try_mean_all()
}

/// Binary cross-entropy of `sigmoid(x)`: the mean of `max(x, 0) - x t + log(1 + exp(-|x|))`, which does not overflow.
///
/// ```
/// use minitorch_core::nn::{bce, bce_with_logits};
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let (x, t) = (Tensor::from_slice(&dev, &[0.5, -1.0], [2]), Tensor::from_slice(&dev, &[1.0, 0.0], [2]));
/// assert!((bce_with_logits(&x, &t).item() - bce(&x.sigmoid(), &t).item()).abs() < 1e-6);
/// ```
///
/// # Errors
/// [`ErrorKind::Shape`] if the shapes differ.
pub fn try_bce_with_logits<B: Backend>(x: &Tensor<B>, target: &Tensor<B>) -> Result<Tensor<B>> {
    same_shape("bce_with_logits", x, target)?;
    x.try_zip(target, BceWithLogits)?.try_mean_all()
}

/// Mean squared error: the mean of `(x - t)^2`.
///
/// # Errors
/// [`ErrorKind::Shape`] if the shapes differ.
pub fn try_mse<B: Backend>(x: &Tensor<B>, target: &Tensor<B>) -> Result<Tensor<B>> {
    same_shape("mse", x, target)?;
    x.try_sub(target)?.try_square()?.try_mean_all()
}

fn same_shape<B: Backend>(op: &'static str, x: &Tensor<B>, target: &Tensor<B>) -> Result<()> {
    if x.shape() == target.shape() {
        return Ok(());
    }
    Err(
        Error::between(ErrorKind::Shape, op, x.shape(), target.shape())
            .advise("a loss needs as many results as targets"),
    )
}

macro_rules! plain_losses {
    ($($name:ident = $try_name:ident($x:ident, $target:ident: &$type:ident<B>);)*) => {$(
        #[doc = concat!("As [`", stringify!($try_name), "`].")]
        ///
        /// # Panics
        /// With the text of the error.
        #[must_use]
        #[track_caller]
        pub fn $name<B: Backend>($x: &Tensor<B>, $target: &$type<B>) -> Tensor<B> {
            $try_name($x, $target).or_raise()
        }
    )*};
}

plain_losses! {
    nll = try_nll(log_p, labels: &Index<B>);
    cross_entropy = try_cross_entropy(logits, labels: &Index<B>);
    bce = try_bce(p, target: &Tensor<B>);
    bce_with_logits = try_bce_with_logits(x, target: &Tensor<B>);
    mse = try_mse(x, target: &Tensor<B>);
}

/// `-(t log p + (1 - t) log(1 - p))` of a probability and a target, see [`try_bce`].
#[derive(Clone, Copy, Debug)]
pub struct Bce;

impl Bce {
    /// The logarithms of `p` and `1 - p`, not below -100.
    #[inline(always)]
    fn logs<I: Isa, E: Element>(p: E) -> [E; 2] {
        let floor = E::from_f64(-100.0);
        [p, E::ONE - p].map(|p| E::maximum(p.log::<I>(), floor))
    }
}

impl Op<2> for Bce {
    const NAME: &'static str = "bce";
    const C: &'static str =
        "-(x1 * mt_max(mt_log(x0), (real)-100) + (1 - x1) * mt_max(mt_log(1 - x0), (real)-100))";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [p, t]: [E; 2]) -> E {
        let [yes, no] = Self::logs::<I, E>(p);
        -(t * yes + (E::ONE - t) * no)
    }
}

impl Binary for Bce {
    const SLOPES: [Slope; 2] = [Slope::Depends; 2];
    const GRADS_C: [&'static str; 2] = [
        "x2 * ((x0 - x1) / mt_max(x0 * (1 - x0), (real)1e-12))",
        "x2 * (mt_max(mt_log(1 - x0), (real)-100) - mt_max(mt_log(x0), (real)-100))",
    ];

    #[inline(always)]
    fn grads<I: Isa, E: Element>(self, p: E, t: E, g: E) -> [E; 2] {
        let [yes, no] = Self::logs::<I, E>(p);
        let variance = E::maximum(p * (E::ONE - p), E::from_f64(1e-12));
        [g * ((p - t) / variance), g * (no - yes)]
    }
}

/// `max(x, 0) - x t + log(1 + exp(-|x|))` of a logit and a target, see [`try_bce_with_logits`].
#[derive(Clone, Copy, Debug)]
pub struct BceWithLogits;

impl Op<2> for BceWithLogits {
    const NAME: &'static str = "bce_with_logits";
    const C: &'static str = "(mt_max(x0, (real)0) - x0 * x1) + mt_log(1 + mt_exp(-mt_abs(x0)))";

    #[inline(always)]
    fn eval<I: Isa, E: Element>(self, [x, t]: [E; 2]) -> E {
        let rest = (E::ONE + (-x.abs()).exp::<I>()).log::<I>();
        (E::maximum(x, E::ZERO) - x * t) + rest
    }
}

impl Binary for BceWithLogits {
    const SLOPES: [Slope; 2] = [Slope::Depends; 2];
    const GRADS_C: [&'static str; 2] = ["x2 * (mt_sigmoid(x0) - x1)", "x2 * -x0"];

    #[inline(always)]
    fn grads<I: Isa, E: Element>(self, x: E, t: E, g: E) -> [E; 2] {
        [g * (x.sigmoid::<I>() - t), g * -x]
    }
}
