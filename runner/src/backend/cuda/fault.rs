//! Errors of the driver about which something can be done.

use cudarc::driver::sys::CUresult;

/// What went wrong with the device or its driver, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub what: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Both.
    pub(super) sentence: &'static str,
}

macro_rules! fault {
    ($what:literal, $remedy:literal) => {
        Fault {
            what: $what,
            remedy: $remedy,
            sentence: concat!($what, "; ", $remedy),
        }
    };
}

impl Fault {
    /// An unknown error of the driver's first call: its library is there, and the part in the kernel does not answer.
    pub(super) const NOT_STARTED: Self = fault!(
        "the CUDA driver does not start, and does not say why",
        "load its modules (nvidia-modprobe -c 0 -u), or start the machine anew"
    );

    /// What an error means, if it is one that can be explained.
    pub(super) const fn of(error: CUresult) -> Option<Self> {
        Some(match error {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => fault!(
                "the CUDA device has no memory left",
                "see with nvidia-smi what else uses it"
            ),
            // After these, every call of the process fails in the same way.
            CUresult::CUDA_ERROR_ASSERT
            | CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR
            | CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
            | CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION
            | CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE
            | CUresult::CUDA_ERROR_INVALID_PC
            | CUresult::CUDA_ERROR_LAUNCH_FAILED
            | CUresult::CUDA_ERROR_LAUNCH_TIMEOUT
            | CUresult::CUDA_ERROR_MISALIGNED_ADDRESS => fault!(
                "a kernel failed on the CUDA device, which this process cannot use again",
                "start the program anew"
            ),
            // A device that has fallen off the bus is mostly an unknown error.
            CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE
            | CUresult::CUDA_ERROR_ECC_UNCORRECTABLE
            | CUresult::CUDA_ERROR_UNKNOWN => {
                fault!("the CUDA device is lost", "see what nvidia-smi says")
            }
            CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => fault!(
                "the CUDA driver is older than the compiler of this kernel",
                "install a newer driver, or NVIDIA's toolkit of the driver's version"
            ),
            CUresult::CUDA_ERROR_JIT_COMPILER_NOT_FOUND => fault!(
                "a part of the CUDA driver is missing, its compiler (libnvidia-ptxjitcompiler)",
                "install NVIDIA's driver anew"
            ),
            _ => return None,
        })
    }
}
