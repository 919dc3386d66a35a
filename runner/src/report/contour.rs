//! Where a function is 0, by marching squares.

/// A stretch of the line, from one `[x, y]` to another.
pub type Segment = [[f64; 2]; 2];

/// The line on which a function is 0, given its values at the nodes of a square grid over `[0, 1]` by `[0, 1]`: rows of
/// `side` with ascending y, ascending x in each. Along the edges of a cell the function is taken to be linear.
///
/// A cell with opposite corners on either side has the two stretches that keep its centre with the sign of the sum of
/// its corners. A cell with a corner that is not finite has none.
///
/// ```
/// // x - 1/4 on the corners of the square.
/// let line = runner::report::contour(2, &[-0.25, 0.75, -0.25, 0.75]);
/// assert_eq!(line, [[[0.25, 0.0], [0.25, 1.0]]]);
/// ```
///
/// # Panics
///
/// If there are fewer than `side * side` values.
pub fn contour(side: usize, values: &[f64]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let cells = side.saturating_sub(1);
    for row in 0..cells {
        for column in 0..cells {
            // The corners in a circle: (x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1).
            let corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(|[x, y]| [column + x, row + y]);
            let heights = corners.map(|[x, y]| values[y * side + x]);
            if heights.iter().all(|height| height.is_finite()) {
                let at = corners.map(|corner| corner.map(|i| i as f64 / cells as f64));
                cell(at, heights, &mut segments);
            }
        }
    }
    segments
}

fn cell(at: [[f64; 2]; 4], heights: [f64; 4], segments: &mut Vec<Segment>) {
    let above = heights.map(|height| height > 0.0);
    // Edge i goes from corner i to the next; the line crosses it where the sides differ.
    let crossing = |edge: usize| {
        let next = (edge + 1) % 4;
        let share = heights[edge] / (heights[edge] - heights[next]);
        [0, 1].map(|axis| at[edge][axis] + share * (at[next][axis] - at[edge][axis]))
    };
    let crossed: Vec<usize> = (0..4).filter(|&e| above[e] != above[(e + 1) % 4]).collect();
    let centre = heights.iter().sum::<f64>() > 0.0;
    let pairs: &[[usize; 2]] = match crossed[..] {
        [a, b] => &[[a, b]],
        // Each stretch cuts off a corner whose side is not that of the centre: corner 0 lies between edges 3 and 0.
        [..] if crossed.len() == 4 && above[0] != centre => &[[3, 0], [1, 2]],
        [..] if crossed.len() == 4 => &[[0, 1], [2, 3]],
        _ => &[],
    };
    segments.extend(pairs.iter().map(|pair| pair.map(crossing)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(side: usize, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let at = |i: usize| i as f64 / (side - 1) as f64;
        (0..side * side)
            .map(|i| f(at(i % side), at(i / side)))
            .collect()
    }

    fn length([a, b]: &Segment) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn a_plane_is_cut_in_a_straight_line_from_edge_to_edge() {
        let segments = contour(9, &grid(9, |x, y| 2.0 * x - y - 0.3));
        for [x, y] in segments.iter().flatten() {
            assert!((2.0 * x - y - 0.3).abs() < 1e-12, "{x} {y}");
        }
        let total: f64 = segments.iter().map(length).sum();
        assert!((total - 0.5f64.hypot(1.0)).abs() < 1e-12, "{total}");
    }

    #[test]
    fn a_circle_has_its_circumference_and_is_closed() {
        let circle = |x: f64, y: f64| (x - 0.5).hypot(y - 0.5) - 0.3;
        let segments = contour(65, &grid(65, circle));
        let total: f64 = segments.iter().map(length).sum();
        assert!(
            (total / (0.6 * std::f64::consts::PI) - 1.0).abs() < 1e-3,
            "{total}"
        );
        let mut ends: Vec<_> = segments
            .iter()
            .flatten()
            .map(|end| end.map(f64::to_bits))
            .collect();
        ends.sort_unstable();
        assert!(
            ends.chunks(2).all(|pair| pair[0] == pair[1]),
            "each end is that of two"
        );
    }

    #[test]
    fn a_saddle_keeps_the_side_of_its_centre_together() {
        let far = |segments: Vec<Segment>, corner: [f64; 2]| {
            segments
                .iter()
                .flatten()
                .all(|end| (end[0] - corner[0]).abs() + (end[1] - corner[1]).abs() > 0.5)
        };
        let up = contour(2, &[3.0, -1.0, -1.0, 3.0]);
        assert_eq!(up.len(), 2);
        assert!(far(up.clone(), [0.0, 0.0]) && far(up, [1.0, 1.0]));
        let down = contour(2, &[1.0, -3.0, -3.0, 1.0]);
        assert_eq!(down.len(), 2);
        assert!(far(down.clone(), [1.0, 0.0]) && far(down, [0.0, 1.0]));
    }

    #[test]
    fn what_is_not_finite_or_has_one_side_has_no_line() {
        assert!(contour(2, &[1.0, -1.0, f64::NAN, 1.0]).is_empty());
        assert!(contour(2, &[1.0, -1.0, f64::INFINITY, 1.0]).is_empty());
        assert!(contour(2, &[1.0; 4]).is_empty());
        assert!(contour(1, &[1.0]).is_empty() && contour(0, &[]).is_empty());
    }
}
