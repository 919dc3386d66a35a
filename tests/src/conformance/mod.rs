//! Checks that devices give exactly the bits of the definitions.
//!
//! Each function runs one family of a backend's operations over layouts, sizes and special values on all given devices,
//! and panics with the operation, device, layout and element that differ.

pub mod block;
pub mod elementwise;
pub mod empty;
pub mod in_place;
pub mod index;
pub mod linear;
pub mod matmul;
pub mod reduce;
pub mod softmax;
pub mod spatial;

use crate::real::{Real, assert_same};
use crate::samples::Sample;
use minitorch_core::Backend;
use minitorch_core::backend::View;

/// Runs `operation` on every device with the operands uploaded, and compares what it returns with `expected`.
///
/// # Panics
/// If a device fails, or gives other bits.
pub fn agree<B, const N: usize>(
    devices: &[B],
    what: &str,
    operands: [&Sample<B::Elem>; N],
    expected: &[B::Elem],
    operation: impl Fn(&B, [View<'_, B>; N]) -> minitorch_core::Result<B::Buffer>,
) where
    B: Backend,
    B::Elem: Real,
{
    for (number, device) in devices.iter().enumerate() {
        let case = || {
            let shapes = operands.map(|sample| (sample.name, sample.shape().to_vec()));
            format!("{what} on device {number} of {shapes:?}")
        };
        let buffers = operands.map(|sample| sample.upload(device));
        let views = std::array::from_fn(|k| View::new(&buffers[k], operands[k].layout));
        let out = operation(device, views).unwrap_or_else(|error| panic!("{}: {error}", case()));
        let mut actual = vec![B::Elem::default(); expected.len()];
        device
            .download(&out, &mut actual)
            .unwrap_or_else(|error| panic!("{}: {error}", case()));
        assert_same(&actual, expected, &case);
    }
}
