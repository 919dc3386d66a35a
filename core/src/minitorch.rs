//! Guide: coming from MiniTorch.
//!
//! Everything in [MiniTorch](https://minitorch.github.io) has its counterpart here, under its name where that name is also
//! the field's. `runner` below is `cargo run -p runner --`.
//!
//! # Where each file went
//!
//! | MiniTorch | here |
//! | --- | --- |
//! | `operators` | [`crate::operators`]: the same functions on numbers and lists |
//! | `autodiff`: `central_difference`, `Context`, `topological_sort`, `backpropagate` | [`crate::scalar`] for numbers, [`crate::autodiff`] for tensors, one engine for both; `backpropagate` is [`Scalar::backward`](crate::Scalar::backward) and [`Tensor::backward`](crate::Tensor::backward) |
//! | `scalar`, `scalar_functions` | [`crate::Scalar`], [`crate::scalar::ScalarFunction`], [`crate::scalar::derivative_check`] |
//! | `module`, `modules` | [`crate::nn::Module`] with its printout [`tree`](crate::nn::Module::tree), [`crate::nn::Param`], the macro [`module!`](crate::module) |
//! | `tensor_data` | [`crate::Layout`], [`crate::Shape`], [`crate::indexing`], [`crate::shape::shape_broadcast`] |
//! | `tensor`, `tensor_functions` | [`crate::Tensor`], [`crate::ops`] for elementwise functions with their derivatives, [`crate::autodiff::Function`] for any other; `grad_check` is [`crate::autodiff::check`] |
//! | `tensor_ops`: `map`, `zip`, `reduce`, `matrix_multiply` | [`crate::Backend`], whose methods have these names |
//! | `fast_ops`, `fast_conv` | [`crate::Cpu`] with any [`crate::executor::Executor`]: one kernel for each operation, vectorised, on as many threads as there are |
//! | `cuda_ops` | `runner::backend::cuda`, with `--backend cuda` of every program |
//! | `nn`: pooling, softmax, dropout, `max`, `argmax` | methods of [`crate::Tensor`], layers in [`crate::nn`] |
//! | `optim` | [`crate::optim`] |
//! | `datasets` | `runner::data`: the same six sets of points |
//! | `testing` (`MathTest`) | `minitorch_tests::math_functions` in `tests/src` |
//! | the 90 tests, `test_*.py` | in `tests`, `module0.rs` to `module4.rs`, same names; those of CUDA in `module3_cuda.rs` |
//! | `run_manual.py` | `runner simple --engine manual --weights 1,-1 --bias 0.2` |
//! | `run_scalar.py`, `run_tensor.py` | `runner simple --engine scalar`, `--engine tensor`; `--preset minitorch` prints its numbers |
//! | `run_fast_tensor.py` | `runner xor --engine fast` |
//! | `run_mnist_multiclass.py`, `run_mnist_interface.py` | `runner mnist` |
//! | `run_sentiment.py` | `runner sentiment` |
//! | `parallel_check.py` | `runner parallel-check`; [`crate::plan`] in a program |
//! | `show_expression.py`, the Autodiff Sandbox | `runner show expression "x*y + log(x)"` |
//! | `show_tensor.py`, the Tensor Sandbox | `runner show tensor`, `map`, `zip`, `reduce`, `matmul` |
//! | the plots and pictures of `app.py` | `--report page.html` with any program that trains |
//! | `run_torch.py`, `run_torch_sentiment.py`, `run_mnist.py` | none: the first two show PyTorch, the third does not run |
//!
//! # What differs
//!
//! In the library:
//!
//! * Elements are `f32` ([`Cpu`](crate::Cpu)) or `f64` (`Cpu<f64>`); MiniTorch has `f64` only.
//! * `log` has no epsilon inside: `log(0)` is negative infinity. `--preset minitorch` computes `log(x + 1e-6)`.
//! * Nothing raises: what has no value (`log(-1)`, `1 / 0`, `exp(1000)`) is NaN or infinite, as IEEE 754 says, for numbers
//!   and tensors alike.
//! * [`Tensor::sum`](crate::Tensor::sum) and `mean` drop the axes; [`sum_keepdim`](crate::Tensor::sum_keepdim) keeps them as
//!   size 1, as MiniTorch's `sum(dim)` does. A sum over everything has no axes; in MiniTorch it has one.
//! * `all` is a product, under that name: [`Tensor::prod`](crate::Tensor::prod).
//! * A tensor has a gradient only if it is [`tracked`](crate::Tensor::tracked) or a parameter; in MiniTorch `tensor` and
//!   `rand` always have one. The same holds for scalars.
//! * [`backward`](crate::Tensor::backward) returns the gradients, and an optimiser takes them;
//!   [`accumulate`](crate::nn::Module::accumulate) and [`zero_grad`](crate::nn::Module::zero_grad) are there for who wants sums
//!   over several calls. A parameter stays the same leaf after a step.
//! * `max` gives its gradient to the first of equal elements; MiniTorch gives it whole to each. It starts at negative infinity,
//!   not at `-1e9`.
//! * Softmax and its logarithm subtract the maximum first, so that no input overflows.
//! * Dropout scales what it keeps by `1 / (1 - p)`, and is off in evaluation; MiniTorch's stays on, since its modules lack the
//!   `mode` that it looks at. `--preset minitorch` keeps it on.
//! * Matrix multiplication broadcasts any number of leading axes; MiniTorch's is right for up to one.
//! * Convolution takes any padding and stride; [`Padding::MiniTorch`](crate::Padding::MiniTorch) is zeros at the right and bottom.
//! * `view` needs a layout that allows it, which includes some that MiniTorch refuses; `reshape` copies where it must.
//! * `1 - x` works; comparisons, indexing by part and changes in place exist.
//! * Tensors of two backends are of two types, which do not mix; MiniTorch moves the right operand.
//! * An unknown attribute of a module is an error of the compiler; in MiniTorch it is `None`.
//!
//! In the programs:
//!
//! * Random numbers are ours, the same on every machine. With `--preset minitorch` the programs on points draw as Python does.
//! * Widths, rates and epochs of the programs on points are such that each set is learnt; the preset has MiniTorch's.
//! * The log of `--engine fast` has the loss of all points of an epoch; MiniTorch's has that of the last batch.
//! * `spiral` and the other names work with every engine; `run_fast_tensor.py` stops at its own default.
//! * Epochs of `mnist` are 20 and of `sentiment` 20; MiniTorch's are 500 and 250.
