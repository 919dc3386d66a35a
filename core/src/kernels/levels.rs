//! Convolutions whose tiles go over the ends of lines, which the portable level never does: the same bits there.

use crate::Cpu;
use crate::backend::{Backend, View, Window};
use crate::isa::Level;
use crate::layout::Layout;
use alloc::vec::Vec;

#[test]
fn tiles_over_the_ends_of_lines_change_no_bit() {
    let (images, rows) = (2, 9);
    // Widths around multiples of a vector; one to three planes are the last tile.
    for (n, width) in (9..70).enumerate() {
        for (channels, tap, before) in [(15, 3, 1), (16, 3, 0), (6, 5, 2), (6, 5, 0)] {
            let height = 1 + n % 5;
            let input = [height, width].map(|size| size + tap - 1 - 2 * before);
            let window = Window {
                kernel: [tap; 2],
                stride: [1; 2],
                before: [before; 2],
                input,
                output: [height, width],
            };
            if input.contains(&0) {
                continue;
            }
            let run = |level| {
                let cpu = Cpu::<f32>::builder().level(level).build();
                let tensor = |shape: [usize; 4]| {
                    let layout = Layout::contiguous(shape).unwrap();
                    let values = (0..layout.elements()).map(|n| (n as f32 * 0.37).sin());
                    (cpu.upload(&values.collect::<Vec<_>>()).unwrap(), layout)
                };
                let rows = rows + n % 4;
                let x = tensor([images, channels, input[0], input[1]]);
                let weight = tensor([rows, channels, tap, tap]);
                let (x, weight) = (View::new(&x.0, x.1), View::new(&weight.0, weight.1));
                let y = cpu.conv2d(x, weight, &window).unwrap();
                y.as_slice().iter().map(|y| y.to_bits()).collect::<Vec<_>>()
            };
            let expected = run(Level::PORTABLE);
            for level in Level::supported() {
                assert!(run(level) == expected, "{level:?}: {window:?}");
            }
        }
    }
}
