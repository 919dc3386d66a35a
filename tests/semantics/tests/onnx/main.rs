//! ONNX agrees: the tests of its operators, which the Python package `onnx` has as data, pass with MiniTorch's tensors.
//!
//! A case is a model with operands and the results that ONNX expects of them. [`operators`] says what each operator is
//! in terms of minitorch-core's public functions, as a user would write it; plain Rust only has shapes, positions and
//! constants. Every case of one node in single precision passes or is listed in [`listed`] with the reason why not, and how
//! it fails.
//! Cases of several nodes, most of which are the same operators in terms of others, and of other types of elements are
//! only counted.
//!
//! ```text
//! ONNX_NODE_TESTS=$(scripts/fetch_onnx.sh) cargo test -p minitorch-semantics --test onnx -- --nocapture
//! ```

mod call;
mod case;
mod listed;
mod model;
mod operators;
mod truncated;
mod wire;

use case::{Failed, Kind};
use minitorch_core::{Cpu, Tensor};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

type Device = Cpu<f32>;
type T = Tensor<Device>;
type Fault = Box<dyn std::error::Error>;
type Outcome<V = Vec<T>> = Result<V, Fault>;

/// How many cases there are of which kind.
#[derive(PartialEq, Eq, Debug, Default)]
struct Counts {
    /// Of several nodes.
    graphs: usize,
    /// Of one node, with elements of another type than single precision and what goes with it.
    other_types: usize,
    passed: usize,
    listed: usize,
}

/// Those of onnx 1.21.0.
const COUNTS: Counts = Counts {
    graphs: 340,
    other_types: 529,
    passed: 666,
    listed: 143,
};

#[test]
fn every_case_of_one_node_passes_or_is_listed() {
    let Some(folder) = std::env::var_os("ONNX_NODE_TESTS") else {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED ONNX's tests: run scripts/fetch_onnx.sh and set ONNX_NODE_TESTS to the folder"
        );
        return;
    };
    let cases = case::all(Path::new(&folder)).unwrap_or_else(|error| panic!("{error}"));
    let (device, mut counts) = (Device::default(), Counts::default());
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    let mut reasons = BTreeMap::<_, usize>::new();
    for case in &cases {
        match case.kind() {
            Kind::Graph => counts.graphs += 1,
            Kind::OtherTypes => counts.other_types += 1,
            Kind::Single => match (case.run(&device), listed::reason(case)) {
                (Ok(()), None) => counts.passed += 1,
                (Err(failed), Some((name, reason, way))) if way.is(&failed) => {
                    counts.listed += 1;
                    used.insert(name);
                    *reasons.entry(reason).or_default() += 1;
                }
                (Ok(()), Some(_)) => wrong.push(format!("{} passes, but is listed", case.name)),
                (Err(failed), Some((_, _, way))) => {
                    let Failed { how, error } = failed;
                    wrong.push(format!(
                        "{} fails by {how:?}, is listed with {way:?}: {error}",
                        case.name
                    ));
                }
                (Err(failed), None) => wrong.push(format!("{}: {}", case.name, failed.error)),
            },
        }
    }
    for (reason, count) in reasons {
        println!("{count:4} listed: {reason}");
    }
    println!("{counts:?}");
    let unused = listed::names().filter(|name| !used.contains(name));
    wrong
        .extend(unused.map(|name| format!("{name} is listed, but no case that fails is named so")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(counts, COUNTS);
}
