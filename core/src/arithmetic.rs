//! Guide: canonical arithmetic, or why one run has one hash.
//!
//! The result of every operation is defined to the last bit. So the same seed gives the same weights on one thread or
//! many, with or without vector instructions, on a desktop, in a browser and on a microcontroller; a backend is tested
//! by equality, and a run on a board can be replayed on a desk. A definition leaves independent lanes for vector units
//! and independent parts for threads; what it fixes is the order within each sum.
//!
//! * **R1. What results do not depend on**: the number of threads, the instruction set, the memory layout of a view, the
//!   device. Preconditions: floating-point control registers at their defaults; x86 has SSE2; 32-bit NEON is not used
//!   (it flushes subnormals); WebAssembly without relaxed SIMD.
//! * **R2. Multiply-accumulate is fused** (one rounding) in convolution, matrix multiplication and wherever a definition
//!   says `fma`; everywhere else `a * b + c` is two roundings. Where a CPU has no such instruction, [`crate::math::fma`]
//!   computes it exactly in software.
//! * **R3. Matrix multiplication**: each output accumulates over `k` in ascending order, into one accumulator that starts
//!   at `+0`. Bias and activation come after, each with its own rounding.
//! * **R4. Convolution**: [`crate::conv`] has the order of its sums.
//! * **R5. Sums over axes**: [`crate::reduction`] has the order.
//! * **R6. Choices**: `max(a, b)` is `a` if `a > b` or `a` is not a number, else `b`. ReLU is `+0` for `x < 0`, else `x`.
//!   The first index wins ties and gets the gradient. Gradient descent is `p = fma(-rate, g, p)`. Powers of Adam's betas
//!   are repeated products. Dropout keeps with scale `1 / (1 - p)`. Every derivative has one written form, in the tables
//!   of [`crate::ops`].
//! * **R7. Functions**: `exp`, `log`, `tanh`, `sigmoid`, `erf`, `sin`, `cos` and `pow` have one implementation each. Those
//!   of `f32` are in [`crate::math`], of basic operations only, at most 2 ulp from the true value. Those of `f64`, for
//!   gradient checks and the rates of schedules, are the `libm` crate's: the same bits on every target, for one version of
//!   that crate.
//! * **R8. Random numbers by position**: element `i` of a draw is computed from output `i` of a PCG stream; see
//!   [`crate::random`].
//! * **R9. Nothing unordered**: no atomic additions, no order from a hash map, no sum that is split by the number of
//!   workers. Signs and payloads of NaN are outside of the promise; infinities, `-0` and subnormals are inside.
//!
//! # The hash
//!
//! [`crate::state::weights_hash`] is FNV-1a 64 over each parameter in walk order: its path (UTF-8), its shape (`u32`
//! little endian each) and its `f32` bits (little endian, NaN as `0x7fc00000`).
