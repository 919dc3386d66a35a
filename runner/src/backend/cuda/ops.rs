//! What kernels have from Rust: `kernels/ops.cu` with a kernel for each elementwise operation and each fold of core, and
//! `kernels/core.cuh` with what the other kernels use of them.
//!
//! core's table is the one definition of an operation. [`sources`] writes it as files that are compiled ahead of time,
//! and the same words name a kernel when it is looked up, so an operation that the file lacks is noticed at once.

use std::fmt::Write;

use minitorch_core::ops::Grad;
use minitorch_core::ops::catalog::{self, Entry};
use minitorch_core::ops::special::Keep;
use minitorch_core::ops::unary::Relu;
use minitorch_core::reduction::{Max, Min, Prod, Reduction, Sum};
use minitorch_core::state::Fnv;

use super::spatial::PoolingKind;

/// The most operands of an operation on the device.
pub(super) const OPERANDS: usize = 4;

/// The ending of the name of a kernel that takes several updates.
pub(super) const UPDATES: &str = "_all";

/// What stands at the beginning of each file.
const WRITTEN: &str =
    "// Written by scripts/ptx.sh from the operations of core; not to be edited.\n";

/// The files in `kernels/` that follow from Rust: their names and texts.
#[must_use]
pub fn sources() -> [(&'static str, String); 2] {
    [("ops.cu", kernels()), ("core.cuh", bodies())]
}

/// The kernels of operations and folds.
fn kernels() -> String {
    let mut text = String::from(WRITTEN);
    text += "#include \"map.cuh\"\n#include \"reduce.cuh\"\n\n";
    for entry in catalog::entries() {
        text += &map(&entry);
    }
    for entry in catalog::steps() {
        let _ = writeln!(text, "UPDATES({})", map_name(&entry));
    }
    text += &reduce::<Sum>();
    text += &reduce::<Prod>();
    text += &reduce::<Max>();
    text += &reduce::<Min>();
    text
}

/// The bodies that other kernels have inside, and numbers that they are told.
fn bodies() -> String {
    let mut text = String::from(WRITTEN);
    text += "#pragma once\n#include \"reduce.cuh\"\n\n";
    text += &body("relu", &Entry::of::<1, Relu>(), 0);
    text += &body("relu_grad", &Entry::of::<2, Grad<Relu>>(), 0);
    text += &body("keep", &Entry::of::<1, Keep>(), 2);
    let _ = writeln!(text, "\nFOLD(Sum, {})", fold::<Sum>());
    let _ = writeln!(text, "FOLD(Max, {})", fold::<Max>());
    let kinds = PoolingKind::ALL.map(|(kind, name)| format!("{name} = {}", kind as u32));
    let _ = writeln!(text, "\nenum Pooling {{ {} }};", kinds.join(", "));
    text
}

/// The body of an elementwise operation as a function of its operands and so many parameters.
fn body(name: &str, entry: &Entry, parameters: usize) -> String {
    let operands = (0..entry.operands).map(|k| format!("real x{k}"));
    let parameters = (0..parameters).map(|k| format!("real p{k}"));
    let taken: Vec<String> = operands.chain(parameters).collect();
    let (taken, c) = (taken.join(", "), entry.c);
    format!("INLINE real {name}({taken}) {{ return {c}; }}\n")
}

/// The line of an elementwise operation.
pub(super) fn map(entry: &Entry) -> String {
    let Entry { operands, c, .. } = entry;
    format!("MAP({}, {operands}, {c})\n", map_name(entry))
}

/// The name of the kernel of an elementwise operation.
pub(super) fn map_name(entry: &Entry) -> String {
    name(&format!("map{}", entry.operands), entry.name, entry.c)
}

/// The line of a fold.
pub(super) fn reduce<R: Reduction>() -> String {
    format!("REDUCE({}, {})\n", reduce_name::<R>(), fold::<R>())
}

/// Where a fold starts, and its body.
fn fold<R: Reduction>() -> String {
    let start = match R::START {
        start if start.is_nan() => "MT_NAN".to_string(),
        f64::INFINITY => "MT_INFINITY".to_string(),
        f64::NEG_INFINITY => "-MT_INFINITY".to_string(),
        start => format!("(real){start:e}"),
    };
    format!("{start}, {}", R::C)
}

/// The name of the kernels of a fold, without the ending that says which of the two.
pub(super) fn reduce_name<R: Reduction>() -> String {
    name("reduce", R::NAME, R::C)
}

/// `kind`, what the operation is called, and a hash of its body: operations may share a name, and yours may be like
/// another's.
fn name(kind: &str, called: &str, body: &str) -> String {
    let mut hash = Fnv::new();
    hash.write(body.as_bytes());
    let called = called.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let mut name = format!("{kind}_{called}");
    // The lower half is enough: all names are compared when they are compiled into one file.
    let _ = write!(name, "_{:08x}", hash.finish() as u32);
    name
}

#[cfg(test)]
mod tests {
    use minitorch_core::ops::unary::{DivFrom, DivScalar};

    use super::*;

    #[test]
    fn operations_of_one_name_have_kernels_of_their_own() {
        let by = map_name(&Entry::of::<1, DivScalar>());
        let from = map_name(&Entry::of::<1, DivFrom>());
        assert!(by.starts_with("map1_div_") && from.starts_with("map1_div_"));
        assert_ne!(by, from);
    }

    #[test]
    fn the_files_are_the_ones_that_core_says() {
        let files = [
            include_str!("kernels/ops.cu"),
            include_str!("kernels/core.cuh"),
        ];
        for ((name, text), file) in sources().into_iter().zip(files) {
            assert!(
                file == text,
                "kernels/{name} is not what core's operations say: run scripts/ptx.sh"
            );
        }
    }

    #[test]
    fn no_two_kernels_have_one_name() {
        let mut names: Vec<_> = catalog::entries().iter().map(map_name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
