//! The driver and its devices, or what is missing.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use cudarc::driver::sys::{self, CUresult};
use cudarc::driver::{CudaContext, DriverError};
use cudarc::nvrtc;

use super::fault::Fault;
use crate::error::Failure;

/// The oldest driver whose compiler reads the kernels, as the driver counts: 12.0.
const OLDEST: i32 = 12_000;
/// The least compute capability that the kernels are compiled for.
const LEAST: (i32, i32) = (7, 0);

/// The functions of the driver that are called. cudarc looks each up at its first call, and panics where it is missing; so
/// they are looked for when a device is opened.
pub const FUNCTIONS: [&str; 34] = [
    "cuDriverGetVersion",
    "cuInit",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceTotalMem_v2",
    "cuDeviceGetAttribute",
    "cuDevicePrimaryCtxRetain",
    "cuDevicePrimaryCtxRelease_v2",
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuCtxSynchronize",
    "cuStreamCreate",
    "cuStreamSynchronize",
    "cuStreamDestroy_v2",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuModuleLoadData",
    "cuModuleUnload",
    "cuModuleGetFunction",
    "cuLaunchKernel",
    "cuMemHostAlloc",
    "cuMemFreeHost",
    "cuGraphCreate",
    "cuGraphDestroy",
    "cuGraphAddKernelNode_v2",
    "cuGraphInstantiateWithFlags",
    "cuGraphExecDestroy",
    "cuGraphExecKernelNodeSetParams_v2",
    "cuGraphLaunch",
    "cuGetErrorName",
    "cuGetErrorString",
];
/// The same of NVRTC.
const COMPILER_FUNCTIONS: [&str; 9] = [
    "nvrtcGetNumSupportedArchs",
    "nvrtcGetSupportedArchs",
    "nvrtcCreateProgram",
    "nvrtcCompileProgram",
    "nvrtcDestroyProgram",
    "nvrtcGetProgramLogSize",
    "nvrtcGetProgramLog",
    "nvrtcGetPTXSize",
    "nvrtcGetPTX",
];

/// Why no device can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is no driver.
    Driver,
    /// The driver lacks this function.
    Function(&'static str),
    /// There is a driver, and no device.
    Device,
    /// The driver is of this version, 1000 * major + 10 * minor.
    NewerDriver(i32),
    /// The device of this name has this compute capability.
    NewerDevice(String, (i32, i32)),
    /// Something is wrong with the driver or the device.
    Fault(Fault),
    /// The driver says this of something that is wrong with it or the device.
    Working(String),
}

impl Missing {
    /// What to do about it, as the beginning of a sentence.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Driver => "install NVIDIA's driver",
            Self::NewerDriver(_) | Self::Function(_) => "install NVIDIA's driver 525 or later",
            Self::NewerDevice(..) => "use a newer device",
            Self::Device => "see what nvidia-smi and CUDA_VISIBLE_DEVICES say",
            Self::Fault(fault) => fault.remedy,
            Self::Working(_) => "see what nvidia-smi says",
        }
    }
}

impl fmt::Display for Missing {
    /// What is missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver => f.write_str("there is no CUDA driver here (libcuda.so.1)"),
            Self::Function(name) => write!(f, "the CUDA driver lacks the function {name}"),
            Self::Device => f.write_str("the CUDA driver finds no device"),
            Self::NewerDriver(version) => write!(
                f,
                "the CUDA driver is too old: it is of version {}, and {} or later is needed",
                Version(*version),
                Version(OLDEST)
            ),
            Self::NewerDevice(name, (major, minor)) => write!(
                f,
                "{name} has compute capability {major}.{minor}, and {}.{} or more is needed",
                LEAST.0, LEAST.1
            ),
            Self::Fault(fault) => f.write_str(fault.what),
            Self::Working(what) => write!(f, "the CUDA driver fails: {what}"),
        }
    }
}

impl Missing {
    /// How a program ends that cannot compute without the device; `options` are those by which it would use the processor.
    pub fn failure(&self, options: &str) -> Failure {
        let remedy = self.remedy();
        Failure::new(format!(
            "cuda: {self};\n\
             {remedy}, or compute on the processor ({options})"
        ))
    }
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        missing.failure("--backend rayon")
    }
}

/// A version as the driver counts: 1000 * major + 10 * minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub i32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

/// A driver that can be used, with a device at least.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    /// Its version.
    pub version: Version,
    /// How many devices it has.
    pub devices: usize,
}

impl Driver {
    /// Looks for the driver.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn find() -> Result<Self, Missing> {
        // Every other call of cudarc panics where the library is missing.
        // SAFETY: loading the driver runs its initialisers only, which are made for any process.
        if !unsafe { sys::is_culib_present() } {
            return Err(Missing::Driver);
        }
        let lacks = |name: &&&'static str| {
            // SAFETY: the library is there. The function is looked for, not called.
            unsafe { sys::culib().get::<unsafe extern "C" fn()>(name.as_bytes()) }.is_err()
        };
        let missing = FUNCTIONS.iter().find(lacks);
        if let Some(&name @ "cuDriverGetVersion") = missing {
            return Err(Missing::Function(name));
        }
        let mut version = 0;
        // SAFETY: the function is there; the call writes one number, and is allowed before all others.
        let asked = unsafe { sys::cuDriverGetVersion(&mut version) };
        asked.result().map_err(|error| working(&error))?;
        if version < OLDEST {
            return Err(Missing::NewerDriver(version));
        }
        if let Some(name) = missing {
            return Err(Missing::Function(name));
        }
        match CudaContext::device_count() {
            Err(DriverError(CUresult::CUDA_ERROR_NO_DEVICE)) => Err(Missing::Device),
            Err(error) => Err(starting(&error)),
            Ok(count) => match usize::try_from(count) {
                Ok(0) | Err(_) => Err(Missing::Device),
                Ok(devices) => Ok(Self {
                    version: Version(version),
                    devices,
                }),
            },
        }
    }

    /// Opens a device, the first being number 0.
    ///
    /// # Errors
    ///
    /// A device that is too old or does not work.
    pub fn open(&self, number: usize) -> Result<Arc<CudaContext>, Missing> {
        let context = CudaContext::new(number).map_err(|error| working(&error))?;
        let about = About::of(&context)?;
        if about.capability < LEAST {
            return Err(Missing::NewerDevice(about.name, about.capability));
        }
        Ok(context)
    }
}

/// What a device says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it is called.
    pub name: String,
    /// Major and minor.
    pub capability: (i32, i32),
    /// Its memory in bytes.
    pub memory: usize,
}

impl About {
    /// Asks a device.
    ///
    /// # Errors
    ///
    /// A device that does not work.
    pub fn of(context: &CudaContext) -> Result<Self, Missing> {
        let ask = || {
            Ok(Self {
                name: context.name()?,
                capability: context.compute_capability()?,
                memory: context.total_mem()?,
            })
        };
        ask().map_err(|error| working(&error))
    }
}

/// Whether there is NVRTC, the compiler for operations of your own, with all that is called of it.
pub fn compiler() -> bool {
    // SAFETY: loading the compiler runs its initialisers only, which are made for any process. The functions are looked
    // for, not called.
    unsafe {
        nvrtc::sys::is_culib_present()
            && COMPILER_FUNCTIONS.iter().all(|name| {
                let library = nvrtc::sys::culib();
                library
                    .get::<unsafe extern "C" fn()>(name.as_bytes())
                    .is_ok()
            })
    }
}

/// The newest architecture that NVRTC, which has to be there, compiles for and a device of this compute capability runs, as
/// 10 * major + minor.
pub(super) fn architecture((major, minor): (i32, i32)) -> Option<i32> {
    let mut count = 0;
    // SAFETY: the call writes one number.
    let asked = unsafe { nvrtc::sys::nvrtcGetNumSupportedArchs(&mut count) };
    asked.result().ok()?;
    let mut all = vec![0; usize::try_from(count).ok()?];
    // SAFETY: the call writes as many numbers as it said.
    let asked = unsafe { nvrtc::sys::nvrtcGetSupportedArchs(all.as_mut_ptr()) };
    asked.result().ok()?;
    let runs = |architecture: &i32| *architecture <= 10 * major + minor;
    all.into_iter().filter(runs).max()
}

/// An error of the driver's first call, before which no device can have been lost.
fn starting(error: &DriverError) -> Missing {
    match error.0 {
        CUresult::CUDA_ERROR_UNKNOWN => Missing::Fault(Fault::NOT_STARTED),
        _ => working(error),
    }
}

/// An error that none of the other reasons covers, in the driver's words if there are no better ones.
pub(super) fn working(error: &DriverError) -> Missing {
    if let Some(fault) = Fault::of(error.0) {
        return Missing::Fault(fault);
    }
    let words = error.error_string().map(|text| text.to_string_lossy());
    let words = words.unwrap_or_else(|_| "an unknown error".into());
    Missing::Working(format!("{words} (error {})", error.0 as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_sentence_that_says_what_to_do() {
        let reasons = [
            Missing::Driver,
            Missing::Function("cuInit"),
            Missing::Device,
            Missing::NewerDriver(11_040),
            Missing::NewerDevice("Some GPU".into(), (6, 1)),
            Missing::Working("no words".into()),
        ];
        for reason in reasons {
            let failure = Failure::from(reason.clone());
            assert_eq!(failure.status() as u8, 1);
            let text = failure.to_string();
            assert!(text.starts_with("cuda: "), "{text}");
            assert!(text.contains(reason.remedy()), "{text}");
            assert!(text.contains(", or compute on the processor"), "{text}");
        }
        assert!(
            Missing::NewerDriver(11_040)
                .to_string()
                .contains("version 11.4, and 12.0 or")
        );
    }
}
