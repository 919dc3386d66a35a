//! The command that a page says does the same again: the program reads it as the settings it is made of.

use runner::args::{Task, command, parse};

/// The settings of a command line as one text, and the command that its choices make, as words.
fn read(words: &[String]) -> (String, String) {
    let task = parse(words).unwrap_or_else(|failure| panic!("{words:?}: {failure}"));
    let command = match &task {
        Task::Mnist(settings) => command("mnist", &settings.choices()),
        Task::Sentiment(settings) => command("sentiment", &settings.choices()),
        Task::Toy(settings) => {
            let program = runner::args::name(&settings.pattern);
            command(&program, &settings.choices())
        }
        other => panic!("{words:?}: {other:?}"),
    };
    (format!("{task:?}"), command.join(" "))
}

#[test]
fn a_command_of_all_choices_has_the_settings_of_the_one_that_was_typed() {
    for options in [
        "mnist",
        "mnist --preset minitorch",
        "mnist --preset accurate --rate 0.1 --pool avg --epochs 3",
        "mnist --net tiny --batch 7 --rate 1e-7 --seed 18446744073709551615 --train 70 --valid 3",
        "mnist --full --valid 100",
        "mnist --full --mirror http://127.0.0.1:9/mnist/",
        "mnist --full --data some/folder",
        "mnist --data folder --init a --checkpoint=-b --hash --json",
        "mnist --resume a --quiet --threads 3 --isa portable --report page.html",
        "mnist --backend serial",
        "sentiment",
        "sentiment --preset minitorch --train 20 --valid 10 --report page.html",
        "sentiment --preset kim --train-embeddings=false --filters 2,7 --maps 3 --hash",
        "sentiment --preset kim --data folder --glove file --embedding-dim 100 --resume a --rate 0.5",
        "sentiment --preset kim --unknown shared --embedding-dropout 0",
        "sentiment --train-embeddings --unknown own --data folder --seed 7 --batch 3 --epochs 2 --init w",
        "simple",
        "split --preset minitorch",
        "circle --preset minitorch --engine fast --hidden 3",
        "xor --engine scalar --points 10 --rate 0.125 --epochs 7 --batch 2 --seed 3",
        "diag --preset minitorch --batch 4 --report page.html --hash",
        "spiral --engine fast --threads 2 --quiet --json",
        "xor --engine fast --backend serial",
        "xor --engine cuda --hash",
        "simple --engine manual --weights=-1.5,2e-9",
        "simple --engine manual --weights 1,2 --bias=-0.25 --preset minitorch",
    ] {
        let typed: Vec<String> = ["runner"]
            .into_iter()
            .chain(options.split(' '))
            .map(String::from)
            .collect();
        let (settings, command) = read(&typed);
        let words = command.strip_prefix("cargo run -p ").expect(&command);
        let again: Vec<String> = words
            .split(' ')
            .filter(|word| *word != "--")
            .map(String::from)
            .collect();
        assert_eq!(read(&again), (settings, command.clone()), "{command}");
    }
}
