//! The double-precision functions: close to the system's, and the special values.

use minitorch_core::math::double;

/// The larger of the two numbers' units in the last place.
fn ulp(x: f64) -> f64 {
    f64::from_bits(x.abs().to_bits() + 1) - x.abs()
}

#[test]
fn functions_agree_with_the_system_library() {
    type Function = fn(f64) -> f64;
    let pairs: [(&str, Function, Function); 7] = [
        ("exp", double::exp, f64::exp),
        ("log", double::log, f64::ln),
        ("tanh", double::tanh, f64::tanh),
        ("sigmoid", double::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        ("sin", double::sin, f64::sin),
        ("cos", double::cos, f64::cos),
        ("sqrt", double::sqrt, f64::sqrt),
    ];
    for i in 0..20_000 {
        let x = f64::from(i) * 0.001_234_5 - 12.0;
        for (name, ours, system) in pairs {
            let (got, want) = (ours(x), system(x));
            let close = (got - want).abs() <= 4.0 * ulp(want) || (got.is_nan() && want.is_nan());
            assert!(close, "{name}({x}) = {got}, the system says {want}");
        }
        let (got, want) = (double::pow(x.abs(), 1.7), x.abs().powf(1.7));
        assert!(
            (got - want).abs() <= 4.0 * ulp(want),
            "pow({x}, 1.7) = {got}, not {want}"
        );
    }
}

#[test]
fn erf_has_known_values() {
    assert_eq!(double::erf(0.0), 0.0);
    assert_eq!(double::erf(f64::INFINITY), 1.0);
    assert!((double::erf(0.5) - 0.520_499_877_813_046_5).abs() < 2e-16);
    assert!((double::erf(-1.0) + 0.842_700_792_949_714_9).abs() < 2e-16);
}

#[test]
fn sigmoid_is_stable_at_both_ends() {
    assert_eq!(double::sigmoid(f64::NEG_INFINITY), 0.0);
    assert_eq!(double::sigmoid(f64::INFINITY), 1.0);
    assert_eq!(double::sigmoid(-720.0), (-720_f64).exp());
    assert!(double::sigmoid(f64::NAN).is_nan());
}
