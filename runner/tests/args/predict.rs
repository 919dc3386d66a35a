//! The options of `runner predict`.

use runner::args::mnist::{Pool, Preset};
use runner::args::{Isa, Predict, Task, Training, parse};

use crate::command;

fn predict(options: &str) -> Predict {
    match parse(command(options)) {
        Ok(Task::Predict(arguments)) => arguments,
        other => panic!("{options}: {other:?}"),
    }
}

#[test]
fn every_option_of_predict_arrives() {
    let bare = predict("predict digit.png");
    assert_eq!(bare.inputs, ["digit.png"]);
    assert_eq!(
        (bare.checkpoint, bare.training),
        (None, Training::default())
    );
    assert!(!bare.quiet && !bare.json);

    let all = predict(
        "predict a.png - b.jpg --checkpoint c --preset accurate --pool avg --threads 7 --isa portable \
         --quiet --json",
    );
    assert_eq!(all.inputs, ["a.png", "-", "b.jpg"]);
    assert_eq!(all.checkpoint, Some("c".into()));
    let training = Training {
        preset: Some(Preset::Accurate),
        pool: Some(Pool::Avg),
    };
    assert_eq!(all.training, training);
    assert_eq!(
        (all.machine.processor.isa, all.machine.processor.threads),
        (Isa::Portable, Some(7))
    );
    assert!(all.quiet && all.json);
}
