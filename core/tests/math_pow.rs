//! `pow` against double precision, and C's special cases.

use minitorch_core::isa::{Isa, Kernel, Level, Portable};
use minitorch_core::math::single::pow;
use std::thread;

mod math_support;
use math_support::{Random, error, same};

struct Powers<'a>(&'a [(f32, f32)], &'a mut Vec<f32>);

impl Kernel for Powers<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.1.clear();
        self.1.extend(self.0.iter().map(|&(x, y)| pow::<I>(x, y)));
    }
}

/// Pairs that make `pow` work hard.
struct Pairs(Random);

impl Pairs {
    /// Uniform in [low, high).
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.0.next() >> 11) as f64 / 53_f64.exp2()
    }

    fn next(&mut self) -> (f32, f32) {
        let any = |bits: u64| f32::from_bits(bits as u32);
        let x = match self.0.next() % 8 {
            // Any magnitude, subnormal ones included.
            0 | 1 => any(self.0.next() >> 33),
            // Near 1: a few units in the last place, and any distance.
            2 => any(u64::from(1_f32.to_bits()) - 64 + self.0.next() % 128),
            3 | 4 => (1.0 + self.between(-1.0, 1.0) * self.between(-24.0, 0.0).exp2()) as f32,
            // Around sqrt(1/2) and sqrt(2), where the logarithm's two parts change.
            5 => (self.between(0.70, 0.72) * (1 + self.0.next() % 2) as f64) as f32,
            6 => self.between(0.0, 4.0) as f32,
            _ => return (any(self.0.next()), any(self.0.next())),
        };
        // An exponent that makes the result any magnitude, or one near overflow and underflow.
        let target = match self.0.next() % 4 {
            0 => self.between(126.5, 128.5),
            1 => self.between(-150.5, -125.5),
            _ => self.between(-151.0, 129.0),
        };
        let y = target / f64::from(x).log2();
        let y = if self.0.next().is_multiple_of(8) {
            y.round()
        } else {
            y
        };
        (x, y as f32)
    }
}

/// The largest error over `cases` random pairs, and where. All levels must agree.
fn largest_error(seed: u64, cases: usize) -> (f64, (f32, f32)) {
    const CHUNK: usize = 4096;
    let mut source = Pairs(Random(seed));
    let mut worst = (0.0, (0.0, 0.0));
    let (mut outputs, mut others) = (Vec::new(), Vec::new());
    for start in (0..cases).step_by(CHUNK) {
        let pairs: Vec<_> = (start..cases.min(start + CHUNK))
            .map(|_| source.next())
            .collect();
        let mut levels: Vec<_> = Level::supported().collect();
        // Software fma is slow: the portable level joins for one chunk in 16.
        if levels.len() > 1 && !(start / CHUNK).is_multiple_of(16) {
            levels.remove(0);
        }
        levels[0].run(Powers(&pairs, &mut outputs));
        for level in &levels[1..] {
            level.run(Powers(&pairs, &mut others));
            for (pair, (a, b)) in pairs.iter().zip(outputs.iter().zip(&others)) {
                assert!(
                    same(*a, *b),
                    "pow{pair:?}: {a:e} {:?}, {b:e} {level:?}",
                    levels[0]
                );
            }
        }
        for (&(x, y), &output) in pairs.iter().zip(&outputs) {
            let error = error(output, f64::from(x).powf(f64::from(y)));
            if error > worst.0 {
                worst = (error, (x, y));
            }
        }
    }
    worst
}

fn check(cases: usize) {
    let halves = [3, 4].map(|seed| thread::spawn(move || largest_error(seed << 32, cases / 2)));
    let [a, b] = halves.map(|half| half.join().unwrap());
    let (error, (x, y)) = if a.0 > b.0 { a } else { b };
    println!("Pow: at most {error:.4} ulp over {cases} pairs, at ({x:e}, {y:e})");
    assert!(error <= 2.0, "pow({x:e}, {y:e}) is off by {error} ulp");
}

#[test]
fn random_pairs_are_accurate_and_alike_on_every_level() {
    check(1_000_000);
}

#[test]
#[ignore = "seconds in a release build"]
fn many_random_pairs_are_accurate_and_alike_on_every_level() {
    check(400_000_000);
}

#[test]
fn special_cases_are_those_of_c() {
    let inf = f32::INFINITY;
    let nan = f32::NAN;
    let (even, odd, fraction) = (16_777_218.0, 16_777_215.0, 8_388_607.5);
    let cases = [
        // A zero base.
        (0.0, -3.0, inf),
        (-0.0, -3.0, -inf),
        (0.0, -2.0, inf),
        (-0.0, -2.0, inf),
        (-0.0, -0.5, inf),
        (-0.0, -inf, inf),
        (0.0, -inf, inf),
        (0.0, 3.0, 0.0),
        (-0.0, 3.0, -0.0),
        (-0.0, odd, -0.0),
        (-0.0, even, 0.0),
        (-0.0, 0.5, 0.0),
        (-0.0, inf, 0.0),
        // A magnitude of one.
        (-1.0, inf, 1.0),
        (-1.0, -inf, 1.0),
        (1.0, nan, 1.0),
        (1.0, inf, 1.0),
        (-1.0, odd, -1.0),
        (-1.0, even, 1.0),
        (-1.0, f32::MAX, 1.0),
        (-1.0, 0.5, nan),
        // A zero exponent.
        (nan, 0.0, 1.0),
        (nan, -0.0, 1.0),
        (inf, 0.0, 1.0),
        (0.0, -0.0, 1.0),
        (-2.0, 0.0, 1.0),
        // A negative base.
        (-2.0, 3.0, -8.0),
        (-2.0, -3.0, -0.125),
        (-2.0, 2.0, 4.0),
        (-2.0, 0.5, nan),
        (-2.0, fraction, nan),
        (-2.0, odd, -inf),
        (-2.0, -odd, -0.0),
        (-2.0, even, inf),
        (-2.0, inf, inf),
        (-2.0, -inf, 0.0),
        (-f32::MIN_POSITIVE, 1.0, -f32::MIN_POSITIVE),
        // An infinite exponent.
        (0.5, -inf, inf),
        (-0.5, -inf, inf),
        (0.5, inf, 0.0),
        (2.0, -inf, 0.0),
        (2.0, inf, inf),
        // An infinite base.
        (-inf, -3.0, -0.0),
        (-inf, -2.0, 0.0),
        (-inf, -0.5, 0.0),
        (-inf, 3.0, -inf),
        (-inf, 2.0, inf),
        (-inf, 0.5, inf),
        (-inf, inf, inf),
        (-inf, -inf, 0.0),
        (inf, -0.5, 0.0),
        (inf, 0.5, inf),
        (inf, inf, inf),
        // NaN.
        (nan, 1.0, nan),
        (nan, inf, nan),
        (2.0, nan, nan),
        (0.0, nan, nan),
        (inf, nan, nan),
        (-1.0, nan, nan),
        // Overflow, underflow, and the numbers next to them.
        (2.0, 127.0, 127_f32.exp2()),
        (2.0, 128.0, inf),
        (2.0, -149.0, f32::from_bits(1)),
        (2.0, -151.0, 0.0),
        (f32::from_bits(1), 1.0, f32::from_bits(1)),
        (f32::MAX, 1.0, f32::MAX),
        (f32::MAX, f32::MAX, inf),
        (f32::MAX, -f32::MAX, 0.0),
        (2.0, f32::from_bits(1), 1.0),
        (0.5, f32::from_bits(1), 1.0),
    ];
    for (x, y, want) in cases {
        let got = pow::<Portable>(x, y);
        assert!(same(got, want), "pow({x:e}, {y:e}) = {got:e}, not {want:e}");
    }
}
