//! What the workspace's tests share: devices in every configuration, operands in every layout, naive definitions of
//! every operation, and the checks that a backend gives exactly their bits.
//!
//! The checks in [`conformance`] are generic over [`Backend`](minitorch_core::Backend): a new backend is tested by
//! calling them with its devices. [`hostile`] has what must hold of every reader of files, whatever the file.

pub mod conformance;
pub mod devices;
pub mod gradients;
pub mod hostile;
pub mod math_functions;
pub mod oracle;
pub mod real;
pub mod samples;
