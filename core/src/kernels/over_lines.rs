//! Convolutions whose tiles go over the ends of lines, which the portable level never does: the same bits there.

use crate::Cpu;
use crate::backend::{Backend, View, Window};
use crate::executor::Backwards;
use crate::isa::Level;
use crate::layout::Layout;
use alloc::vec::Vec;

/// `[2, channels, ..]` through `window` to so many rows, and the gradient of the former.
fn check(channels: usize, rows: usize, window: &Window, workers: usize) {
    let run = |level| {
        let cpu = Cpu::<f32>::builder()
            .level(level)
            .executor(Backwards(workers))
            .build();
        let tensor = |[a, b]: [usize; 2], [h, w]: [usize; 2]| {
            let layout = Layout::contiguous([a, b, h, w]).unwrap();
            let values = (0..layout.elements()).map(|n| (n as f32 * 0.37).sin());
            (cpu.upload(&values.collect::<Vec<_>>()).unwrap(), layout)
        };
        let x = tensor([2, channels], window.input);
        let weight = tensor([rows, channels], window.kernel);
        let g = tensor([2, rows], window.output);
        let [x, weight, g] = [&x, &weight, &g].map(|(buffer, layout)| View::new(buffer, *layout));
        let y = cpu.conv2d(x, weight, window).unwrap();
        let grad = cpu.conv2d_input_grad(g, weight, window).unwrap();
        let values = y.as_slice().iter().chain(grad.as_slice());
        values.map(|y| y.to_bits()).collect::<Vec<_>>()
    };
    let expected = run(Level::PORTABLE);
    for level in Level::supported() {
        assert!(run(level) == expected, "{level:?}, {workers}: {window:?}");
    }
}

fn window(output: [usize; 2], kernel: [usize; 2], stride: [usize; 2], before: usize) -> Window {
    let input = [0, 1]
        .map(|axis| ((output[axis] - 1) * stride[axis] + kernel[axis]).saturating_sub(2 * before));
    Window {
        kernel,
        stride,
        before: [before; 2],
        input,
        output,
    }
}

#[test]
fn tiles_over_the_ends_of_lines_change_no_bit() {
    // Widths around multiples of a vector; heights of one line and several; a last tile of one row to four.
    for (n, width) in (8..70).enumerate() {
        for (channels, tap, before) in [(15, 3, 1), (16, 3, 0), (6, 5, 2), (6, 5, 0)] {
            let window = window([1 + n % 5, width], [tap; 2], [1; 2], before);
            if !window.input.contains(&0) {
                check(channels, 12 + n % 4, &window, 1 + n % 3);
            }
        }
    }
}

#[test]
fn what_cannot_go_over_the_ends_of_lines_does_not() {
    // Lines of the gradient of a stride are apart, and so are columns.
    for (stride, width) in [([2, 1], 26), ([1, 2], 13), ([2, 2], 21)] {
        check(4, 15, &window([4, width], [5, 5], stride, 2), 2);
    }
    // More taps than a table holds: sums go on from what is in the output.
    check(1100, 3, &window([3, 20], [1, 1], [1, 1], 0), 1);
}
