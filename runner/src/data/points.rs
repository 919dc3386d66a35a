//! MiniTorch's six sets of points in the unit square, each point in one of two classes.

use clap::ValueEnum;
use minitorch_core::Element;
use minitorch_core::isa::Portable;

/// Which points belong to the second class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pattern {
    /// Those left of the middle: `x < 0.5`.
    Simple,
    /// Those below a diagonal: `x + y < 0.5`.
    Diag,
    /// Those at the left and right edges: `x < 0.2` or `x > 0.8`.
    Split,
    /// Those in two opposite quarters: just one of `x < 0.5`, `y < 0.5`.
    Xor,
    /// Those outside of a circle around the middle: `(x - 0.5)^2 + (y - 0.5)^2 > 0.1`.
    Circle,
    /// Those on the second of two arms that wind around each other. No chance is involved.
    Spiral,
}

/// A point and its class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where it is, `[x, y]`.
    pub at: [f64; 2],
    /// Whether it is in the second class.
    pub class: bool,
}

impl Pattern {
    /// So many points; `uniform` gives numbers in `[0, 1)`, two for each point, in order.
    ///
    /// A spiral has two arms of `count / 2` points each.
    ///
    /// ```
    /// use minitorch_core::Generator;
    /// use runner::data::Pattern;
    ///
    /// let mut rng = Generator::new(0);
    /// let points = Pattern::Xor.points(50, || rng.uniform());
    /// assert!(points.iter().all(|point| point.class == ((point.at[0] < 0.5) != (point.at[1] < 0.5))));
    /// ```
    pub fn points(self, count: usize, mut uniform: impl FnMut() -> f64) -> Vec<Point> {
        if self == Self::Spiral {
            return spiral(count / 2);
        }
        let point = |_| {
            let at = [uniform(), uniform()];
            Point {
                at,
                class: self.class(at),
            }
        };
        (0..count).map(point).collect()
    }

    /// The class of a point that was drawn at random.
    fn class(self, [x, y]: [f64; 2]) -> bool {
        match self {
            Self::Simple => x < 0.5,
            Self::Diag => x + y < 0.5,
            Self::Split => !(0.2..=0.8).contains(&x),
            Self::Xor => (x < 0.5 && y > 0.5) || (x > 0.5 && y < 0.5),
            Self::Circle => (x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5) > 0.1,
            Self::Spiral => false,
        }
    }
}

/// Two arms of `half` points: at angle and distance `t / 20` for `t` from a quarter turn on, and the same mirrored.
fn spiral(half: usize) -> Vec<Point> {
    let arm = |class: bool| {
        (5..half + 5).map(move |i| {
            let t = 10.0 * i as f64 / half as f64;
            // Core's own cosine: the system's may differ in the last bit from one machine to another.
            let (cos, sin) = (Element::cos::<Portable>(t), Element::sin::<Portable>(t));
            let [along, across] = [t * cos / 20.0, t * sin / 20.0];
            let at = match class {
                false => [along + 0.5, across + 0.5],
                true => [across + 0.5, 0.5 - along],
            };
            Point { at, class }
        })
    };
    arm(false).chain(arm(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minitorch_core::Generator;

    const ALL: [Pattern; 6] = [
        Pattern::Simple,
        Pattern::Diag,
        Pattern::Split,
        Pattern::Xor,
        Pattern::Circle,
        Pattern::Spiral,
    ];

    #[test]
    fn every_pattern_has_both_classes_and_stays_in_the_square() {
        for pattern in ALL {
            let mut rng = Generator::new(0);
            let points = pattern.points(200, || rng.uniform());
            assert_eq!(points.len(), 200);
            let second = points.iter().filter(|point| point.class).count();
            assert!((20..=180).contains(&second), "{pattern:?}: {second}");
            let inside = |x: &f64| (0.0..1.0).contains(x);
            assert!(
                points.iter().all(|point| point.at.iter().all(inside)),
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn borders_belong_to_the_class_that_minitorch_gives_them() {
        assert!(!Pattern::Simple.class([0.5, 0.0]));
        assert!(!Pattern::Diag.class([0.25, 0.25]));
        assert!(!Pattern::Split.class([0.2, 0.0]) && !Pattern::Split.class([0.8, 0.0]));
        assert!(!Pattern::Xor.class([0.5, 0.6]) && !Pattern::Xor.class([0.4, 0.5]));
        assert!(!Pattern::Circle.class([0.5, 0.5]) && Pattern::Circle.class([0.0, 0.5]));
    }

    /// The first point of each arm of MiniTorch's `datasets.spiral(50)`.
    #[test]
    fn the_arms_of_the_spiral_are_minitorchs() {
        let points = Pattern::Spiral.points(50, || panic!("no chance is involved"));
        let expected = [
            (0, [0.4583853163452858, 0.5909297426825681], false),
            (25, [0.5909297426825681, 0.5416146836547142], true),
        ];
        for (index, at, class) in expected {
            assert_eq!(points[index].class, class);
            for axis in 0..2 {
                assert!((points[index].at[axis] - at[axis]).abs() < 1e-15);
            }
        }
    }
}
