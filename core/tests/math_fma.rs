//! The software fused multiply-adds against the instruction.
//!
//! The reference is reached through [`Level`], never `libm`: without the instruction the tests say so and pass.

use minitorch_core::isa::{Isa, Kernel, Level};
use minitorch_core::math::fma;
use std::thread;

mod math_support;
use math_support::{Random, same};

/// Triples of numbers that are hard to multiply and add.
struct Triples(Random);

impl Triples {
    /// Uniform in `0..n`.
    fn below(&mut self, n: u32) -> u32 {
        (((self.0.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// A significand of few ones, or of almost only ones: what makes ties and long carries.
    fn significand(&mut self) -> u32 {
        let bits = (1 << self.below(23)) | (1 << self.below(23));
        match self.below(4) {
            0 => self.0.next() as u32 & 0x007f_ffff,
            1 => bits,
            2 => bits & (self.0.next() as u32),
            _ => 0x007f_ffff & !bits,
        }
    }

    /// A number with the given exponent field, or one near a boundary if that is out of range.
    fn number(&mut self, field: i32) -> f32 {
        let field = field.clamp(0, 254) as u32;
        let sign = self.below(2) << 31;
        f32::from_bits(sign | (field << 23) | self.significand())
    }

    fn next(&mut self) -> [f32; 3] {
        match self.below(8) {
            // Any bit patterns: infinities and NaN now and then, and very different magnitudes.
            0 => [(); 3].map(|()| f32::from_bits(self.0.next() as u32)),
            // The addend near the product, so that they cancel or just overlap; anywhere from subnormal to overflow.
            1..=3 => {
                let (a, b) = (self.below(255) as i32, self.below(255) as i32);
                let near = a + b - 127 + self.below(60) as i32 - 30;
                [self.number(a), self.number(b), self.number(near)]
            }
            // The addend next to minus the product: what is left is the product's rounding error.
            4 => {
                let (a, b) = (self.below(120) as i32 + 70, self.below(120) as i32 + 70);
                let (a, b) = (self.number(a), self.number(b));
                let steps = self.below(5) as i32 - 2;
                [
                    a,
                    b,
                    f32::from_bits((-(a * b)).to_bits().wrapping_add_signed(steps)),
                ]
            }
            // Products around the smallest and the largest numbers.
            5 => {
                let a = self.below(255) as i32;
                let edge = if self.below(2) == 0 { 0 } else { 254 };
                let b = edge + 127 - a + self.below(52) as i32 - 26;
                let c = edge + self.below(52) as i32 - 26;
                [self.number(a), self.number(b), self.number(c)]
            }
            // A sum half-way between two numbers but for something far smaller: the plain cast's trap.
            6 => {
                let up = self.below(100) as i32;
                let power = |exponent: i32| f32::from_bits(((127 + exponent) as u32) << 23);
                if self.below(2) == 0 {
                    // (1 + d) (1 - d) = 1 - d^2 times half a unit in the last place of `c`.
                    let d = power(-1 - self.below(23) as i32);
                    let c = self.number(127 + up);
                    [(1.0 + d) * power(up), (1.0 - d) * power(-24), c]
                } else {
                    // An odd product of 25 bits or so.
                    let a = ((1 << 12) | self.below(1 << 12) | 1) as f32;
                    let b = ((1 << 11) | self.below(1 << 12) | 1) as f32;
                    let down = self.below(100) as i32;
                    let c = self.number(126 + up - down);
                    [a * power(up), b, c]
                }
            }
            // Zeros, ones, infinities, NaN and the extreme numbers in all combinations.
            _ => [(); 3].map(|()| {
                let special = SPECIAL[self.below(SPECIAL.len() as u32) as usize];
                if self.below(2) == 0 {
                    special
                } else {
                    -special
                }
            }),
        }
    }
}

const SPECIAL: [f32; 14] = [
    0.0,
    1.0,
    0.5,
    f32::INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN_POSITIVE,
    f32::EPSILON,
    f32::from_bits(1),
    f32::from_bits(0x007f_ffff),
    f32::from_bits(0x3f80_0001),
    f32::from_bits(0x3f7f_ffff),
    f32::from_bits(0x2000_0000), // 2^-63
    f32::from_bits(0x1f80_0001),
];

struct Fused<'a>(&'a [[f32; 3]], &'a mut Vec<f32>);

impl Kernel for Fused<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.1.clear();
        self.1
            .extend(self.0.iter().map(|&[a, b, c]| I::fma_f32(a, b, c)));
    }
}

/// Compares `cases` random triples; returns how many of them a plain double-precision sum gets wrong.
fn compare(hardware: Level, seed: u64, cases: usize) -> usize {
    const CHUNK: usize = 4096;
    let mut source = Triples(Random(seed));
    let mut expected = Vec::with_capacity(CHUNK);
    let mut trapped = 0;
    for start in (0..cases).step_by(CHUNK) {
        let triples: Vec<_> = (start..cases.min(start + CHUNK))
            .map(|_| source.next())
            .collect();
        hardware.run(Fused(&triples, &mut expected));
        for (&[a, b, c], &want) in triples.iter().zip(&expected) {
            for (path, got) in [
                ("through_f64", fma::through_f64(a, b, c)),
                ("integer", fma::integer(a, b, c)),
            ] {
                assert!(
                    same(got, want),
                    "{path}({a:e}, {b:e}, {c:e}) = {got:e}, the CPU says {want:e}"
                );
            }
            let twice = (f64::from(a) * f64::from(b) + f64::from(c)) as f32;
            trapped += usize::from(!same(twice, want));
        }
    }
    trapped
}

fn compare_on_two_threads(cases: usize) {
    // Level::PORTABLE is the instruction itself only where the target's baseline has one.
    let Some(hardware) = Level::supported().find(|level| *level != Level::PORTABLE) else {
        println!("skipped: no fused multiply-add instruction to compare with");
        return;
    };
    let halves = [1, 2].map(|seed| thread::spawn(move || compare(hardware, seed << 32, cases / 2)));
    let trapped: usize = halves.map(|half| half.join().unwrap()).iter().sum();
    println!(
        "{cases} cases right on both paths; a plain double-precision sum is wrong on {trapped}"
    );
    assert!(
        trapped > 0,
        "no case of the kind that needs rounding to odd"
    );
}

#[test]
fn random_cases_match_the_instruction() {
    compare_on_two_threads(2_000_000);
}

#[test]
#[ignore = "seconds in a release build"]
fn many_random_cases_match_the_instruction() {
    compare_on_two_threads(200_000_000);
}

#[test]
fn designed_cases_have_known_results() {
    let ulp = f32::EPSILON;
    let tiny = f32::from_bits(1);
    let cases = [
        // Ties go to even; the smallest amount beside the tie decides it.
        ([ulp / 2.0, 1.0, 1.0], 1.0),
        ([ulp / 2.0, 1.0, 1.0 + ulp], 1.0 + 2.0 * ulp),
        ([ulp / 2.0, 1.0 + ulp, 1.0], 1.0 + ulp),
        ([ulp / 2.0, 1.0 - ulp / 2.0, 1.0 + ulp], 1.0 + ulp),
        // The product's rounding error survives.
        ([1.0 + ulp, 1.0 + ulp, -(1.0 + 2.0 * ulp)], ulp * ulp),
        ([1.0 + ulp, 1.0 - ulp, -1.0], -ulp * ulp),
        // Just right of a tie by 2^-60, which a double cannot hold next to it.
        ([ulp / 2.0 * (1.0 + ulp), 1.0 + ulp, 1.0], 1.0 + ulp),
        ([tiny, tiny, 1.0 + ulp], 1.0 + ulp),
        ([tiny, -tiny, f32::MAX], f32::MAX),
        // Subnormal results, ties among them, and underflow to a zero with the product's sign.
        ([tiny, 0.5, 0.0], 0.0),
        ([tiny, 0.5, tiny], 2.0 * tiny),
        ([tiny, 1.5, 0.0], 2.0 * tiny),
        ([tiny, -0.25, 0.0], -0.0),
        ([tiny, 0.5, -f32::MIN_POSITIVE], -f32::MIN_POSITIVE),
        ([f32::MIN_POSITIVE, 1.0, -tiny], f32::from_bits(0x007f_ffff)),
        // Overflow of the product alone does not overflow the sum.
        ([f32::MAX, 2.0, -f32::MAX], f32::MAX),
        ([f32::MAX, 2.0, f32::NEG_INFINITY], f32::NEG_INFINITY),
        ([f32::MAX, 1.0, f32::MAX * ulp / 4.0], f32::MAX),
        ([f32::MAX, 1.0, f32::MAX * ulp / 2.0], f32::INFINITY),
        // Exact cancellation is +0; only two negative zeros sum to one.
        ([1.0, 1.0, -1.0], 0.0),
        ([-0.0, 1.0, -0.0], -0.0),
        ([-0.0, 1.0, 0.0], 0.0),
        ([0.0, 1.0, -tiny], -tiny),
        // Invalid operations.
        ([0.0, f32::INFINITY, 1.0], f32::NAN),
        ([1.0, f32::INFINITY, f32::NEG_INFINITY], f32::NAN),
        ([f32::NAN, 0.0, 0.0], f32::NAN),
        ([1.0, 1.0, f32::NAN], f32::NAN),
    ];
    for ([a, b, c], want) in cases {
        for got in [
            fma::f32(a, b, c),
            fma::through_f64(a, b, c),
            fma::integer(a, b, c),
        ] {
            assert!(
                same(got, want),
                "fma({a:e}, {b:e}, {c:e}) = {got:e}, not {want:e}"
            );
        }
    }
}

struct FusedDouble<'a>(&'a [[f64; 3]], &'a mut Vec<f64>);

impl Kernel for FusedDouble<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.1.clear();
        self.1
            .extend(self.0.iter().map(|&[a, b, c]| I::fma_f64(a, b, c)));
    }
}

#[test]
fn double_precision_matches_the_instruction() {
    let mut random = Random(5);
    let triples: Vec<_> = (0..300_000)
        .map(|_| {
            let [a, b, c] = [(); 3].map(|()| f64::from_bits(random.next()));
            // Half of them random, half with an addend that nearly cancels the product.
            match random.next() % 4 {
                0 => [
                    a,
                    b,
                    f64::from_bits((-(a * b)).to_bits() ^ (random.next() & 3)),
                ],
                1 => [a, b, -(a * b) * (random.next() % 4) as f64],
                _ => [a, b, c],
            }
        })
        .collect();
    let (mut expected, mut got) = (Vec::new(), Vec::new());
    Level::PORTABLE.run(FusedDouble(&triples, &mut expected));
    for level in Level::supported() {
        level.run(FusedDouble(&triples, &mut got));
        for ((triple, want), got) in triples.iter().zip(&expected).zip(&got) {
            let same = want.to_bits() == got.to_bits() || (want.is_nan() && got.is_nan());
            assert!(same, "fma{triple:?}: {want:e} portable, {got:e} {level:?}");
        }
    }
}
