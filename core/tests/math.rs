//! The single-precision functions against double precision, and every instruction set against the portable one.
//!
//! The ordinary tests take every 997th input; the ignored ones take all 2^32 and are run by `scripts/check-math.sh`.

use minitorch_core::isa::{Isa, Kernel, Level, Portable};
use minitorch_core::math::{double, single};
use std::thread;

mod math_support;
use math_support::{error, same};

/// A function under test, selected at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Exp,
    Log,
    Tanh,
    Sigmoid,
    Erf,
    Sin,
    Cos,
    Sqrt,
}
use Function::{Cos, Erf, Exp, Log, Sigmoid, Sin, Sqrt, Tanh};

const ALL: [Function; 8] = [Exp, Log, Tanh, Sigmoid, Erf, Sin, Cos, Sqrt];

impl Function {
    /// The real value, to double precision: far below an ulp of single precision.
    fn reference(self, x: f64) -> f64 {
        match self {
            Exp => x.exp(),
            Log => x.ln(),
            Tanh => x.tanh(),
            Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Erf => double::erf(x),
            Sin => x.sin(),
            Cos => x.cos(),
            Sqrt => x.sqrt(),
        }
    }
}

/// Applies a function to every element.
struct Map<'a>(Function, &'a mut [f32]);

impl Kernel for Map<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        #[inline(always)]
        fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
            for value in values {
                *value = f(*value);
            }
        }
        match self.0 {
            Exp => each(self.1, single::exp::<I>),
            Log => each(self.1, single::log::<I>),
            Tanh => each(self.1, single::tanh::<I>),
            Sigmoid => each(self.1, single::sigmoid::<I>),
            Erf => each(self.1, single::erf::<I>),
            Sin => each(self.1, single::sin::<I>),
            Cos => each(self.1, single::cos::<I>),
            Sqrt => each(self.1, single::sqrt::<I>),
        }
    }
}

/// The largest error over the inputs `from`, `from + step`, ... below 2^32, and where it is. All levels must agree.
fn largest_error(function: Function, from: u64, step: u64) -> (f64, f32) {
    const CHUNK: usize = 4096;
    let mut worst = (0.0, 0.0);
    let mut next = from;
    let mut inputs = Vec::with_capacity(CHUNK);
    while next < 1 << 32 {
        inputs.clear();
        while inputs.len() < CHUNK && next < 1 << 32 {
            inputs.push(f32::from_bits(next as u32));
            next += step;
        }
        let mut outputs = inputs.clone();
        Level::PORTABLE.run(Map(function, &mut outputs));
        for level in Level::supported().skip(1) {
            let mut others = inputs.clone();
            level.run(Map(function, &mut others));
            for ((input, output), other) in inputs.iter().zip(&outputs).zip(&others) {
                assert!(
                    same(*output, *other),
                    "{function:?}({input:e}): {output:e} portable, {other:e} {level:?}"
                );
            }
        }
        for (&input, &output) in inputs.iter().zip(&outputs) {
            let error = error(output, function.reference(f64::from(input)));
            if error > worst.0 {
                worst = (error, input);
            }
        }
    }
    worst
}

fn check(function: Function, step: u64) {
    let halves =
        [0, step].map(|from| thread::spawn(move || largest_error(function, from, 2 * step)));
    let [a, b] = halves.map(|half| half.join().unwrap());
    let (error, input) = if a.0 > b.0 { a } else { b };
    println!(
        "{function:?}: at most {error:.4} ulp, at {input:e} (0x{:08x})",
        input.to_bits()
    );
    assert!(
        error <= 2.0,
        "{function:?}({input:e}) is off by {error} ulp"
    );
}

#[test]
fn strided_inputs_are_accurate_and_alike_on_every_level() {
    for function in ALL {
        check(function, 997);
    }
}

#[test]
#[ignore = "ten minutes in a release build"]
fn all_inputs_are_accurate_and_alike_on_every_level() {
    for function in ALL {
        check(function, 1);
    }
}

#[test]
fn special_inputs_are_accurate_and_alike_on_every_level() {
    let positive = [
        0.0,
        1.0,
        f32::INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::from_bits(0x007f_ffff),
        f32::from_bits(1),
        f32::from_bits(0x7f80_0001), // a signalling NaN
        88.722_84,                   // around the largest finite exp
        103.972_08,                  // around the smallest exp and sigmoid that are not zero
        1600.0,                      // where sin and cos change their reduction
        f32::from_bits(1600_f32.to_bits() + 1),
        16_367_173.0 * 72_f32.exp2(), // 2^-29 from a multiple of pi / 2: no other number is nearer
    ];
    let inputs: Vec<f32> = positive.iter().flat_map(|&x| [x, -x]).collect();
    for function in ALL {
        for level in Level::supported() {
            let mut outputs = inputs.clone();
            level.run(Map(function, &mut outputs));
            for (&input, &output) in inputs.iter().zip(&outputs) {
                let error = error(output, function.reference(f64::from(input)));
                assert!(
                    error <= 2.0,
                    "{function:?}({input:e}) = {output:e} on {level:?}"
                );
            }
        }
    }
}

#[test]
fn bounded_sine_and_cosine_have_the_same_bits_up_to_their_bound() {
    for bits in (0..=1600_f32.to_bits()).step_by(997) {
        for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
            let (sin, cos) = (single::sin::<Portable>(x), single::cos::<Portable>(x));
            assert!(same(single::sin_bounded::<Portable>(x), sin), "sin({x:e})");
            assert!(same(single::cos_bounded::<Portable>(x), cos), "cos({x:e})");
        }
    }
}
