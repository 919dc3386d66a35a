//! Named tensors to and from files: the [safetensors] format, loading by name, and the hash of all weights.
//!
//! A file is 8 bytes with the length `n` of the header (little endian), `n` bytes of JSON, and the data of all tensors
//! without gaps:
//!
//! ```text
//! {"__metadata__":{"epoch":"3"},"fc.bias":{"dtype":"F32","shape":[10],"data_offsets":[0,40]}}
//! ```
//!
//! [`SafeTensors::parse`] checks everything once and lends names and data from the given bytes, so a file in flash or
//! in mapped memory is not copied. [`serialize`] and [`Writer`] write the bytes that the reference implementation
//! writes. [`match_names`] finds the tensors of a model in a file, or says all that does not fit at once. [`Fnv`] and
//! [`weights_hash`] make the number by which two runs are compared.
//!
//! ```
//! use minitorch_core::state::{Entry, SafeTensors, match_names, serialize};
//!
//! let weights = [0.5f32, -1.0, 2.0, 0.0];
//! let file = serialize(&[Entry::new("fc.weight", &[2, 2], &weights[..])], &[("epoch", "3")])?;
//!
//! let tensors = SafeTensors::parse(&file)?;
//! assert_eq!(tensors.metadata_value("epoch"), Some("3"));
//! let found = match_names(&tensors, "", [("fc.weight", [2, 2])])?;
//! assert_eq!(tensors.views()[found[0]].read::<f32>()?, weights);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Files are taken to be hostile: every input gives a value or an error, and what [`SafeTensors::parse`] allocates is a
//! small multiple of the header. Loading adds the tensors of the model and, for one of them at a time, its elements once
//! more and as `f64`. Saving holds all bytes twice, once as they are collected and once as the file, and one tensor a third
//! time.
//!
//! [safetensors]: https://github.com/huggingface/safetensors

mod checksum;
mod dtype;
mod error;
mod hash;
mod header;
mod json;
mod load;
mod module;
mod safetensors;
mod value;
mod write;

pub use dtype::Dtype;
pub use error::{FormatError, ReadError, Reason, WriteError};
pub use hash::{Fnv, weights_hash};
pub use load::{LoadError, Mismatch, match_names};
pub use module::{Numbers, StateError, load, load_numbers, load_weights, save, save_weights};
pub use safetensors::{SafeTensors, View};
pub use value::Value;
pub use write::{Data, Entry, Writer, serialize};
