//! Loading where memory ends: an error, and model and optimiser stay as they were.

mod memory;

use memory::with_allocations;
use minitorch_core::nn::{Dropout, Layer, Linear, Module, Relu};
use minitorch_core::optim::{Adam, Optimizer};
use minitorch_core::state::{
    ReadError, Reason, StateError, load, load_numbers, load_weights, save,
};
use minitorch_core::{Cpu, ErrorKind, Generator, Tensor};

type Net = (Linear<Cpu>, Relu, Dropout);

fn net(seed: u64) -> Net {
    let mut rng = Generator::new(seed);
    let linear = Linear::new(&Cpu::default(), 3, 2, &mut rng).unwrap();
    (linear, Relu, Dropout::new(0.5, &mut rng).unwrap())
}

/// A network, its optimiser after a step, and numbers.
fn file() -> (Net, Vec<u8>) {
    let (mut net, mut adam) = (net(1), Adam::new(0.1));
    let loss = net
        .forward(&Tensor::ones(&Cpu::default(), [4, 3]))
        .sum_all();
    adam.step(&mut net, loss.backward());
    let numbers: &[(&str, &[u64])] = &[("epoch", &[1]), ("facts", &[2, 3])];
    let file = save(&net, Some(&adam), numbers).unwrap();
    (net, file)
}

fn is_of_memory(error: &StateError) -> bool {
    match error {
        StateError::Format(error) => error.reason() == Reason::Memory,
        StateError::Names(error) => error.is_out_of_memory(),
        StateError::Device(error) => error.kind() == ErrorKind::Memory,
        StateError::Read { error, .. } => *error == ReadError::Memory,
        _ => false,
    }
}

/// Runs `read` with one allocation more each time until that is enough, and returns how many it takes.
fn with_more_and_more<T>(mut read: impl FnMut() -> Result<T, StateError>) -> usize {
    for count in 0.. {
        match with_allocations(count, &mut read) {
            Ok(_) => return count,
            Err(error) => assert!(is_of_memory(&error), "{count}: {error}"),
        }
    }
    unreachable!()
}

#[test]
fn a_model_that_cannot_be_loaded_stays_as_it_was() {
    let (trained, file) = file();
    let (mut net, mut adam) = (net(2), Adam::new(0.1));
    let before = net.weights_hash();
    for count in 0.. {
        let result = with_allocations(count, || load(&file, &mut net, Some(&mut adam)));
        match result {
            Ok(numbers) => {
                assert_eq!(numbers.get("facts"), Some(&[2, 3][..]));
                assert_eq!(net.weights_hash(), trained.weights_hash());
                assert!(adam.memory().get("0.weight").is_some());
                // Each tensor and name takes one or more.
                assert!(count > 20, "{count}");
                break;
            }
            Err(error) => {
                assert!(is_of_memory(&error), "{count}: {error}");
                assert_eq!(net.weights_hash(), before, "{count}");
                assert!(adam.memory().get("0.weight").is_none(), "{count}");
            }
        }
    }
}

#[test]
fn weights_and_numbers_are_loaded_alike() {
    let (trained, file) = file();
    let mut net = net(2);
    assert!(with_more_and_more(|| load_weights(&file, &mut net)) > 10);
    assert_eq!(net.weights_hash(), trained.weights_hash());
    assert!(with_more_and_more(|| load_numbers(&file)) > 5);
}
