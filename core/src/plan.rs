//! What the kernels of the [`Cpu`](crate::Cpu) are going to do: loops, tiles, and parts for threads.
//!
//! A kernel makes its plan from the layouts of its operands and the number of workers, and then goes by it. So a plan
//! that is made here, without computing anything, tells what the kernel does. Nothing in a plan has an influence on a
//! result.
//!
//! A plan counts parts and elements, not bytes. What a kernel takes besides its result follows from shapes and the number
//! of workers, as plans do, with one exception: [`Backend::place_matmul`](crate::Backend::place_matmul), which the gradient
//! of [`Tensor::try_matmul_max`](crate::Tensor::try_matmul_max) needs, says what it takes at most.
//!
//! ```
//! use minitorch_core::{Layout, plan};
//! let rows = Layout::contiguous([400, 300])?;
//! let columns = rows.permute(&[1, 0])?;
//!
//! // Dense memory is one loop, whatever its shape, and goes to two threads in eight parts.
//! let plan = plan::Map::new(2, [&rows, &rows]);
//! assert_eq!((plan.nest.sizes(), plan.access), (&[120_000][..], plan::Access::InPlace));
//! assert_eq!((plan.cut.size, plan.cut.tasks), (16_384, 8));
//!
//! // A transposed operand is a loop of its own, and is copied in tiles before it is computed with.
//! let plan = plan::Map::new(2, [&columns]);
//! assert_eq!((plan.nest.sizes(), plan.nest.strides()), (&[300, 400][..], &[[1], [300]][..]));
//! assert_eq!(plan.access, plan::Access::Transposed);
//! # Ok::<(), minitorch_core::Error>(())
//! ```

pub use crate::kernels::conv::{Conv, ConvPart};
pub use crate::kernels::map::{Access, Map};
pub use crate::kernels::matmul::Matmul;
pub use crate::kernels::reduce::Reduce;
pub use crate::kernels::split::Cut;
