//! Elementwise operations, from the tables in [`crate::ops`].

use super::{Tensor, plain_forms};
use crate::autodiff::Sink;
use crate::backend::Backend;
use crate::error::Result;
use crate::ops::special::Where;
use crate::ops::unary::{AddScalar, Clamp, DivFrom, DivScalar, MulScalar, Neg, PowScalar, SubFrom};
use crate::ops::{Binary, Grad, GradLeft, GradRight, Op, Saves, Slope, Unary, binary, unary};
use crate::shape::shape_broadcast;
use crate::{with_binary_ops, with_unary_ops};

impl<B: Backend> Tensor<B> {
    /// Applies an operation to each element, with its gradient: MiniTorch's `map`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_map<O: Unary>(&self, op: O) -> Result<Self> {
        let out = Self::map_plain(op, [self])?;
        if !self.is_tracked() {
            return Ok(out);
        }
        let saved = match O::SAVES {
            Saves::Input => self.detach(),
            Saves::Output => out.clone(),
        };
        out.recorded(O::NAME, [self], || {
            move |grad: Self, sink| sink.add(0, || grad.updated(Grad(op), [&saved]))
        })
    }

    /// Applies an operation to the elements of two tensors, broadcast to a common shape, with its gradients:
    /// MiniTorch's `zip`.
    ///
    /// # Errors
    /// [`ErrorKind::Broadcast`](crate::ErrorKind::Broadcast) if the shapes do not go together.
    pub fn try_zip<O: Binary>(&self, other: &Self, op: O) -> Result<Self> {
        let expanded = self.broadcast(other, O::NAME)?;
        let [left, right] = match &expanded {
            Some([left, right]) => [left, right],
            None => [self, other],
        };
        let out = Self::map_plain(op, [left, right])?;
        // An operand that the result does not change with is no part of its history.
        let operands = [self, other];
        let plain: [Option<Self>; 2] = core::array::from_fn(|side| {
            (O::SLOPES[side] == Slope::Zero).then(|| operands[side].detach())
        });
        let operands: [&Self; 2] =
            core::array::from_fn(|side| plain[side].as_ref().unwrap_or(operands[side]));
        let spread = |grad: &Self, side: usize, sink: &mut Sink<'_, Self>| match O::SLOPES[side] {
            Slope::One => sink.add(side, || Ok(grad.clone())),
            Slope::MinusOne => sink.add(side, || grad.try_map(Neg)),
            Slope::Zero | Slope::Depends => Ok(()),
        };
        if !O::SLOPES.contains(&Slope::Depends) {
            // What no rule reads is not kept alive.
            return out.recorded(O::NAME, operands, || {
                move |grad: Self, sink: &mut Sink<'_, Self>| {
                    spread(&grad, 0, sink)?;
                    match O::SLOPES[1] {
                        // The last use: moved, not cloned.
                        Slope::One => sink.add(1, || Ok(grad)),
                        _ => spread(&grad, 1, sink),
                    }
                }
            });
        }
        out.recorded(O::NAME, operands, || {
            let (a, b) = (left.detach(), right.detach());
            move |grad: Self, sink: &mut Sink<'_, Self>| {
                let views = || [a.view(), b.view(), grad.view()];
                let device = grad.device();
                for side in 0..2 {
                    spread(&grad, side, sink)?;
                }
                if O::SLOPES[0] == Slope::Depends {
                    sink.add(0, || {
                        Self::dense(device.map(GradLeft(op), views())?, grad.shape())
                    })?;
                }
                if O::SLOPES[1] == Slope::Depends {
                    sink.add(1, || {
                        Self::dense(device.map(GradRight(op), views())?, grad.shape())
                    })?;
                }
                Ok(())
            }
        })
    }

    /// Both operands, expanded to their common shape, unless they have one already.
    #[inline]
    fn broadcast(&self, other: &Self, op: &'static str) -> Result<Option<[Self; 2]>> {
        if self.shape() == other.shape() {
            return Ok(None);
        }
        let shape =
            shape_broadcast(self.shape(), other.shape()).map_err(|error| error.in_op(op))?;
        let expand = |tensor: &Self| tensor.with_layout(tensor.layout().expand(shape)?);
        Ok(Some([expand(self)?, expand(other)?]))
    }

    /// Applies an operation without gradient to tensors of one shape.
    #[inline(always)]
    pub(crate) fn map_plain<const N: usize, O: Op<N>>(op: O, operands: [&Self; N]) -> Result<Self> {
        let first = operands[0];
        Self::dense(
            first.device().map(op, operands.map(Self::view))?,
            first.shape(),
        )
    }

    /// `yes` where this tensor is not 0, else `no`, all broadcast to a common shape. The condition has no gradient.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// let dev: Cpu = Cpu::default();
    /// let x = Tensor::arange(&dev, -1.0, 3, 1.0);
    /// let zero = Tensor::zeros(&dev, [1]);
    /// assert_eq!(x.gt(&zero).where_else(&x, &(&x * 0.1)).to_vec(), [-0.1, 0.0, 1.0]);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Broadcast`](crate::ErrorKind::Broadcast) if the shapes do not go together.
    #[doc(alias("where", "where_cond"))]
    pub fn try_where_else(&self, yes: &Self, no: &Self) -> Result<Self> {
        let shape = shape_broadcast(self.shape(), yes.shape())
            .and_then(|shape| shape_broadcast(&shape, no.shape()))
            .map_err(|error| error.in_op("where"))?;
        let expand = |tensor: &Self| tensor.with_layout(tensor.layout().expand(shape)?);
        let condition = expand(self)?;
        let out = Self::map_plain(Where, [&condition, &expand(yes)?, &expand(no)?])?;
        out.recorded("where", [yes, no], || {
            move |grad, sink| {
                let zero = Self::try_zeros(grad.device(), [])?.try_expand(grad.shape())?;
                sink.add(0, || Self::map_plain(Where, [&condition, &grad, &zero]))?;
                sink.add(1, || Self::map_plain(Where, [&condition, &zero, &grad]))
            }
        })
    }

    /// `self + c`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_add_scalar(&self, c: f64) -> Result<Self> {
        self.try_map(AddScalar { c })
    }

    /// `c - self`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_sub_from(&self, c: f64) -> Result<Self> {
        self.try_map(SubFrom { c })
    }

    /// `self * c`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_mul_scalar(&self, c: f64) -> Result<Self> {
        self.try_map(MulScalar { c })
    }

    /// `self / c`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_div_scalar(&self, c: f64) -> Result<Self> {
        self.try_map(DivScalar { c })
    }

    /// `c / self`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_div_from(&self, c: f64) -> Result<Self> {
        self.try_map(DivFrom { c })
    }

    /// `self` to the power of `c`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_powf(&self, c: f64) -> Result<Self> {
        self.try_map(PowScalar { c })
    }

    /// `self` limited to `low..=high`; the gradient is 0 outside, and passes at the limits (in PyTorch 2.15 it does
    /// not). If `low` is above `high`, what is below `low` becomes `low` (in PyTorch `high`, as does all).
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_clamp(&self, low: f64, high: f64) -> Result<Self> {
        self.try_map(Clamp { low, high })
    }
}

plain_forms! {
    fn where_else = try_where_else(yes: &Self, no: &Self) -> Self;
    fn add_scalar = try_add_scalar(c: f64) -> Self;
    fn sub_from = try_sub_from(c: f64) -> Self;
    fn mul_scalar = try_mul_scalar(c: f64) -> Self;
    fn div_scalar = try_div_scalar(c: f64) -> Self;
    fn div_from = try_div_from(c: f64) -> Self;
    fn powf = try_powf(c: f64) -> Self;
    fn clamp = try_clamp(low: f64, high: f64) -> Self;
    fn map = try_map(op: impl Unary) -> Self;
    fn zip = try_zip(other: &Self, op: impl Binary) -> Self;
}

macro_rules! unary_methods {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident on ($low:expr, $high:expr)
        eval($x:ident) $eval:block c $c:literal
        grad($saves:ident, $s:ident, $g:ident) $grad:block c $grad_c:literal;)*) => {
        /// Operations on one operand, from the table in [`crate::ops::unary`].
        impl<B: Backend> Tensor<B> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// Those of the device.
            pub fn $try_method(&self) -> Result<Self> {
                self.try_map(unary::$name)
            }
        )*}
        plain_forms! { $(fn $method = $try_method() -> Self;)* }
    };
}
with_unary_ops!(unary_methods);

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident $method:ident $try_method:ident
        eval($a:ident, $b:ident) $eval:block c $c:literal
        slopes($left:ident, $right:ident)
        grads($ga:ident, $gb:ident, $g:ident) $grads:block c [$left_c:literal, $right_c:literal];)*) => {
        /// Operations on two operands, from the table in [`crate::ops::binary`]; `a` is this tensor, `b` the other.
        impl<B: Backend> Tensor<B> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Broadcast`](crate::ErrorKind::Broadcast) if the shapes do not go together.
            pub fn $try_method(&self, other: &Self) -> Result<Self> {
                self.try_zip(other, binary::$name)
            }
        )*}
        plain_forms! { $(fn $method = $try_method(other: &Self) -> Self;)* }
    };
}
with_binary_ops!(binary_methods);
