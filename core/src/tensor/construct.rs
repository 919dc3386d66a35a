//! Making tensors.

use super::{OrRaise, Tensor};
use crate::backend::Backend;
use crate::cpu::Cpu;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::host;
use crate::layout::Layout;
use crate::random::Generator;
use crate::shape::Shape;
use crate::shared::Shared;
use alloc::vec::Vec;

impl<B: Backend> Tensor<B> {
    /// A tensor with the elements of `data`, in row-major order.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if `data` has another number of elements than `shape`.
    pub fn try_from_slice(device: &B, data: &[B::Elem], shape: impl Into<Shape>) -> Result<Self> {
        Self::uploaded(device, data, shape.into())
    }

    // Forms of a shape differ from caller to caller; what is done with one is the same code for all of them.

    fn uploaded(device: &B, data: &[B::Elem], shape: Shape) -> Result<Self> {
        if shape.elements() != Some(data.len()) {
            return Err(Error::between(
                ErrorKind::Size,
                "from_slice",
                &[data.len()],
                &shape,
            ));
        }
        Self::dense(device.upload(data)?, shape)
    }

    /// A tensor filled with `value`.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if the number of elements overflows; [`ErrorKind::Memory`].
    pub fn try_full(device: &B, shape: impl Into<Shape>, value: f64) -> Result<Self> {
        Self::filled(device, shape.into(), value)
    }

    fn filled(device: &B, shape: Shape, value: f64) -> Result<Self> {
        let layout = Layout::contiguous(shape)?;
        Self::dense(
            device.full(layout.elements(), B::Elem::from_f64(value))?,
            layout.shape(),
        )
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// As [`Tensor::try_full`].
    pub fn try_zeros(device: &B, shape: impl Into<Shape>) -> Result<Self> {
        Self::try_full(device, shape, 0.0)
    }

    /// A tensor of ones.
    ///
    /// # Errors
    /// As [`Tensor::try_full`].
    pub fn try_ones(device: &B, shape: impl Into<Shape>) -> Result<Self> {
        Self::try_full(device, shape, 1.0)
    }

    /// `count` numbers from `start` on, `step` apart: element `i` is `start + i * step`, computed in `f64`.
    ///
    /// # Errors
    /// As [`Tensor::try_full`].
    pub fn try_arange(device: &B, start: f64, count: usize, step: f64) -> Result<Self> {
        Layout::contiguous(count)?;
        let mut values: Vec<B::Elem> = host::reserved("arange", count)?;
        values.extend((0..count).map(|i| B::Elem::from_f64(start + i as f64 * step)));
        Self::try_from_slice(device, &values, count)
    }

    /// Uniform random numbers in `[0, 1)`, multiples of `2^-24`; moves `rng` on by one output an element.
    ///
    /// # Errors
    /// As [`Tensor::try_full`].
    pub fn try_rand(device: &B, shape: impl Into<Shape>, rng: &mut Generator) -> Result<Self> {
        Self::uniform(device, shape.into(), rng)
    }

    fn uniform(device: &B, shape: Shape, rng: &mut Generator) -> Result<Self> {
        let layout = Layout::contiguous(shape)?;
        let buffer = device.uniform(layout.elements(), rng)?;
        rng.skip(layout.elements() as u64);
        Self::dense(buffer, layout.shape())
    }

    /// Normal random numbers of mean 0 and variance 1; moves `rng` on by two outputs an element.
    ///
    /// # Errors
    /// As [`Tensor::try_full`].
    pub fn try_randn(device: &B, shape: impl Into<Shape>, rng: &mut Generator) -> Result<Self> {
        Self::normal(device, shape.into(), rng)
    }

    fn normal(device: &B, shape: Shape, rng: &mut Generator) -> Result<Self> {
        let layout = Layout::contiguous(shape)?;
        let buffer = device.normal(layout.elements(), rng)?;
        rng.skip(layout.elements() as u64 * 2);
        Self::dense(buffer, layout.shape())
    }

    /// Overwrites the elements with `data`, in row-major order, in place: what a data loader does with its batch.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if `data` has another number of elements; [`ErrorKind::Argument`] if this tensor was computed
    /// from tracked ones, if it is a view other than the beginning of its memory in row-major order, or if another tensor
    /// or a graph shares the memory.
    pub fn try_write(&mut self, data: &[B::Elem]) -> Result<()> {
        if data.len() != self.elements() {
            return Err(Error::between(
                ErrorKind::Size,
                "write",
                &[data.len()],
                self.shape(),
            ));
        }
        self.refuse_computed("write")?;
        let refused = |detail| Error::new(ErrorKind::Argument, "write", detail);
        if !self.is_leading() {
            return Err(refused(
                "this view is not the beginning of its memory in row-major order; write to a copy",
            ));
        }
        let device = self.device().clone();
        let shared = refused("the memory is shared; drop the other tensors first");
        device.write(self.unique_buffer().ok_or(shared)?, data)
    }
}

impl<B: Backend> Tensor<B> {
    /// As [`Tensor::try_from_slice`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn from_slice(device: &B, data: &[B::Elem], shape: impl Into<Shape>) -> Self {
        Self::try_from_slice(device, data, shape).or_raise()
    }

    /// As [`Tensor::try_full`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn full(device: &B, shape: impl Into<Shape>, value: f64) -> Self {
        Self::try_full(device, shape, value).or_raise()
    }

    /// As [`Tensor::try_zeros`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn zeros(device: &B, shape: impl Into<Shape>) -> Self {
        Self::try_zeros(device, shape).or_raise()
    }

    /// As [`Tensor::try_ones`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn ones(device: &B, shape: impl Into<Shape>) -> Self {
        Self::try_ones(device, shape).or_raise()
    }

    /// As [`Tensor::try_arange`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn arange(device: &B, start: f64, count: usize, step: f64) -> Self {
        Self::try_arange(device, start, count, step).or_raise()
    }

    /// As [`Tensor::try_rand`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn rand(device: &B, shape: impl Into<Shape>, rng: &mut Generator) -> Self {
        Self::try_rand(device, shape, rng).or_raise()
    }

    /// As [`Tensor::try_randn`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn randn(device: &B, shape: impl Into<Shape>, rng: &mut Generator) -> Self {
        Self::try_randn(device, shape, rng).or_raise()
    }
}

impl<E: Element> Tensor<Cpu<E>> {
    /// A tensor that reads `data` where it lies, such as weights in flash. It is copied when first changed in place.
    ///
    /// ```
    /// use minitorch_core::{Cpu, Tensor};
    /// static WEIGHTS: [f32; 4] = [1.0, 2.0, 3.0, 4.0];
    /// let dev: Cpu = Cpu::default();
    /// let w = Tensor::try_from_static(&dev, &WEIGHTS, [2, 2])?;
    /// assert_eq!(w.matmul(&w).to_vec(), [7.0, 10.0, 15.0, 22.0]);
    /// # Ok::<(), minitorch_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if `data` has another number of elements than `shape`.
    pub fn try_from_static(
        device: &Cpu<E>,
        data: &'static [E],
        shape: impl Into<Shape>,
    ) -> Result<Self> {
        let shape = shape.into();
        if shape.elements() != Some(data.len()) {
            return Err(Error::between(
                ErrorKind::Size,
                "from_static",
                &[data.len()],
                &shape,
            ));
        }
        Self::dense(device.borrow_static(data), shape)
    }
}

/// Whole numbers on a device: class labels, words.
///
/// ```
/// use minitorch_core::{Cpu, Index, Tensor};
/// let dev: Cpu = Cpu::default();
/// let labels = Index::new(&dev, &[2, 0])?;
/// assert_eq!(Tensor::one_hot(&dev, &labels, 3).to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
/// # Ok::<(), minitorch_core::Error>(())
/// ```
pub struct Index<B: Backend> {
    buffer: Shared<B::Index>,
    device: B,
    count: usize,
    /// The largest number: compared once with the size of what is indexed.
    largest: Option<u32>,
}

impl<B: Backend> core::fmt::Debug for Index<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Index[{}]", self.count)
    }
}

impl<B: Backend> Clone for Index<B> {
    fn clone(&self) -> Self {
        Self {
            buffer: self.buffer.clone(),
            device: self.device.clone(),
            ..*self
        }
    }
}

impl<B: Backend> Index<B> {
    /// The numbers of `data`.
    ///
    /// # Errors
    /// [`ErrorKind::Memory`].
    pub fn new(device: &B, data: &[u32]) -> Result<Self> {
        let largest = data.iter().max().copied();
        Self::wrap(device, device.upload_index(data)?, data.len(), largest)
    }

    /// Overwrites the numbers in place: what a data loader does with its labels.
    ///
    /// # Errors
    /// [`ErrorKind::Size`] if `data` has another length; [`ErrorKind::Argument`] if the memory is shared with a graph
    /// or another index.
    pub fn try_write(&mut self, data: &[u32]) -> Result<()> {
        if data.len() != self.count {
            return Err(Error::between(
                ErrorKind::Size,
                "write",
                &[data.len()],
                &[self.count],
            ));
        }
        let Some(buffer) = Shared::get_mut(&mut self.buffer) else {
            return Err(Error::new(
                ErrorKind::Argument,
                "write",
                "the memory is shared; drop the other users first",
            ));
        };
        self.device.write_index(buffer, data)?;
        self.largest = data.iter().max().copied();
        Ok(())
    }

    /// Numbers that the device computed, none above `largest`.
    pub(crate) fn wrap(
        device: &B,
        buffer: B::Index,
        count: usize,
        largest: Option<u32>,
    ) -> Result<Self> {
        let buffer = Shared::try_new(buffer)
            .map_err(|_| Error::about(ErrorKind::Memory, "index", &[count]))?;
        Ok(Self {
            buffer,
            device: device.clone(),
            count,
            largest,
        })
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Copies the numbers to the host.
    ///
    /// # Errors
    /// Those of the device.
    pub fn try_to_vec(&self) -> Result<Vec<u32>> {
        let mut out = host::filled("to_vec", self.count, 0)?;
        self.device.download_index(&self.buffer, &mut out)?;
        Ok(out)
    }

    /// As [`Index::try_to_vec`].
    ///
    /// # Panics
    /// With the text of the error.
    #[must_use]
    #[track_caller]
    pub fn to_vec(&self) -> Vec<u32> {
        self.try_to_vec().or_raise()
    }

    /// The buffer, for `count` places among `size` things.
    pub(crate) fn checked(&self, op: &'static str, count: usize, size: usize) -> Result<&B::Index> {
        if self.count != count {
            return Err(Error::between(ErrorKind::Size, op, &[self.count], &[count])
                .advise("as many numbers are needed as there are rows"));
        }
        if let Some(largest) = self.largest.filter(|&largest| largest as usize >= size) {
            return Err(Error::between(
                ErrorKind::Index,
                op,
                &[largest as usize],
                &[size],
            ));
        }
        Ok(&self.buffer)
    }
}
