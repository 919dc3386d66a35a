//! Kernels: those compiled ahead of time, and those of your own operations, compiled when they are first used.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::Read;
use std::sync::{Arc, PoisonError, RwLock};

use cudarc::driver::sys::CUresult;
use cudarc::driver::{CudaContext, CudaFunction, CudaModule, DriverError};
use cudarc::nvrtc::{self, CompileError, CompileOptions, Ptx};
use flate2::read::ZlibDecoder;
use minitorch_core::ops::Op;
use minitorch_core::ops::catalog::{self, Entry};
use minitorch_core::reduction::Reduction;
use minitorch_core::{Error, ErrorKind, Result};

use super::{driver, ops, stream};

/// The elementwise operations and the folds, packed by `build.rs`.
const OPS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ops.ptx"));
/// Everything else.
const KERNELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels.ptx"));
/// What an operation of your own is compiled with; a header of another one says so by `#include`.
const HEADERS: [&str; 3] = [
    include_str!("kernels/real.cuh"),
    include_str!("kernels/map.cuh"),
    include_str!("kernels/reduce.cuh"),
];
/// As scripts/ptx.sh has them.
const FLAGS: [&str; 5] = [
    "--std=c++17",
    "-fmad=false",
    "-ftz=false",
    "-prec-div=true",
    "-prec-sqrt=true",
];

/// The kernels of one device.
#[derive(Debug)]
pub(super) struct Modules {
    context: Arc<CudaContext>,
    ops: Arc<CudaModule>,
    kernels: Arc<CudaModule>,
    named: Table<&'static str>,
    typed: Table<(TypeId, &'static str)>,
}

/// Kernels that were looked up before.
type Table<K> = RwLock<HashMap<K, CudaFunction>>;

impl Modules {
    /// Hands the shipped kernels to the driver, which compiles them for the device.
    pub(super) fn load(context: &Arc<CudaContext>) -> Result<Self, DriverError> {
        let load = |packed: &[u8]| {
            let mut ptx = String::new();
            match ZlibDecoder::new(packed).read_to_string(&mut ptx) {
                Ok(_) => context.load_module(Ptx::from_src(ptx)),
                Err(_) => Err(DriverError(CUresult::CUDA_ERROR_INVALID_PTX)),
            }
        };
        Ok(Self {
            context: context.clone(),
            ops: load(OPS)?,
            kernels: load(KERNELS)?,
            named: Table::default(),
            typed: Table::default(),
        })
    }

    /// The shipped kernel called `name`.
    pub(super) fn named(&self, name: &'static str) -> Result<CudaFunction> {
        cached(&self.named, name, || {
            let kernel = self.kernels.load_function(name);
            kernel.map_err(stream::error(name, 0))
        })
    }

    /// The kernel of an elementwise operation.
    pub(super) fn map<const N: usize, O: Op<N>>(&self) -> Result<CudaFunction> {
        cached(&self.typed, (TypeId::of::<O>(), ""), || {
            if N > ops::OPERANDS {
                let why = "a CUDA device takes operations on 4 operands at most";
                return Err(Error::new(ErrorKind::Device, O::NAME, why));
            }
            let entry = Entry::of::<N, O>();
            self.find(O::NAME, &ops::map_name(&entry), || ops::map(&entry))
        })
    }

    /// The kernel of several updates at a time by an operation, if there is one.
    pub(super) fn updates<const N: usize, O: Op<N>>(&self) -> Result<Option<CudaFunction>> {
        let entry = Entry::of::<N, O>();
        if !catalog::steps().contains(&entry) {
            return Ok(None);
        }
        let kernel = cached(&self.typed, (TypeId::of::<O>(), ops::UPDATES), || {
            let name = ops::map_name(&entry) + ops::UPDATES;
            let kernel = self.ops.load_function(&name);
            kernel.map_err(stream::error(O::NAME, 0))
        });
        kernel.map(Some)
    }

    /// A kernel of a fold: `way` is the ending of its name.
    pub(super) fn reduce<R: Reduction>(&self, way: &'static str) -> Result<CudaFunction> {
        cached(&self.typed, (TypeId::of::<R>(), way), || {
            let name = ops::reduce_name::<R>() + way;
            self.find(R::NAME, &name, ops::reduce::<R>)
        })
    }

    /// The shipped kernel, or else the one that is compiled from a line of `ops.cu`.
    fn find(
        &self,
        op: &'static str,
        name: &str,
        line: impl FnOnce() -> String,
    ) -> Result<CudaFunction> {
        match self.ops.load_function(name) {
            Ok(kernel) => return Ok(kernel),
            Err(DriverError(CUresult::CUDA_ERROR_NOT_FOUND)) => {}
            Err(error) => return Err(stream::error(op, 0)(error)),
        }
        let module = self.compiled(op, &line())?;
        module.load_function(name).map_err(stream::error(op, 0))
    }

    /// What a line as `ops.cu` has them becomes, by NVRTC.
    fn compiled(&self, op: &'static str, line: &str) -> Result<Arc<CudaModule>> {
        let capability = self.context.compute_capability();
        let ptx = compile(op, line, capability.map_err(stream::error(op, 0))?)?;
        self.context.load_module(ptx).map_err(stream::error(op, 0))
    }

    /// Compiles an operation that nobody uses.
    pub(super) fn try_compiler(&self) -> Result<()> {
        self.compiled("compile", "MAP(map1_try, 1, mt_exp(x0))\n")
            .map(drop)
    }
}

/// What `table` has for `key`, or `make` makes.
fn cached<K: Copy + Eq + Hash>(
    table: &Table<K>,
    key: K,
    make: impl FnOnce() -> Result<CudaFunction>,
) -> Result<CudaFunction> {
    match known(table, key) {
        Some(kernel) => Ok(kernel),
        None => Ok(learnt(table, key, make()?)),
    }
}

fn known<K: Eq + Hash>(table: &Table<K>, key: K) -> Option<CudaFunction> {
    let known = table.read().unwrap_or_else(PoisonError::into_inner);
    known.get(&key).cloned()
}

fn learnt<K: Eq + Hash>(table: &Table<K>, key: K, kernel: CudaFunction) -> CudaFunction {
    let mut known = table.write().unwrap_or_else(PoisonError::into_inner);
    known.entry(key).or_insert(kernel).clone()
}

/// Compiles a line as `ops.cu` has them for a device of this compute capability.
fn compile(op: &'static str, line: &str, capability: (i32, i32)) -> Result<Ptx> {
    let refused = |why| Error::new(ErrorKind::Device, op, why);
    if !driver::compiler() {
        return Err(refused(
            "this operation is not one of minitorch-core, and there is no NVRTC here to compile it for CUDA; \
             install NVIDIA's CUDA toolkit 12, or use a CPU",
        ));
    }
    let Some(architecture) = driver::architecture(capability) else {
        return Err(refused(
            "the NVRTC here no longer compiles for so old a device; install NVIDIA's CUDA toolkit 12",
        ));
    };
    let includes = |line: &&str| !line.starts_with("#include") && !line.starts_with("#pragma once");
    let lines = HEADERS.iter().flat_map(|header| header.lines());
    let mut text: String = lines
        .filter(includes)
        .flat_map(|line| [line, "\n"])
        .collect();
    text += line;
    let mut flags = FLAGS.map(String::from).to_vec();
    flags.push(format!("--gpu-architecture=compute_{architecture}"));
    let options = CompileOptions {
        options: flags,
        ..CompileOptions::default()
    };
    nvrtc::compile_ptx_with_opts(text, options).map_err(|error| match error {
        CompileError::CompileError { .. } => refused("its body in C does not compile for CUDA"),
        _ => refused("NVRTC is there, but does not work"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_of_your_own_compiles_where_nvrtc_is() {
        if !driver::compiler() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED a_line_of_your_own_compiles_where_nvrtc_is: there is no NVRTC (LD_LIBRARY_PATH leads to one)"
            );
            return;
        }
        let line = "MAP(map2_silu, 2, x1 * (mt_sigmoid(x0) * (1 + x0 * (1 - mt_sigmoid(x0)))))\n\
                    REDUCE(reduce_norm, (real)0e0, mt_fma(x1, x1, x0))\n";
        // The newest device is of the newest generation that the compiler knows, whatever that is.
        for (capability, least) in [((9, 0), 90), ((i32::MAX / 10, 0), 90)] {
            let ptx = compile("silu", line, capability).expect("valid C").to_src();
            let (_, target) = ptx.split_once(".target sm_").expect("a target");
            let digits = target.split(|c: char| !c.is_ascii_digit()).next();
            let target = digits.and_then(|digits| digits.parse().ok());
            assert!(target >= Some(least), "{target:?}");
        }
        let error = compile("silu", line, (1, 0)).unwrap_err().to_string();
        assert!(error.contains("no longer compiles for so old"), "{error}");
        let ptx = compile("silu", line, (9, 0)).expect("valid C").to_src();
        for name in ["map2_silu", "reduce_norm_each", "reduce_norm_block"] {
            assert!(ptx.contains(&format!(".entry {name}(")), "{name}");
        }
        let error = compile("wrong", "MAP(map1_wrong, 1, mt_nothing(x0))\n", (9, 0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong: its body in C does not compile for CUDA"
        );
    }
}
