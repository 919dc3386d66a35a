//! MiniTorch's tests of module 2, under their names: the data of tensors, and operations with their derivatives.
//!
//! | file | its tests | here |
//! | --- | --- | --- |
//! | `test_tensor_data.py` | 7: `test_layout`, `test_layout_bad` (expected to fail), `test_enumeration`, `test_index`, `test_permute`, `test_shape_broadcast`, `test_string` | the same names in `tensor_data`; what MiniTorch expects to fail is an error with a text |
//! | `test_tensor.py` | 18: `test_create`, `test_one_args`, `test_two_args`, `test_one_derivative`, `test_permute`, `test_grad_size`, `test_reduce`, `test_two_grad`, `test_two_grad_broadcast`, `test_fromlist`, `test_view`, `test_back_view`, `test_permute_view` and `test_index` (expected to fail), `test_fromnumpy`, `test_reduce_forward_one_dim`, `test_reduce_forward_one_dim_2`, `test_reduce_forward_all_dims` | the same names in `tensor`, likewise |

mod strategies;

mod tensor_data {
    use crate::strategies::{Drawn, at, config, drawn, shapes, tensors};
    use minitorch_core::indexing::{Indices, index_to_position};
    use minitorch_core::shape::shape_broadcast;
    use minitorch_core::{Cpu, ErrorKind, Layout, Tensor};
    use proptest::prelude::*;

    #[test]
    fn test_layout() {
        let rows = Layout::contiguous([3, 5]).unwrap();
        assert!(rows.is_contiguous());
        assert_eq!(
            (&**rows.shape(), rows.strides()),
            (&[3, 5][..], &[5, 1][..])
        );
        assert_eq!(index_to_position(&[1, 0], rows.strides()), 5);
        assert_eq!(index_to_position(&[1, 2], rows.strides()), 7);
        let columns = rows.permute(&[1, 0]).unwrap();
        assert_eq!(
            (&**columns.shape(), columns.strides()),
            (&[5, 3][..], &[1, 5][..])
        );
        assert!(!columns.is_contiguous());
        assert_eq!(Layout::contiguous([4, 2, 2]).unwrap().strides(), [4, 2, 1]);
    }

    /// Strides are made from shapes, so what can be said wrongly is the number of axes or of elements.
    #[test]
    fn test_layout_bad() {
        let axes = Layout::contiguous([3, 5])
            .unwrap()
            .permute(&[0])
            .unwrap_err();
        assert_eq!(axes.kind(), ErrorKind::Axis);
        assert_eq!(
            axes.to_string(),
            "permute: axes [0] of shape [3, 5]; each must exist and be named once"
        );
        let dev: Cpu = Cpu::default();
        let count = Tensor::try_from_slice(&dev, &[0.0; 15], [3, 6]).unwrap_err();
        let text = "from_slice: [15] elements do not fill [3, 6]; the counts must be equal";
        assert_eq!(count.to_string(), text);
    }

    #[test]
    fn test_shape_broadcast() {
        let both =
            |a: &[usize], b: &[usize]| shape_broadcast(a, b).ok().map(|shape| shape.to_vec());
        assert_eq!(both(&[1], &[5, 5]), Some(vec![5, 5]));
        assert_eq!(both(&[5, 5], &[1]), Some(vec![5, 5]));
        assert_eq!(both(&[1, 5, 5], &[5, 5]), Some(vec![1, 5, 5]));
        assert_eq!(both(&[5, 1, 5, 1], &[1, 5, 1, 5]), Some(vec![5, 5, 5, 5]));
        assert_eq!(both(&[2, 5], &[5]), Some(vec![2, 5]));
        assert_eq!(both(&[5, 7, 5, 1], &[1, 5, 1, 5]), None);
        assert_eq!(both(&[5, 2], &[5]), None);
    }

    proptest! {
        #![proptest_config(config(256))]

        #[test]
        fn test_enumeration(shape in shapes()) {
            let layout = minitorch_core::Shape::new(&shape).unwrap();
            let listed: Vec<Vec<usize>> = Indices::new(layout).map(|index| index.to_vec()).collect();
            prop_assert_eq!(listed.len(), shape.iter().product::<usize>());
            // Each once, in ascending order, and none outside.
            prop_assert!(listed.is_sorted_by(|a, b| a < b));
            for index in &listed {
                prop_assert!(index.iter().zip(&shape).all(|(i, size)| i < size));
            }
        }

        #[test]
        fn test_index(tensor in tensors()) {
            let layout = tensor.layout();
            let mut seen: Vec<usize> = Indices::new(*layout.shape())
                .map(|index| index_to_position(&index, layout.strides()))
                .collect();
            seen.sort_unstable();
            // Whatever the order in memory, the elements fill it: each place is met once.
            prop_assert_eq!(seen, (0..tensor.elements()).collect::<Vec<_>>());
            for (axis, &size) in tensor.shape().iter().enumerate() {
                let error = tensor.try_select(axis, size).unwrap_err();
                prop_assert_eq!(error.kind(), ErrorKind::Index);
            }
            prop_assert!(tensor.try_select(tensor.rank(), 0).is_err());
        }

        #[test]
        fn test_permute((drawn, index) in shapes().prop_flat_map(|shape| {
            let index: Vec<_> = shape.iter().map(|&size| 0..size).collect();
            (drawn(&shape), index)
        })) {
            let tensor = drawn.on(&Cpu::default());
            let Drawn { values, shape, order } = drawn;
            let reverse: Vec<usize> = (0..shape.len()).rev().collect();
            let turned = tensor.permute(&reverse);
            let backwards: Vec<usize> = index.iter().rev().copied().collect();
            let place = |layout: &Layout, index: &[usize]| index_to_position(index, layout.strides());
            prop_assert_eq!(place(turned.layout(), &backwards), place(tensor.layout(), &index));
            let again = turned.permute(&reverse);
            prop_assert_eq!(again.layout(), tensor.layout());
            // The position that the order of the axes says.
            let memory = order.iter().fold(0, |place, &axis| place * shape[axis] + index[axis]);
            prop_assert_eq!(place(tensor.layout(), &index), memory);
            prop_assert_eq!(at(&tensor, &index), values[memory]);
        }

        #[test]
        fn test_string(tensor in tensors()) {
            let text = format!("{tensor:.17}");
            let numbers = text.split(|c: char| "[], \n".contains(c)).filter(|word| !word.is_empty());
            let numbers: Vec<f64> = numbers.map(|word| word.parse().unwrap()).collect();
            prop_assert_eq!(numbers.len(), tensor.elements());
            for (read, value) in numbers.iter().zip(tensor.to_vec()) {
                prop_assert!((read - value).abs() <= 1e-17, "{} {}", read, value);
            }
            let rows: usize = (0..tensor.rank()).map(|axis| tensor.shape()[..axis].iter().product::<usize>()).sum();
            prop_assert_eq!(text.matches('[').count(), rows);
            prop_assert_eq!(text.matches(']').count(), rows);
        }
    }
}

mod tensor {
    use crate::strategies::{T, at, config, orders, pairs, right, right_two, small, tensors};
    use minitorch_core::indexing::Indices;
    use minitorch_core::{Cpu, ErrorKind, Scalar, Tensor};
    use minitorch_tests::math_functions::{is_smooth, one_argument, reductions, two_arguments};
    use proptest::prelude::*;

    fn rows<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> T {
        Tensor::from_slice(&Cpu::default(), rows.as_flattened(), [R, C])
    }

    proptest! {
        #![proptest_config(config(100))]

        #[test]
        fn test_create(values in prop::collection::vec(small(), 1..100)) {
            let tensor = T::from_slice(&Cpu::default(), &values, [values.len()]);
            for (i, &value) in values.iter().enumerate() {
                prop_assert_eq!(at(&tensor, &[i]).to_bits(), value.to_bits());
            }
        }

        #[test]
        fn test_one_args(x in tensors()) {
            for ((name, f), (_, number)) in one_argument::<T>().into_iter().zip(one_argument::<f64>()) {
                let y = f(&x);
                prop_assert_eq!(y.shape(), x.shape());
                for index in Indices::new(*x.shape()) {
                    let expected = number(&at(&x, &index));
                    prop_assert_eq!(at(&y, &index).to_bits(), expected.to_bits(), "{} at {}", name, index);
                }
            }
        }

        #[test]
        fn test_two_args([a, b] in pairs()) {
            for ((name, f), (_, number)) in two_arguments::<T>().into_iter().zip(two_arguments::<f64>()) {
                let y = f(&a, &b);
                for index in Indices::new(*a.shape()) {
                    let expected = number(&at(&a, &index), &at(&b, &index));
                    prop_assert_eq!(at(&y, &index).to_bits(), expected.to_bits(), "{} at {}", name, index);
                }
            }
        }

        #[test]
        fn test_one_derivative(x in tensors()) {
            for ((name, f), (_, scalar)) in one_argument::<T>().into_iter().zip(one_argument::<Scalar>()) {
                let leaf = x.tracked();
                let grads = f(&leaf).sum_all().backward();
                let grad = grads.get(&leaf).unwrap();
                for index in Indices::new(*x.shape()) {
                    let number = Scalar::tracked(at(&x, &index));
                    let expected = scalar(&number).backward().get(&number).unwrap();
                    prop_assert_eq!(at(grad, &index), expected, "{} at {}", name, index);
                }
                if x.to_vec().iter().all(|&x| is_smooth(name, &[x])) {
                    right(name, &|[x]| f(x), [&x]);
                }
            }
        }

        #[test]
        fn test_permute((x, order) in tensors().prop_flat_map(|x| {
            let order = orders(x.rank());
            (Just(x), order)
        })) {
            right("permute", &|[x]| x.permute(&order), [&x]);
            // The gradient goes the way back, to the bit.
            let leaf = x.tracked();
            let out = leaf.permute(&order);
            let weights = x.exp().permute(&order);
            let grads = (&out * &weights).sum_all().backward();
            prop_assert_eq!(grads.get(&leaf).unwrap().to_vec(), x.exp().to_vec());
        }

        #[test]
        fn test_reduce(x in tensors()) {
            for (name, f) in reductions() {
                right(name, &|[x]| f(x), [&x]);
                // Its gradient is the same number everywhere.
                let leaf = x.tracked();
                let grads = f(&leaf).sum_all().backward();
                let share = match name {
                    "sum_red" => 1.0,
                    "mean_red" => 1.0 / x.shape()[0] as f64,
                    _ => 1.0 / x.elements() as f64,
                };
                prop_assert_eq!(grads.get(&leaf).unwrap().to_vec(), vec![share; x.elements()], "{}", name);
            }
        }

        #[test]
        fn test_two_grad([a, b] in pairs()) {
            for (name, f) in two_arguments::<T>() {
                right_two(name, f, &a, &b);
            }
        }

        #[test]
        fn test_two_grad_broadcast([a, b] in pairs()) {
            for (name, f) in two_arguments::<T>() {
                right_two(name, f, &a.sum_keepdim(&[0]), &b);
                right_two(name, f, &a, &b.sum_keepdim(&[0]));
                // Axes that are missing are broadcast, too.
                right_two(name, f, &a.sum(&[0]), &b);
            }
        }

        #[test]
        fn test_back_view(x in tensors()) {
            let flat = |x: &T| x.contiguous().view_as([x.elements()]);
            right("view", &|[x]| flat(x), [&x]);
            let leaf = x.tracked();
            let weights = flat(&x).exp();
            let grads = (flat(&leaf) * &weights).sum_all().backward();
            prop_assert_eq!(grads.get(&leaf).unwrap().to_vec(), weights.to_vec());
        }
    }

    #[test]
    fn test_grad_size() {
        let a = Tensor::from_slice(&Cpu::default(), &[1.0], [1]).tracked();
        let b = rows([[1.0, 1.0]]).tracked();
        let c = (&a * &b).sum_all();
        assert_eq!(c.elements(), 1);
        let grads = c.backward();
        let grad = |of: &T| grads.get(of).unwrap().clone();
        assert_eq!((grad(&a).shape(), grad(&b).shape()), (a.shape(), b.shape()));
        assert_eq!(
            (grad(&a).to_vec(), grad(&b).to_vec()),
            (vec![2.0], vec![1.0; 2])
        );
    }

    #[test]
    fn test_fromlist() {
        let t = rows([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
        assert_eq!(**t.shape(), [2, 3]);
        assert_eq!(at(&t, &[1, 2]), 7.0);
        assert_eq!(**t.view_as([1, 2, 3]).shape(), [1, 2, 3]);
    }

    #[test]
    fn test_view() {
        let t = rows([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
        let flat = t.view_as([6]);
        assert_eq!(flat.to_vec(), [2.0, 3.0, 4.0, 4.0, 5.0, 7.0]);
        let back = flat.view_as([1, 6]).view_as([6, 1]).view_as([2, 3]);
        assert_eq!(back.shape(), t.shape());
        assert_eq!(t.is_close(&back).to_vec(), [1.0; 6]);
        assert_eq!(t.is_close(&(&t + 0.015)).to_vec(), [0.0; 6]);
    }

    #[test]
    fn test_permute_view() {
        let t = rows([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]).permute(&[1, 0]);
        let error = t.try_view_as([6]).unwrap_err();
        let text = "view: shape [3, 2] does not fit [6]; the strides of this view need a copy; use reshape";
        assert_eq!(error.to_string(), text);
        assert_eq!(t.reshape([6]).to_vec(), [2.0, 4.0, 3.0, 5.0, 4.0, 7.0]);
    }

    #[test]
    fn test_index() {
        let t = rows([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
        let error = t.try_select(0, 50).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        let text = "select: index [50] lies outside of [2]; count from 0 to the size less 1";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn test_fromnumpy() {
        let t = rows([[2.0, 3.0, 4.0], [4.0, 5.0, 7.0]]);
        for t in [t.clone(), t.permute(&[1, 0])] {
            // A row-major copy outside, and back.
            let again = Tensor::from_slice(&Cpu::default(), &t.to_vec(), t.shape());
            for index in Indices::new(*t.shape()) {
                assert_eq!(at(&t, &index), at(&again, &index));
            }
        }
    }

    #[test]
    fn test_reduce_forward_one_dim() {
        let sums = rows([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]]).sum_keepdim(&[0]);
        assert_eq!(
            (&**sums.shape(), sums.to_vec()),
            (&[1, 2][..], vec![11.0, 16.0])
        );
    }

    #[test]
    fn test_reduce_forward_one_dim_2() {
        let sums = rows([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]]).sum_keepdim(&[1]);
        assert_eq!(
            (&**sums.shape(), sums.to_vec()),
            (&[3, 1][..], vec![5.0, 10.0, 12.0])
        );
    }

    #[test]
    fn test_reduce_forward_all_dims() {
        assert_eq!(
            rows([[2.0, 3.0], [4.0, 6.0], [5.0, 7.0]]).sum_all().item(),
            27.0
        );
    }
}
