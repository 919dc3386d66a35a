//! Layouts, views and loop nests against naive indexing, for random views; and every bad argument is an error.

use minitorch_core::indexing::{Indices, index_to_position, to_index};
use minitorch_core::nest::Nest;
use minitorch_core::{Cpu, ErrorKind, Layout, Shape, Tensor};
use proptest::collection::vec;
use proptest::prelude::*;

type T = Tensor<Cpu<f64>>;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn shape(sizes: &[usize]) -> Shape {
    Shape::new(sizes).unwrap()
}

fn dense(sizes: &[usize]) -> Layout {
    Layout::contiguous(shape(sizes)).unwrap()
}

/// A tensor whose elements are their own positions.
fn counted(sizes: &[usize]) -> T {
    Tensor::arange(&Cpu::default(), 0.0, sizes.iter().product(), 1.0).reshape(shape(sizes))
}

/// Every index of a shape, the last axis fastest.
fn indices(sizes: &[usize]) -> Vec<Vec<usize>> {
    sizes.iter().fold(vec![vec![]], |all, &size| {
        let longer = |index: &Vec<usize>| {
            (0..size)
                .map(|i| [&index[..], &[i]].concat())
                .collect::<Vec<_>>()
        };
        all.iter().flat_map(longer).collect()
    })
}

/// The positions that a layout shows, by the formula of its documentation.
fn positions(layout: &Layout) -> Vec<usize> {
    let position = |index: Vec<usize>| {
        (0..index.len())
            .map(|axis| index[axis] * layout.strides()[axis])
            .sum::<usize>()
    };
    indices(layout.shape())
        .into_iter()
        .map(|index| layout.offset() + position(index))
        .collect()
}

/// A view as a list: which position of the buffer each element shows.
#[derive(Clone, Debug, PartialEq)]
struct Naive {
    sizes: Vec<usize>,
    shows: Vec<usize>,
}

impl Naive {
    fn dense(sizes: &[usize]) -> Self {
        Self {
            sizes: sizes.to_vec(),
            shows: (0..sizes.iter().product()).collect(),
        }
    }

    /// The view of `sizes` whose element at an index is this one's at `source` of that index.
    fn seen(&self, sizes: Vec<usize>, source: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let ordinal = |index: Vec<usize>| {
            index
                .iter()
                .zip(&self.sizes)
                .fold(0, |ordinal, (i, size)| ordinal * size + i)
        };
        let shows = indices(&sizes)
            .iter()
            .map(|index| self.shows[ordinal(source(index))])
            .collect();
        Self { sizes, shows }
    }
}

/// The same view three times: as a layout, as a tensor, and naively.
#[derive(Clone, Debug)]
struct View {
    layout: Layout,
    tensor: T2,
    naive: Naive,
}

/// A tensor that proptest can print.
#[derive(Clone)]
struct T2(T);

impl std::fmt::Debug for T2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0.layout())
    }
}

impl View {
    fn dense(sizes: &[usize]) -> Self {
        Self {
            layout: dense(sizes),
            tensor: T2(counted(sizes)),
            naive: Naive::dense(sizes),
        }
    }

    /// One random edit; nothing if this view does not allow it.
    fn edited(&self, kind: usize, r: [usize; 4]) -> Option<Self> {
        let (layout, tensor, naive) = (&self.layout, &self.tensor.0, &self.naive);
        let (sizes, rank) = (naive.sizes.clone(), naive.sizes.len());
        let axis = r[0].checked_rem(rank).unwrap_or(0);
        let put = |axis: usize, to: usize| {
            let mut sizes = sizes.clone();
            sizes[axis] = to;
            sizes
        };
        let moved = |index: &[usize], to: usize| {
            let mut index = index.to_vec();
            index[axis] = to;
            index
        };
        let (layout, tensor, naive) = match kind {
            0 => {
                let order = order(rank, r);
                let source = |index: &[usize]| {
                    (0..rank)
                        .map(|a| index[order.iter().position(|&o| o == a).unwrap()])
                        .collect()
                };
                (
                    layout.permute(&order),
                    tensor.try_permute(&order),
                    naive.seen(order.iter().map(|&a| sizes[a]).collect(), source),
                )
            }
            1 if rank > 0 => {
                let other = r[1] % rank;
                let mut swapped = sizes.clone();
                swapped.swap(axis, other);
                let source = |index: &[usize]| {
                    let mut index = index.to_vec();
                    index.swap(axis, other);
                    index
                };
                (
                    layout.transpose(axis, other),
                    tensor.try_transpose(axis, other),
                    naive.seen(swapped, source),
                )
            }
            2 if rank > 0 => {
                let (start, step) = (r[1] % (sizes[axis] + 1), 1 + r[2] % 3);
                let count = r[3] % ((sizes[axis] - start).div_ceil(step) + 1);
                let seen = naive.seen(put(axis, count), |index| {
                    moved(index, start + index[axis] * step)
                });
                (
                    layout.slice(axis, start, count, step),
                    tensor.try_slice(axis, start, count, step),
                    seen,
                )
            }
            3 if rank > 0 => {
                let start = r[1] % (sizes[axis] + 1);
                let count = r[2] % (sizes[axis] - start + 1);
                let seen = naive.seen(put(axis, count), |index| moved(index, start + index[axis]));
                (
                    layout.narrow(axis, start, count),
                    tensor.try_narrow(axis, start, count),
                    seen,
                )
            }
            4 => {
                // Axes of size 1 stretch (one random bit each), and new ones come at the left.
                let lead = (r[1] % 3).min(6 - rank);
                let stretch = |a: usize| {
                    if sizes[a] == 1 && r[0] >> a & 1 == 1 {
                        r[2] % 4
                    } else {
                        sizes[a]
                    }
                };
                let wanted: Vec<usize> = (0..lead)
                    .map(|a| 1 + (r[3] >> a) % 2)
                    .chain((0..rank).map(stretch))
                    .collect();
                let source = |index: &[usize]| {
                    (0..rank)
                        .map(|a| if sizes[a] == 1 { 0 } else { index[lead + a] })
                        .collect()
                };
                (
                    layout.expand(shape(&wanted)),
                    tensor.try_expand(shape(&wanted)),
                    naive.seen(wanted, source),
                )
            }
            5 if rank > 0 && sizes[axis] == 1 => {
                let without = [&sizes[..axis], &sizes[axis + 1..]].concat();
                let seen = naive.seen(without, |index| {
                    [&index[..axis], &[0], &index[axis..]].concat()
                });
                (layout.squeeze(axis), tensor.try_squeeze(axis), seen)
            }
            6 if rank < 6 => {
                let axis = r[0] % (rank + 1);
                let with = [&sizes[..axis], &[1], &sizes[axis..]].concat();
                let seen = naive.seen(with, |index| [&index[..axis], &index[axis + 1..]].concat());
                (layout.unsqueeze(axis), tensor.try_unsqueeze(axis), seen)
            }
            7 if rank > 0 && rank < 6 && sizes[axis] > 0 => {
                let (size, step) = (1 + r[1] % sizes[axis], 1 + r[2] % 3);
                let windows = (0..sizes[axis])
                    .step_by(step)
                    .filter(|start| start + size <= sizes[axis])
                    .count();
                let with = [put(axis, windows), vec![size]].concat();
                let seen = naive.seen(with, |index| {
                    moved(&index[..rank], index[axis] * step + index[rank])
                });
                (
                    layout.window(axis, size, step),
                    tensor.try_window(axis, size, step),
                    seen,
                )
            }
            8 if rank > 0 && sizes[axis] > 0 => {
                let at = r[1] % sizes[axis];
                let seen = naive.seen([&sizes[..axis], &sizes[axis + 1..]].concat(), |index| {
                    [&index[..axis], &[at], &index[axis..]].concat()
                });
                (
                    layout.narrow(axis, at, 1).and_then(|one| one.squeeze(axis)),
                    tensor.try_select(axis, at),
                    seen,
                )
            }
            _ => return None,
        };
        (naive.shows.len() <= 600).then(|| Self {
            layout: layout.unwrap(),
            tensor: T2(tensor.unwrap()),
            naive,
        })
    }
}

/// A permutation of `0..rank` from random numbers.
fn order(rank: usize, r: [usize; 4]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    (1..rank).for_each(|i| order.swap(i, (r[i % 4] >> i) % (i + 1)));
    order
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(
        prop_oneof![1 => Just(0usize), 3 => Just(1), 12 => 2..5usize],
        0..5,
    )
}

/// The steps that lead to a random view.
fn views() -> impl Strategy<Value = Vec<View>> {
    let edits = vec((0..9usize, any::<[usize; 4]>()), 0..7);
    (sizes(), edits).prop_map(|(sizes, edits)| {
        let mut steps = vec![View::dense(&sizes)];
        for (kind, r) in edits {
            steps.extend(steps[steps.len() - 1].edited(kind, r));
        }
        steps
    })
}

fn view() -> impl Strategy<Value = View> {
    views().prop_map(|mut steps| steps.pop().unwrap())
}

/// A view of the given sizes: any order in memory, with gaps, offsets and broadcast axes.
fn view_of(sizes: &[usize], r: [usize; 4]) -> Layout {
    let (rank, order) = (sizes.len(), order(sizes.len(), r));
    let stretched = |axis: usize| r[0] >> (8 + axis) & 3 == 0;
    let (start, step) = (
        |axis: usize| r[1] >> (8 + axis) & 1,
        |axis: usize| 1 + (r[2] >> (8 + 2 * axis) & 3) / 2,
    );
    let base = |axis: usize| {
        if stretched(axis) {
            1
        } else {
            start(axis) + step(axis) * sizes[axis]
        }
    };
    let mut view = dense(&order.iter().map(|&axis| base(axis)).collect::<Vec<_>>());
    let back: Vec<usize> = (0..rank)
        .map(|axis| order.iter().position(|&o| o == axis).unwrap())
        .collect();
    view = view.permute(&back).unwrap();
    for axis in (0..rank).filter(|&axis| !stretched(axis)) {
        view = view
            .slice(axis, start(axis), sizes[axis], step(axis))
            .unwrap();
    }
    view.expand(shape(sizes)).unwrap()
}

/// The strides with which `sizes` shows the list `shows`, if there are any: each follows from one element.
fn strides_for(shows: &[usize], sizes: &[usize]) -> Option<Vec<usize>> {
    let inner = |axis: usize| sizes[axis + 1..].iter().product::<usize>();
    let strides: Vec<usize> = (0..sizes.len())
        .map(|axis| {
            if sizes[axis] > 1 {
                shows[inner(axis)].checked_sub(shows[0])
            } else {
                Some(0)
            }
        })
        .collect::<Option<_>>()?;
    let at = |index: &Vec<usize>| {
        shows[0]
            + index
                .iter()
                .zip(&strides)
                .map(|(i, stride)| i * stride)
                .sum::<usize>()
    };
    indices(sizes)
        .iter()
        .map(at)
        .eq(shows.iter().copied())
        .then_some(strides)
}

/// A shape of `count` elements: its prime factors and some ones, put together at random.
fn shape_of(mut count: usize, r: [usize; 4]) -> Vec<usize> {
    let mut sizes = vec![1; 1 + r[0] % 6];
    let (len, mut turn) = (sizes.len(), r[1]);
    while count > 1 {
        let factor = (2..=count)
            .find(|factor| count.is_multiple_of(*factor))
            .unwrap();
        sizes[turn % len] *= factor;
        (count, turn) = (count / factor, turn / 7 + r[2] % 64);
    }
    if count == 0 {
        sizes[turn % len] = 0;
    }
    sizes
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ordinals_indices_and_positions_correspond(sizes in sizes()) {
        let all = indices(&sizes);
        for (ordinal, expected) in all.iter().enumerate() {
            let mut index = vec![99; sizes.len()];
            to_index(ordinal, &sizes, &mut index);
            prop_assert_eq!(&index, expected);
            prop_assert_eq!(index_to_position(&index, dense(&sizes).strides()), ordinal);
        }
        let listed = Indices::new(shape(&sizes));
        prop_assert_eq!(listed.len(), all.len());
        prop_assert_eq!(listed.map(|index| index.to_vec()).collect::<Vec<_>>(), all);
    }

    #[test]
    fn views_show_what_naive_indexing_shows(steps in views()) {
        for View { layout, tensor: T2(tensor), naive } in steps {
            prop_assert_eq!(&**layout.shape(), &naive.sizes[..]);
            prop_assert_eq!(&positions(&layout), &naive.shows);
            prop_assert_eq!(layout.elements(), naive.shows.len());
            prop_assert_eq!(layout.end(), naive.shows.iter().max().map_or(0, |last| last + 1));
            let dense = naive.shows.windows(2).all(|pair| pair[1] == pair[0] + 1);
            prop_assert_eq!(layout.is_contiguous(), dense);
            prop_assert_eq!(tensor.shape(), layout.shape());
            let values: Vec<f64> = naive.shows.iter().map(|&at| at as f64).collect();
            prop_assert_eq!(tensor.to_vec(), &values[..]);
            let copy = tensor.contiguous();
            prop_assert!(copy.is_contiguous() && copy.to_vec() == values);
        }
    }

    #[test]
    fn a_permutation_and_its_inverse_cancel(view in view(), r in any::<[usize; 4]>()) {
        let order = order(view.naive.sizes.len(), r);
        let mut inverse = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        let permuted = view.layout.permute(&order).unwrap();
        prop_assert_eq!(permuted.permute(&inverse).unwrap(), view.layout);
        let mut moved = positions(&permuted);
        moved.sort_unstable();
        let mut here = view.naive.shows;
        here.sort_unstable();
        prop_assert_eq!(moved, here);
    }

    #[test]
    fn reshape_is_a_view_exactly_where_strides_exist(view in view(), r in any::<[usize; 4]>()) {
        let shows = &view.naive.shows;
        let sizes = shape_of(shows.len(), r);
        let strides = if shows.is_empty() { Some(vec![]) } else { strides_for(shows, &sizes) };
        let reshaped = view.layout.reshape(shape(&sizes)).unwrap();
        prop_assert_eq!(reshaped.is_some(), strides.is_some(), "{:?} to {:?}: {:?}", view.layout, &sizes, strides);
        if let Some(reshaped) = reshaped {
            prop_assert_eq!(&**reshaped.shape(), &sizes[..]);
            prop_assert_eq!(&positions(&reshaped), shows);
        }
        // A tensor copies where it must.
        let copy = view.tensor.0.reshape(shape(&sizes));
        prop_assert_eq!(copy.to_vec(), shows.iter().map(|&at| at as f64).collect::<Vec<_>>());
        prop_assert_eq!(view.tensor.0.try_view_as(shape(&sizes)).is_ok(), reshaped.is_some());
        let more = [&sizes[1..], &[sizes[0] + 1]].concat();
        if more.iter().product::<usize>() != shows.len() {
            prop_assert_eq!(view.layout.reshape(shape(&more)).unwrap_err().kind(), ErrorKind::Size);
        }
    }

    #[test]
    fn a_nest_visits_every_element_in_order(sizes in sizes(), rs in any::<[[usize; 4]; 3]>(), [from, to] in any::<[usize; 2]>()) {
        let layouts = rs.map(|r| view_of(&sizes, r));
        let all = layouts.each_ref().map(positions);
        let nest = Nest::new(layouts.each_ref());
        let count = sizes.iter().product::<usize>();
        prop_assert_eq!(nest.elements(), count);
        prop_assert!(!nest.sizes().is_empty() && (nest.sizes() == [1] || !nest.sizes().contains(&1)));
        let (from, to) = (from % (count + 1), to % (count + 1));
        for range in [0..count, from.min(to)..from.max(to)] {
            let mut visited = [vec![], vec![], vec![]];
            nest.runs(range.clone(), |starts, count| {
                assert!(count > 0);
                for k in 0..3 {
                    visited[k].extend((0..count).map(|i| starts[k] + i * nest.inner_strides()[k]));
                }
            });
            for k in 0..3 {
                prop_assert_eq!(&visited[k], &all[k][range.clone()]);
            }
        }
        // One operand that is dense needs one run, whatever its rank.
        let mut runs = 0;
        Nest::new([&dense(&sizes)]).runs(0..count, |_, _| runs += 1);
        prop_assert_eq!(runs, usize::from(count > 0));
    }
}

#[test]
fn matrices_are_turned_in_tiles() {
    // Sides below, at and between multiples of a tile; several matrices; and enough elements for tasks of their own.
    for device in minitorch_tests::devices::cpus::<f32>() {
        for [matrices, rows, columns] in [[1, 128, 64], [3, 300, 210], [2, 71, 129]] {
            let count = matrices * rows * columns;
            let x = Tensor::arange(&device, 0.0, count, 1.0).reshape([matrices, columns, rows]);
            let turned = x.transpose(1, 2);
            let at = |i: usize| {
                let (matrix, row, column) = (i / (rows * columns), i / columns % rows, i % columns);
                (matrix * rows * columns + column * rows + row) as f32
            };
            let expected: Vec<f32> = (0..count).map(at).collect();
            assert_eq!(turned.contiguous().to_vec(), expected, "{device:?}");
            // Beside a dense operand, and a broadcast one.
            let dense =
                Tensor::arange(&device, 0.0, count, -1.0).reshape([matrices, rows, columns]);
            let row = Tensor::arange(&device, 0.0, columns, 1.0);
            let sums = (&(&turned + &dense) + &row).to_vec();
            let expected = (0..count).map(|i| at(i) - i as f32 + (i % columns) as f32);
            assert_eq!(sums, expected.collect::<Vec<_>>(), "{device:?}");
            let product = (&turned * &row).to_vec();
            let expected = (0..count).map(|i| at(i) * (i % columns) as f32);
            assert_eq!(product, expected.collect::<Vec<_>>(), "{device:?}");
        }
    }
}
