//! How many kernels a CUDA device gets for the step of each optimiser, whatever the number of parameters, and for limiting
//! the norm of gradients. The process that counts them does nothing else, so there is one test.

use minitorch_core::nn::{Init, Linear, Param};
use minitorch_core::optim::{Adadelta, Adam, AdamW, Optimizer, Sgd, clip_grad_norm};
use minitorch_core::{Backend, Cpu, Generator, Result, Tensor, module};
use minitorch_tests::real::assert_same;
use runner::backend::cuda::Cuda;

/// Six parameters.
struct Model<B: Backend> {
    first: Linear<B>,
    second: Linear<B>,
    third: Linear<B>,
}
module!(Model {
    first,
    second,
    third
});

impl<B: Backend> Model<B> {
    fn new(device: &B) -> Result<Self> {
        let mut rng = Generator::new(3);
        let mut layer =
            |inputs, outputs| Linear::with_init(device, inputs, outputs, Init::FanIn, &mut rng);
        Ok(Self {
            first: layer(30, 20)?,
            second: layer(20, 7)?,
            third: layer(7, 3)?,
        })
    }

    fn params(&self) -> Vec<&Param<B>> {
        let layers = [&self.first, &self.second, &self.third];
        let params = layers.map(|layer| [Some(&layer.weight), layer.bias.as_ref()]);
        params.into_iter().flatten().flatten().collect()
    }

    /// The sum of the squares of all parameters.
    fn loss(&self) -> Result<Tensor<B>> {
        let mut sum = Tensor::try_zeros(self.first.weight.leaf().device(), [])?;
        for param in self.params() {
            sum = sum.try_add(&param.value().try_square()?.try_sum_all()?)?;
        }
        Ok(sum)
    }
}

/// Three steps; `around` gets what each does once the gradients are there. Gives all parameters.
fn train<B: Backend<Elem = f32>>(
    device: &B,
    optimizer: &mut dyn Optimizer<B>,
    around: &mut dyn FnMut(&mut dyn FnMut()),
) -> Result<Vec<f32>> {
    let mut model = Model::new(device)?;
    for _ in 0..3 {
        let mut grads = Some(model.loss()?.try_backward()?);
        around(&mut || {
            let grads = grads.take().expect("one call");
            optimizer.try_step(&mut model, grads).expect("a step");
        });
    }
    let mut all = Vec::new();
    for param in model.params() {
        all.extend(param.value().try_to_vec()?);
    }
    Ok(all)
}

/// Limits the norm of the gradients of a model twice; `around` gets what each time does. Gives the norms and, after them, all
/// gradients.
fn clip<B: Backend<Elem = f32>>(
    device: &B,
    limit: f64,
    around: &mut dyn FnMut(&mut dyn FnMut()),
) -> Result<Vec<f32>> {
    let model = Model::new(device)?;
    let mut grads = model.loss()?.try_backward()?;
    let mut all = Vec::new();
    for _ in 0..2 {
        around(&mut || {
            let norm = clip_grad_norm(&model, &mut grads, limit).expect("a norm");
            all.push(norm as f32);
        });
    }
    for param in model.params() {
        all.extend(grads.get(param.leaf()).expect("one each").try_to_vec()?);
    }
    Ok(all)
}

macro_rules! launches {
    ($($made:expr => $expected:literal,)*) => {$(
        let expected = train(&Cpu::default(), &mut $made, &mut |step| step()).expect("a CPU");
        for number in [0, 1] {
            let device = Cuda::open(number).expect("a fake device");
            let mut counts = Vec::new();
            let actual = train(&device, &mut $made, &mut |step| {
                counts.push(launched(&device, step));
            });
            let name = stringify!($made);
            assert_same(&actual.expect("a device"), &expected, &|| name.into());
            // The first step makes what is remembered.
            assert_eq!(counts[1..], [$expected; 2], "{name}");
        }
    )*};
}

/// How many kernels the device gets from this.
fn launched(device: &Cuda, work: &mut dyn FnMut()) -> u64 {
    device.wait().expect("a device");
    let before = minitorch_fake_cuda::launches();
    work();
    device.wait().expect("a device");
    minitorch_fake_cuda::launches() - before
}

/// A square and a sum for each of the six parameters, and one kernel that scales them all, where there is something to scale.
fn clipping() {
    for (limit, expected) in [(0.5, 13), (1e6, 12)] {
        let on_cpu = clip(&Cpu::default(), limit, &mut |clip| clip()).expect("a CPU");
        for number in [0, 1] {
            let device = Cuda::open(number).expect("a fake device");
            let mut counts = Vec::new();
            let actual = clip(&device, limit, &mut |clip| {
                counts.push(launched(&device, clip))
            });
            assert_same(&actual.expect("a device"), &on_cpu, &|| limit.to_string());
            assert_eq!(counts, [expected; 2], "{limit}");
        }
    }
}

#[test]
fn a_step_takes_a_launch_for_each_of_its_operations() {
    if !minitorch_fake_cuda::load() {
        return;
    }
    launches! {
        Sgd::new(0.1) => 1,
        Sgd::new(0.1).weight_decay(0.01) => 2,
        Sgd::new(0.1).momentum(0.9) => 2,
        Sgd::new(0.1).momentum(0.9).nesterov() => 3,
        Adam::new(0.01) => 3,
        Adam::new(0.01).weight_decay(0.01) => 4,
        AdamW::new(0.01) => 4,
        Adadelta::new(1.0) => 4,
    }
    clipping();
}
