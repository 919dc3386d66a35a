//! Tensors: the interface that people use.
//!
//! What computes a tensor has a `try_` form, which returns a `Result`, and a plain form, which panics with the same
//! text. Operators are plain forms. What changes a tensor in place (`try_write`, `try_update`, `try_put`), and
//! constructors of other types, return a `Result` alone: programs call them once, or in a loop that has other errors to
//! hand on. Semantics are NumPy's and PyTorch's: elementwise operations broadcast,
//! `sum(axes)` drops the axes, views share memory, `reshape` copies only when it must.

mod block;
mod construct;
mod conv;
mod display;
mod elementwise;
mod fused;
mod join;
mod linear;
mod matmul;
mod operators;
mod reduce;
mod softmax;
mod update;
mod view;

pub use block::{ConvBlock, Pool};
pub use construct::Index;
pub use conv::Padding;

use crate::autodiff::{Handle, Record, Sink};
use crate::backend::{Backend, View};
use crate::cpu::Cpu;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::shared::Shared;
use alloc::vec::Vec;

/// An array of numbers with up to six axes, on a device, with or without history.
///
/// Cloning shares the memory. See [`crate::autodiff`] for gradients.
///
/// ```
/// use minitorch_core::{Cpu, Tensor};
/// let dev: Cpu = Cpu::default();
/// let a = Tensor::from_slice(&dev, &[1.0, 2.0, 3.0, 4.0], [2, 2]);
/// let b = (&a * 2.0 + 1.0).matmul(&a.transpose(0, 1));
/// assert_eq!(b.to_vec(), [13.0, 29.0, 25.0, 57.0]);
/// ```
pub struct Tensor<B: Backend = Cpu> {
    storage: Shared<Storage<B>>,
    /// Where the elements are, unless they are the whole storage in row-major order.
    view: Option<Shared<Layout>>,
    node: Option<Handle<Self>>,
}

/// The memory of tensors, in one allocation with the layout that most of them have: a tensor itself is a few pointers.
struct Storage<B: Backend> {
    buffer: B::Buffer,
    /// All elements in row-major order.
    layout: Layout,
}

impl<B: Backend> Clone for Tensor<B> {
    fn clone(&self) -> Self {
        Self {
            node: self.node.clone(),
            ..self.detach()
        }
    }
}

impl<B: Backend> Tensor<B> {
    /// The sizes of the axes.
    #[must_use]
    #[inline]
    pub fn shape(&self) -> &Shape {
        self.layout().shape()
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shape().rank()
    }

    /// The number of elements.
    #[must_use]
    #[doc(alias = "numel")]
    pub fn elements(&self) -> usize {
        self.layout().elements()
    }

    /// Where in the buffer the elements are.
    #[must_use]
    #[inline]
    pub fn layout(&self) -> &Layout {
        self.view.as_deref().unwrap_or(&self.storage.layout)
    }

    /// The device that the elements are on.
    #[must_use]
    #[inline]
    pub fn device(&self) -> &B {
        B::of(&self.storage.buffer)
    }

    /// The same elements without history: what is computed from the result is not differentiated through it.
    #[must_use]
    #[inline]
    pub fn detach(&self) -> Self {
        Self {
            storage: self.storage.clone(),
            view: self.view.clone(),
            node: None,
        }
    }

    /// The same elements as a leaf: gradients of what is computed from the result reach it.
    ///
    /// # Panics
    /// If memory is out.
    #[must_use]
    #[track_caller]
    pub fn tracked(&self) -> Self {
        self.try_tracked().or_raise()
    }

    /// As [`Tensor::tracked`].
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub fn try_tracked(&self) -> Result<Self> {
        let node = Record::handle(
            "leaf",
            *self.shape(),
            [],
            |_, _: &mut Sink<'_, Self>| Ok(()),
        )?;
        Ok(Self {
            node: Some(node),
            ..self.detach()
        })
    }

    /// Whether gradients flow to or through this tensor.
    #[must_use]
    pub const fn is_tracked(&self) -> bool {
        self.node.is_some()
    }

    /// Copies the elements to the host, in row-major order.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_to_vec(&self) -> Result<Vec<B::Elem>> {
        let plain = self.detach();
        // A download starts with the first element of a buffer: what lies in front of a view would come along.
        let leading = match plain.is_leading() {
            true => plain,
            false => plain.try_copied()?,
        };
        let mut out = host::filled("to_vec", leading.elements(), B::Elem::ZERO)?;
        self.device().download(&leading.storage.buffer, &mut out)?;
        Ok(out)
    }

    /// The value of a tensor of one element.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if there is more or less than one element.
    pub fn try_item(&self) -> Result<B::Elem> {
        match *self.try_to_vec()? {
            [value] => Ok(value),
            _ => Err(Error::between(ErrorKind::Size, "item", self.shape(), &[])
                .advise("item() is for tensors of one element; use to_vec()")),
        }
    }

    /// Whether the elements are the first ones of the buffer, in row-major order.
    fn is_leading(&self) -> bool {
        self.layout().is_contiguous() && self.layout().offset() == 0
    }

    #[inline]
    pub(crate) fn view(&self) -> View<'_, B> {
        View {
            buffer: &self.storage.buffer,
            layout: *self.layout(),
        }
    }

    pub(crate) const fn node(&self) -> Option<&Handle<Self>> {
        self.node.as_ref()
    }

    pub(crate) fn into_node(self) -> Option<Handle<Self>> {
        self.node
    }

    /// The buffer, if no other tensor shares it.
    pub(crate) fn unique_buffer(&mut self) -> Option<&mut B::Buffer> {
        self.unique_memory().map(|(buffer, _)| buffer)
    }

    /// As [`Tensor::unique_buffer`], with the layout.
    fn unique_memory(&mut self) -> Option<(&mut B::Buffer, &Layout)> {
        let Storage { buffer, layout } = Shared::get_mut(&mut self.storage)?;
        Some((buffer, self.view.as_deref().unwrap_or(layout)))
    }

    /// A tensor without history in a new, dense buffer.
    #[inline(always)]
    pub(crate) fn dense(buffer: B::Buffer, shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        Layout::check(&shape)?;
        let layout = Layout::row_major(shape);
        let storage = Shared::try_new(Storage { buffer, layout })
            .map_err(|_| Error::about(ErrorKind::Memory, "allocate", &shape))?;
        Ok(Self {
            storage,
            view: None,
            node: None,
        })
    }

    /// The same memory under another layout, without history.
    pub(crate) fn with_layout(&self, layout: Layout) -> Result<Self> {
        let view = (layout != self.storage.layout)
            .then(|| Shared::try_new(layout))
            .transpose()
            .map_err(|_| Error::about(ErrorKind::Memory, "view", layout.shape()))?;
        Ok(Self {
            storage: self.storage.clone(),
            view,
            node: None,
        })
    }

    /// Whether an operation on these operands has a node.
    pub(crate) fn is_recorded<const N: usize>(operands: [&Self; N]) -> bool {
        operands.iter().any(|operand| operand.is_tracked())
    }

    /// This result, with the node of the operation `op` if one of its operands is tracked. Only then `rule` is made,
    /// with whatever it saves.
    #[inline(always)]
    pub(crate) fn recorded<const N: usize, F>(
        mut self,
        op: &'static str,
        operands: [&Self; N],
        rule: impl FnOnce() -> F,
    ) -> Result<Self>
    where
        F: Fn(Self, &mut Sink<'_, Self>) -> Result<()> + Send + Sync + 'static,
    {
        if Self::is_recorded(operands) {
            self.node = Some(Record::handle(
                op,
                *self.shape(),
                operands.map(|operand| operand.node.clone()),
                rule(),
            )?);
        }
        Ok(self)
    }

    /// As [`Tensor::recorded`], for any number of operands.
    pub(crate) fn recorded_many<F>(
        mut self,
        op: &'static str,
        operands: &[Self],
        rule: impl FnOnce() -> F,
    ) -> Result<Self>
    where
        F: Fn(Self, &mut Sink<'_, Self>) -> Result<()> + Send + Sync + 'static,
    {
        if operands.iter().any(Self::is_tracked) {
            let parents: Vec<_> = operands
                .iter()
                .map(|operand| operand.node.clone())
                .collect();
            self.node = Some(Record::handle(op, *self.shape(), parents, rule())?);
        }
        Ok(self)
    }
}

/// The plain form of a method that can fail: its value, or a panic with the text of the error, at the caller's line.
///
/// A closure would lose that line, so this is a method.
pub(crate) trait OrRaise<T> {
    #[track_caller]
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Writes the plain form of each listed method.
macro_rules! plain_forms {
    ($(fn $name:ident = $try_name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*) => {
        /// The plain forms: they panic with the text of the error that the `try_` form returns.
        impl<B: Backend> Tensor<B> {$(
            #[doc = concat!("As [`Tensor::", stringify!($try_name), "`].")]
            ///
            /// # Panics
            /// With the text of the error.
            #[must_use]
            #[track_caller]
            pub fn $name(&self $(, $arg: $type)*) -> $out {
                $crate::tensor::OrRaise::or_raise(self.$try_name($($arg),*))
            }
        )*}
    };
}
pub(crate) use plain_forms;

plain_forms! {
    fn to_vec = try_to_vec() -> Vec<B::Elem>;
    fn item = try_item() -> B::Elem;
}
