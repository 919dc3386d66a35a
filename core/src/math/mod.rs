//! Elementary functions and fused multiply-add, defined to the last bit.
//!
//! System libraries disagree in the last bits of `exp` and its kin, so results would differ between machines. Here
//! each function has one definition made of `+ - * /`, `sqrt`, [`fma`] and bit operations, all of which IEEE 754
//! fixes: every instruction set and device gets the same bits.
//!
//! * [`single`]: single precision, at most 2 ulp from the real value, written so that a loop over a slice vectorises;
//! * [`double`]: double precision, for gradient checks;
//! * [`fma`]: `a * b + c` with one rounding on every target.
//!
//! An ulp is the distance between the two floating-point numbers around the real value. The errors that are stated
//! for the functions of one argument are the largest over all 2^32 inputs; `scripts/check-math.sh` measures them. The
//! polynomials are minimax for the error that their function cares about; `scripts/math_polynomials.py` derives them,
//! and each function names the error that its rounded coefficients leave.

pub mod double;
pub mod fma;
pub mod single;

mod erf;
mod exp;
mod log;
mod pow;
mod sigmoid;
mod sqrt;
mod tanh;
mod trig;
