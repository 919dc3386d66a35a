//! `assign` and `update` on strided outputs: what they write, and what they must leave alone.

use crate::oracle::pcg32;
use crate::real::{Real, assert_same};
use crate::samples::{Sample, large_shapes, plain, positions, shapes, special, views};
use minitorch_core::backend::View;
use minitorch_core::isa::Portable;
use minitorch_core::ops::binary::{Add, Mul};
use minitorch_core::ops::special::{AdadeltaStep, AdamStep, AddScaled, Decay, DecaySquare};
use minitorch_core::ops::unary::{Exp, Relu};
use minitorch_core::ops::{Grad, Op};
use minitorch_core::{Backend, Layout};

/// Copies from every layout into every layout that has a place for each element.
///
/// # Panics
/// If a device differs from the definition.
pub fn assign<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    each_pair(&mut |out: &Sample<B::Elem>, from| {
        let mut expected = out.data.clone();
        for (at, value) in positions(&out.layout).zip(from.elements()) {
            expected[at] = value;
        }
        changed(devices, "assign", out, &expected, |device, buffer| {
            let source = from.upload(device);
            device.assign(buffer, &out.layout, View::new(&source, from.layout))
        });
    });
}

/// Operations in place: on nothing but the old value, and with one and two operands.
///
/// # Panics
/// If a device differs from the definition.
pub fn update<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    each_pair(&mut |out: &Sample<B::Elem>, from| {
        one(devices, Exp, out, []);
        one(devices, Relu, out, []);
        one(devices, Add, out, [from]);
        one(devices, Mul, out, [from]);
        one(devices, AddScaled { factor: -0.1 }, out, [from]);
        one(
            devices,
            Decay {
                keep: 0.9,
                gain: 1.0,
            },
            out,
            [from],
        );
        one(devices, DecaySquare { keep: 0.99 }, out, [from]);
        one(devices, Grad(Exp), out, [from]);
        one(devices, Grad(Relu), out, [from]);
        let mean = Sample {
            data: out.data.clone(),
            ..*out
        };
        one(
            devices,
            AdamStep {
                rate: 0.01,
                scale: 3.0,
                epsilon: 1e-8,
            },
            out,
            [&mean, from],
        );
        one(devices, AdadeltaStep { epsilon: 1e-6 }, out, [&mean, from]);
    });
}

/// Many updates in a row, of halves of a few buffers by one another: a device may do some together, but has to find out which
/// of them wait for which.
///
/// # Panics
/// If a device differs from the definition.
pub fn sequences<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    // More than a group of threads of a GPU.
    const HALF: usize = 300;
    for (number, device) in devices.iter().enumerate() {
        let mut random = pcg32(7, 7);
        let mut below = |count: usize| random.next().expect("a number") as usize % count;
        let mut host: Vec<Vec<B::Elem>> = (0..12)
            .map(|seed| (0..2 * HALF).map(|at| plain(seed, at)).collect())
            .collect();
        let mut buffers: Vec<B::Buffer> = host
            .iter()
            .map(|data| device.upload(data).expect("upload"))
            .collect();
        for step in 0..600 {
            let [out, from] = [below(host.len()), below(host.len())];
            if out == from {
                continue;
            }
            let [to_half, from_half] = [below(2), below(2)];
            let factor = if below(2) == 0 { -0.125 } else { 0.25 };
            let average = Decay {
                keep: 0.5,
                gain: factor,
            };
            let descend = AddScaled { factor };
            let by_average = below(3) == 0;
            for i in 0..HALF {
                let x = [
                    host[out][to_half * HALF + i],
                    host[from][from_half * HALF + i],
                ];
                host[out][to_half * HALF + i] = match by_average {
                    true => average.eval::<Portable, B::Elem>(x),
                    false => descend.eval::<Portable, B::Elem>(x),
                };
            }
            let half = |half: usize| {
                let all = Layout::contiguous([2 * HALF]).expect("a shape");
                all.narrow(0, half * HALF, HALF).expect("a half")
            };
            let mut changed = std::mem::replace(
                &mut buffers[out],
                device.full(0, B::Elem::default()).expect("none"),
            );
            let operand = View::new(&buffers[from], half(from_half));
            let done = match by_average {
                true => device.update(average, &mut changed, &half(to_half), [operand]),
                false => device.update(descend, &mut changed, &half(to_half), [operand]),
            };
            done.expect("an update");
            buffers[out] = changed;
            // Now and then the device has to be done, in the middle of things.
            if step % 150 == 149 {
                for (at, (buffer, expected)) in buffers.iter().zip(&host).enumerate() {
                    let mut actual = vec![B::Elem::default(); 2 * HALF];
                    device.download(buffer, &mut actual).expect("download");
                    assert_same(&actual, expected, &|| {
                        format!("buffer {at} after {step} updates on device {number}")
                    });
                }
            }
        }
    }
}

fn each_pair<E: Real>(check: &mut dyn FnMut(&Sample<E>, &Sample<E>)) {
    for shape in shapes().into_iter().chain(large_shapes()) {
        let outs: Vec<Sample<E>> = views(&shape, &|at| special(11, at))
            .into_iter()
            .filter(|out| no_overlap(out))
            .collect();
        let sources = views(&shape, &|at| special(12, at));
        for (number, out) in outs.iter().enumerate() {
            check(out, &sources[0]);
            check(out, &sources[(2 * number + 1) % sources.len()]);
        }
        for source in &sources {
            check(&outs[0], source);
        }
    }
}

/// Whether each element has a position of its own.
fn no_overlap<E>(sample: &Sample<E>) -> bool {
    let mut seen = vec![false; sample.data.len()];
    positions(&sample.layout).all(|at| !std::mem::replace(&mut seen[at], true))
}

fn one<B: Backend, O: Op<M>, const N: usize, const M: usize>(
    devices: &[B],
    op: O,
    out: &Sample<B::Elem>,
    operands: [&Sample<B::Elem>; N],
) where
    B::Elem: Real,
{
    let elements = operands.map(Sample::elements);
    let mut expected = out.data.clone();
    for (i, at) in positions(&out.layout).enumerate() {
        let mut x: Vec<B::Elem> = elements.iter().map(|operand| operand[i]).collect();
        x.insert(O::IN_PLACE, out.data[at]);
        let x = x.try_into().expect("as many operands");
        expected[at] = op.eval::<Portable, B::Elem>(x);
    }
    changed(devices, O::NAME, out, &expected, |device, buffer| {
        let buffers = operands.map(|sample| sample.upload(device));
        let views = std::array::from_fn(|k| View::new(&buffers[k], operands[k].layout));
        device.update::<N, M, O>(op, buffer, &out.layout, views)
    });
}

/// Compares the whole buffer after `change`.
fn changed<B: Backend>(
    devices: &[B],
    what: &str,
    out: &Sample<B::Elem>,
    expected: &[B::Elem],
    change: impl Fn(&B, &mut B::Buffer) -> minitorch_core::Result<()>,
) where
    B::Elem: Real,
{
    for (number, device) in devices.iter().enumerate() {
        let case = || {
            format!(
                "{what} into {} {:?} on device {number}",
                out.name,
                out.shape()
            )
        };
        let mut buffer = out.upload(device);
        change(device, &mut buffer).unwrap_or_else(|error| panic!("{}: {error}", case()));
        let mut actual = vec![B::Elem::default(); out.data.len()];
        device.download(&buffer, &mut actual).expect("download");
        assert_same(&actual, expected, &case);
    }
}
