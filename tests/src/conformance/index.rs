//! Reading and writing by whole numbers, and random numbers by position.

use super::agree;
use crate::oracle::pcg32;
use crate::real::{Real, assert_same};
use crate::samples::{plain, small, special, ties, views, whole};
use minitorch_core::backend::View;
use minitorch_core::isa::Portable;
use minitorch_core::ops::special::Keep;
use minitorch_core::{Backend, Element, Generator};

/// Rows of a table, and their sum back into one.
///
/// # Panics
/// If a device differs from the definition.
pub fn rows<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for [v, d, n] in [
        [5, 3, 7],
        [1, 1, 1],
        [4, 0, 2],
        [3, 2, 0],
        [9, 17, 30],
        [50, 70, 400],
    ] {
        let index: Vec<u32> = (0..n).map(|i| (i * i + 3) as u32 % v as u32).collect();
        for table in views(&[v, d], &|at| special::<B::Elem>(21, at)) {
            let elements = table.elements();
            let row = |&row: &u32| elements[row as usize * d..][..d].to_vec();
            let expected: Vec<_> = index.iter().flat_map(row).collect();
            agree(devices, "rows", [&table], &expected, |device, [table]| {
                device.rows(table, &device.upload_index(&index)?, n)
            });
        }
        for rows in views(&[n, d], &|at| special::<B::Elem>(22, at)) {
            let elements = rows.elements();
            let mut expected = vec![B::Elem::ZERO; v * d];
            for (i, &row) in index.iter().enumerate() {
                for column in 0..d {
                    let sum = &mut expected[row as usize * d + column];
                    *sum = *sum + elements[i * d + column];
                }
            }
            agree(devices, "rows_add", [&rows], &expected, |device, [rows]| {
                device.rows_add(rows, &device.upload_index(&index)?, v)
            });
        }
    }
}

/// One element along an axis, and back to its place.
///
/// # Panics
/// If a device differs from the definition.
pub fn pick_and_place<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for [outer, n, inner] in [
        [5, 3, 1],
        [2, 4, 6],
        [0, 3, 2],
        [2, 3, 0],
        [1, 1, 1],
        [150, 3, 140],
    ] {
        let index: Vec<u32> = (0..outer * inner)
            .map(|i| (i * 7 + 1) as u32 % n as u32)
            .collect();
        let place = |i: usize| (i / inner * n + index[i] as usize) * inner + i % inner;
        for x in views(&[outer, n, inner], &|at| special::<B::Elem>(23, at)) {
            let elements = x.elements();
            let expected: Vec<_> = (0..index.len()).map(|i| elements[place(i)]).collect();
            agree(devices, "pick", [&x], &expected, |device, [x]| {
                device.pick(x, &device.upload_index(&index)?)
            });
        }
        for x in views(&[outer, inner], &|at| special::<B::Elem>(24, at)) {
            let mut expected = vec![B::Elem::ZERO; outer * n * inner];
            for (i, value) in x.elements().into_iter().enumerate() {
                expected[place(i)] = value;
            }
            agree(devices, "place", [&x], &expected, |device, [x]| {
                device.place(x, &device.upload_index(&index)?, n)
            });
        }
    }
}

/// Products with what [`pick_and_place`] places: elements of every kind, so that products are rounded to 0, or not finite.
///
/// # Panics
/// If a device differs from the definition.
pub fn place_matmul<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for [outer, n, inner, k] in [
        [5, 3, 1, 4],
        [2, 4, 6, 37],
        [0, 3, 2, 5],
        [2, 3, 0, 5],
        [2, 3, 2, 0],
        [40, 9, 30, 70],
    ] {
        let index: Vec<u32> = (0..outer * inner)
            .map(|i| whole(25, i, n as u64) as u32)
            .collect();
        for values in [plain::<B::Elem>, ties, special, small] {
            for (g, rows) in views(&[outer, inner], &|at| values(26, at))
                .iter()
                .zip(&views(&[outer * n, k], &|at| values(27, at)))
            {
                let (gs, all) = (g.elements(), rows.elements());
                let mut expected = Vec::new();
                for j in 0..inner {
                    for i in 0..k {
                        // All rows, in order: a gradient of 0 counts, too.
                        let mut sum = B::Elem::ZERO;
                        for row in 0..outer * n {
                            let at = row / n * inner + j;
                            let here = index[at] as usize == row % n;
                            let g = if here { gs[at] } else { B::Elem::ZERO };
                            sum = B::Elem::fma::<Portable>(g, all[row * k + i], sum);
                        }
                        expected.push(sum);
                    }
                }
                agree(
                    devices,
                    "place_matmul",
                    [g, rows],
                    &expected,
                    |device, [g, rows]| {
                        device.place_matmul(g, &device.upload_index(&index)?, n, rows)
                    },
                );
            }
        }
    }
}

/// Uniform and normal numbers, from the start of a stream and from far along it.
///
/// # Panics
/// If a device differs from the definition.
pub fn random<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for (seed, skip, count) in [(0, 0, 0), (1, 0, 1), (2, 5, 513), (u64::MAX, 1001, 20_000)] {
        let mut draw = Generator::new(seed);
        draw.skip(skip as u64);
        let outputs: Vec<u32> = pcg32(seed, 0).skip(skip).take(2 * count).collect();
        let unit = |output: u32| f64::from(output >> 8) / 16_777_216.0;
        let uniform: Vec<B::Elem> = outputs[..count]
            .iter()
            .map(|&x| B::Elem::from_f64(unit(x)))
            .collect();
        let normal: Vec<B::Elem> = outputs
            .chunks_exact(2)
            .map(|pair| {
                let [u, v] = [1.0 - unit(pair[0]), unit(pair[1])].map(B::Elem::from_f64);
                let radius = (B::Elem::from_f64(-2.0) * u.log::<Portable>()).sqrt::<Portable>();
                radius * (B::Elem::from_f64(std::f64::consts::TAU) * v).cos::<Portable>()
            })
            .collect();
        for (number, device) in devices.iter().enumerate() {
            let download = |buffer| {
                let mut out = vec![B::Elem::default(); count];
                device.download(&buffer, &mut out).expect("download");
                out
            };
            let drawn = download(device.uniform(count, &draw).expect("uniform"));
            assert_same(&drawn, &uniform, &|| format!("uniform on device {number}"));
            let drawn = download(device.normal(count, &draw).expect("normal"));
            assert_same(&drawn, &normal, &|| format!("normal on device {number}"));
        }
    }
}

/// Dropout of elements in every layout, with its mask, from the start of a stream and from far along it; probabilities that
/// keep all, some and none, some of them to the bit what is drawn.
///
/// # Panics
/// If a device differs from the definition.
pub fn dropout<B: Backend>(devices: &[B])
where
    B::Elem: Real,
{
    for (seed, skip, shape) in [
        (0, 0, [0, 3]),
        (1, 0, [1, 1]),
        (2, 5, [16, 64]),
        (u64::MAX, 1001, [7, 37]),
    ] {
        let mut draw = Generator::new(seed);
        draw.skip(skip as u64);
        let outputs = pcg32(seed, 0).skip(skip).take(shape[0] * shape[1]);
        let unit = |output: u32| f64::from(output >> 8) / 16_777_216.0;
        let drawn: Vec<f64> = outputs.map(unit).collect();
        let tie = drawn.get(drawn.len() / 2).copied().unwrap_or(0.5);
        for (p, scale) in [
            (0.0, 1.0),
            (0.25, 1.0 / 0.75),
            (tie, 1.0 / (1.0 - tie)),
            (1.0, 0.0),
        ] {
            let factor = |&drawn: &f64| if drawn < p { 0.0 } else { scale };
            let mask: Vec<B::Elem> = drawn
                .iter()
                .map(|drawn| B::Elem::from_f64(factor(drawn)))
                .collect();
            for x in views(&shape, &|at| special::<B::Elem>(28, at)) {
                let products = x.elements().into_iter().zip(&mask);
                let out: Vec<B::Elem> = products.map(|(x, &factor)| x * factor).collect();
                let dropped =
                    |device: &B, x: View<'_, B>| device.dropout(x, Keep { p, scale }, &draw);
                agree(devices, "dropout", [&x], &out, |device, [x]| {
                    dropped(device, x).map(|[out, _]| out)
                });
                agree(devices, "dropout's mask", [&x], &mask, |device, [x]| {
                    dropped(device, x).map(|[_, mask]| mask)
                });
            }
        }
    }
}
