//! Checkpoints, loaded into a small model with its optimiser.

use super::check_message;
use minitorch_core::nn::{Dropout, Layer, Linear};
use minitorch_core::optim::{Adam, Optimizer};
use minitorch_core::state::{
    Data, Dtype, Entry, SafeTensors, View, load, load_weights, save, serialize,
};
use minitorch_core::{Backend, Cpu, Generator, Result, Tensor, module};
use std::cell::Cell;
use std::sync::OnceLock;

/// The names and shapes of the weights.
const WEIGHTS: [(&str, &[usize]); 2] = [("fc.bias", &[2]), ("fc.weight", &[2, 3])];
/// What belongs to each weight in the optimiser: averages of its shape, and numbers.
const AVERAGES: [&str; 2] = ["exp_avg", "exp_avg_sq"];
const POWERS: [&str; 2] = ["beta1_power", "beta2_power"];

/// Loads a file that is made of the bytes, both as a checkpoint and as weights alone.
///
/// The first byte says how the file is made of the rest: as it is, or by editing a valid checkpoint as `edited` does.
/// Exactly the files that fit the model are accepted. Then the model is what the file says, it can be saved and loaded
/// again, and it goes on training. After any other file model, optimiser and generators are as they were.
pub fn check(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, rest)) => check_file(rest),
        Some((_, rest)) => check_file(&edited(rest)),
        None => {}
    }
}

fn check_file(file: &[u8]) {
    let tensors = SafeTensors::parse(file).ok();
    let fits = |whole| tensors.as_ref().filter(|tensors| fits(tensors, whole));
    let mut run = Run::at_hand();

    match load_weights(file, &mut run.net) {
        Ok(_) => {
            run.check_equals(fits(false).expect("weights of this model"), false);
            run.step().expect("training goes on");
            run = Run::new(1);
        }
        Err(error) => {
            check_message(&error.to_string());
            assert!(fits(false).is_none(), "{error}");
        }
    }
    match load(file, &mut run.net, Some(&mut run.adam)) {
        Ok(numbers) => {
            let tensors = fits(true).expect("a checkpoint of this model");
            run.check_equals(tensors, true);
            for view in tensors.views() {
                if let Some(name) = view.name().strip_prefix('@') {
                    assert_eq!(numbers.get(name), view.read().ok().as_deref(), "{view:?}");
                }
            }
            let (saved, mut again) = (run.saved(), Run::new(2));
            load(&saved, &mut again.net, Some(&mut again.adam)).expect("what was saved");
            assert!(again.saved() == saved);
            run.step().expect("training goes on");
        }
        Err(error) => {
            check_message(&error.to_string());
            assert!(fits(true).is_none(), "{error}");
            assert!(run.saved() == saved_once(1), "changed, but {error}");
            run.put_back();
        }
    }
}

/// A model with everything that a checkpoint holds: weights, a generator, an optimiser with a memory.
struct Run {
    net: Net<Cpu>,
    adam: Adam<Cpu>,
}

struct Net<B: Backend> {
    fc: Linear<B>,
    dropout: Dropout,
}
module!(Net { fc, dropout });

thread_local! {
    /// The run of seed 1, between two checks.
    static UNCHANGED: Cell<Option<Run>> = const { Cell::new(None) };
}

impl Run {
    /// A run that has taken a step.
    fn new(seed: u64) -> Self {
        let (dev, rng) = (Cpu::default(), &mut Generator::new(seed));
        let mut run = Self {
            net: Net {
                fc: Linear::new(&dev, 3, 2, rng).expect("memory"),
                dropout: Dropout::new(0.5, rng).expect("a probability"),
            },
            adam: Adam::new(0.01),
        };
        run.step().expect("memory");
        run
    }

    /// The run of seed 1. As long as all files are refused, it is always the same one, to save time.
    fn at_hand() -> Self {
        UNCHANGED.take().unwrap_or_else(|| Self::new(1))
    }

    fn put_back(self) {
        UNCHANGED.set(Some(self));
    }

    fn step(&mut self) -> Result<()> {
        let input = Tensor::try_ones(&Cpu::default(), [1, 3])?;
        let output = self.net.fc.try_forward(&input)?;
        let output = self.net.dropout.try_forward(&output)?;
        let grads = output.try_square()?.try_sum_all()?.try_backward()?;
        self.adam.try_step(&mut self.net, grads)
    }

    fn saved(&self) -> Vec<u8> {
        save(&self.net, Some(&self.adam), &[("epoch", &[3])]).expect("memory")
    }

    /// Demands that the model is what the file says.
    fn check_equals(&self, file: &SafeTensors<'_>, whole: bool) {
        let saved = self.saved();
        let saved = SafeTensors::parse(&saved).expect("what was saved");
        let training = |view: &&View<'_>| view.name().contains('@');
        for view in saved.views().iter().filter(|view| whole || !training(view)) {
            let Some(loaded) = file.get(view.name()) else {
                assert!(view.name().starts_with('@'), "{view:?}");
                continue;
            };
            match view.dtype() {
                Dtype::F32 => {
                    // As the model rounds: to f64 first, which holds every type that is read.
                    let values = loaded.read::<f64>().expect("numbers").into_iter();
                    let rounded: Vec<u32> = values.map(|value| bits(value as f32)).collect();
                    let held = view.read::<f32>().expect("its own type").into_iter();
                    assert_eq!(held.map(bits).collect::<Vec<_>>(), rounded, "{view:?}");
                }
                Dtype::F64 => {
                    let [held, loaded] =
                        [view, loaded].map(|view| view.read::<f64>().expect("numbers"));
                    assert_eq!(held[0].to_bits(), loaded[0].to_bits(), "{view:?}");
                }
                _ if view.name().starts_with('@') => {}
                _ => assert_eq!(view.read::<u64>(), loaded.read::<u64>(), "{view:?}"),
            }
        }
    }
}

/// What [`Run::new`] saves, made once for each seed.
fn saved_once(seed: u64) -> &'static [u8] {
    static SAVED: [OnceLock<Vec<u8>>; 4] = [const { OnceLock::new() }; 4];
    SAVED[seed as usize].get_or_init(|| Run::new(seed).saved())
}

/// The bits of a number, with all NaN the same.
fn bits(value: f32) -> u32 {
    if value.is_nan() {
        f32::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// Whether a file is as it was saved, and one of the model: of its weights, and if `whole`, of all that belongs to training.
fn fits(file: &SafeTensors<'_>, whole: bool) -> bool {
    let mut expected: Vec<(String, &[usize])> = Vec::new();
    for (weight, shape) in WEIGHTS {
        expected.push((weight.into(), shape));
        if whole {
            expected.extend(AVERAGES.map(|name| (format!("{weight}@{name}"), shape)));
            expected.extend(POWERS.map(|name| (format!("{weight}@{name}"), &[][..])));
        }
    }
    if whole {
        expected.push(("dropout@generator".into(), &[3]));
    }
    let is_there = |(name, shape): &(String, &[usize])| {
        file.get(name).is_some_and(|view| {
            let readable = match name.ends_with("@generator") {
                true => view.read::<u64>().is_ok(),
                false => view.read::<f64>().is_ok(),
            };
            readable && view.shape() == *shape
        })
    };
    let may_be_there = |view: &View<'_>| match whole {
        true => view.name().starts_with('@') && view.read::<u64>().is_ok(),
        false => view.name().contains('@'),
    };
    let is_expected = |view: &View<'_>| expected.iter().any(|(name, _)| name == view.name());
    file.is_intact()
        && expected.iter().all(is_there)
        && file
            .views()
            .iter()
            .all(|view| is_expected(view) || may_be_there(view))
}

/// A tensor of a file that is being edited.
#[derive(Clone)]
struct Item {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// A checkpoint of another run of the same model, edited: each four bytes say what to do, to which tensor, and how. An
/// edit that makes no file gives an empty one.
fn edited(edits: &[u8]) -> Vec<u8> {
    use Dtype::{Bf16, Bool, F16, F32, F64, I8, I64, U8, U32, U64};
    const DTYPES: [Dtype; 10] = [F32, F64, F16, Bf16, U8, U32, U64, I64, I8, Bool];
    let valid = SafeTensors::parse(saved_once(2)).expect("what was saved");
    let item = |view: &View<'_>| Item {
        name: view.name().into(),
        dtype: view.dtype(),
        shape: view.shape().into(),
        data: view.data().into(),
    };
    let mut items: Vec<Item> = valid.views().iter().map(item).collect();
    for &[edit, which, a, b] in edits.as_chunks().0 {
        if items.is_empty() {
            break;
        }
        let [at, other] = [which, a].map(|n| usize::from(n) % items.len());
        let copy = items[other].clone();
        let item = &mut items[at];
        match edit % 8 {
            0 => drop(items.remove(at)),
            1 => item.name.push(char::from(a)),
            2 => item.name.insert(0, '@'),
            3 => item.dtype = DTYPES[usize::from(a) % DTYPES.len()],
            4 => item.shape.push(usize::from(a % 4)),
            5 => item.shape.reverse(),
            6 => item
                .data
                .iter_mut()
                .skip(a.into())
                .for_each(|byte| *byte = b),
            _ => {
                let name = format!("@{b}");
                items.push(Item { name, ..copy });
            }
        }
    }
    for item in &mut items {
        let mut sizes = item.shape.iter();
        let elements = sizes.try_fold(1usize, |product, &n| product.checked_mul(n));
        let Some(elements @ 0..=4096) = elements else {
            return Vec::new();
        };
        item.data.resize(elements * item.dtype.size(), 0);
    }
    let entries = items.iter().map(|item| {
        let data = Data::Bytes(item.dtype, &item.data);
        Entry::new(&item.name, &item.shape, data)
    });
    serialize(&entries.collect::<Vec<_>>(), &[]).unwrap_or_default()
}

/// Checkpoints as they are, with and without what belongs to training, and with each kind of edit.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let run = Run::new(3);
    let weights = minitorch_core::state::save_weights(&run.net).expect("memory");
    let mut seeds = vec![
        [&[0], &run.saved()[..]].concat(),
        [&[0], &weights[..]].concat(),
    ];
    seeds.extend((0..8).map(|edit| vec![1, edit, 2, 1, 255, edit, 5, 4, 7]));
    seeds
}
