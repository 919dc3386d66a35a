//! Mistakes: each is a short message that names the option.

use runner::args::parse;

use crate::{command, mistake};

#[test]
fn wrong_usage_names_what_is_wrong() {
    for (options, part) in [
        ("mnist --batch 0", "--batch"),
        ("mnist --batch -1", "--batch"),
        (
            "mnist --threads 0",
            "'--threads <N>': a whole number of 1 or more is expected; at most 64",
        ),
        ("mnist --epochs 0", "--epochs"),
        ("mnist --train 0", "--train"),
        ("mnist --valid 0", "--valid"),
        ("mnist --rate 0", "--rate"),
        ("mnist --rate -0.1", "--rate"),
        ("mnist --rate nan", "--rate"),
        ("mnist --rate=-inf", "--rate"),
        ("mnist --rate 1e60", "--rate"),
        ("mnist --rate fast", "--rate"),
        ("mnist --seed -1", "'--seed <N>': a whole number from 0"),
        ("sentiment --seed -1", "'--seed <N>': a whole number from 0"),
        ("xor --seed -1", "'--seed <N>': a whole number from 0"),
        ("mnist --preset best", "minitorch, accurate"),
        ("mnist --pool min", "avg, max"),
        ("mnist --net huge", "minitorch, tiny"),
        ("mnist --backend gpu", "rayon, serial"),
        ("mnist --isa mmx", "auto, portable, avx2, avx512"),
        ("mnist --no-such-option", "--no-such-option"),
        ("mnist --epoch 3", "--epochs"),
        ("mnist --epochs", "--epochs"),
        ("mnist --epochs 1 --epochs 2", "--epochs"),
        ("mnist stray", "stray"),
        ("mnist --resume a --init b", "--init"),
        ("mnist --mirror http://a", "--full"),
        ("mnist --mirror http://a --data d", "--data"),
        ("mnist --full --mirror http://a --data d", "--data"),
        ("mnist --full --mirror", "--mirror"),
        ("mnist --full --mirror a/b", "such as http://"),
        ("mnist --full --mirror ftp://a", "such as http://"),
        ("mnits", "mnist"),
        ("show tensor --shape x", "<LIST>': a whole number of 0"),
        ("show tensor --shape -1", "<LIST>': a whole number of 0"),
        ("show map --cell -1", "<LIST>': a whole number of 0"),
        ("show tensor --permute=", "<LIST>': a whole number of 0"),
        ("show tensor --position -1", "<N>': a whole number of 0"),
        ("show reduce --axis x", "<N>': a whole number of 0"),
        ("show expression x --at =1", "NAME=NUMBER"),
        (
            "parallel-check map --permute a",
            "<N,N>': a whole number of 0",
        ),
        ("predict", "<INPUT>"),
        ("predict a.png --pool min", "avg, max"),
        ("predict a.png --preset best", "minitorch, accurate"),
        ("predict a.png --threads 0", "--threads"),
        ("predict a.png --no-such-option", "--no-such-option"),
        ("--no-such-option", "--no-such-option"),
    ] {
        let message = mistake(options);
        assert!(message.contains(part), "{options}: {message}");
    }
}

#[test]
fn an_option_that_would_change_nothing_is_a_mistake() {
    let programs = [
        "mnist",
        "sentiment",
        "predict a.png",
        "xor --engine fast",
        "bench",
        "parallel-check",
    ];
    for program in programs {
        let message = mistake(&format!("{program} --backend serial --threads 2"));
        assert!(
            message.starts_with("--threads is for --backend rayon"),
            "{message}"
        );
        for option in ["--threads 2", "--isa portable"] {
            let message = mistake(&format!("{program} --backend cuda {option}"));
            let name = option.split(' ').next().unwrap();
            assert!(message.starts_with(name), "{message}");
        }
    }
    let manual = "xor --engine manual --weights 1,2";
    for (options, start) in [
        (
            "xor --threads 2",
            "--threads changes nothing with --engine tensor",
        ),
        ("xor --engine tensor --threads 2", "--threads changes"),
        ("xor --engine scalar --threads 2", "--threads changes"),
        ("xor --engine scalar --isa portable", "--isa changes"),
        (
            "xor --backend serial",
            "--backend changes nothing with --engine tensor",
        ),
        ("xor --backend rayon", "--backend changes"),
        ("xor --engine tensor --backend rayon", "--backend changes"),
        ("xor --engine scalar --backend serial", "--backend changes"),
        (&format!("{manual} --backend serial"), "--backend changes"),
        (
            "xor --engine tensor --backend cuda",
            "--backend cuda is for --engine cuda",
        ),
        (
            "xor --engine cuda --backend serial",
            "--engine cuda computes on a GPU: leave out --backend serial",
        ),
        (
            "xor --engine cuda --backend rayon",
            "--engine cuda computes on a GPU: leave out --backend rayon",
        ),
        (&format!("{manual} --isa portable"), "--isa changes"),
        (&format!("{manual} --threads 2"), "--threads changes"),
        (&format!("{manual} --hidden 3"), "--hidden changes"),
        (&format!("{manual} --rate 0.1"), "--rate changes"),
        (&format!("{manual} --epochs 3"), "--epochs changes"),
        (&format!("{manual} --batch 3"), "--batch changes"),
        // There is a cell in colour in the picture only.
        (
            "show matmul --cell 0,1",
            "the following required arguments were not provided:\n--svg",
        ),
    ] {
        let message = mistake(options);
        assert!(message.starts_with(start), "{options}: {message}");
    }
    for options in [
        "xor --isa portable",
        "xor --backend cuda",
        "xor --engine cuda --backend cuda",
        "xor --engine fast --backend serial",
        "xor --engine fast --backend rayon --threads 2 --isa portable",
        "show matmul --cell 0,1 --svg -",
    ] {
        assert!(parse(command(options)).is_ok(), "{options}");
    }
}

#[test]
fn hostile_arguments_stay_within_four_lines() {
    let failure = parse(["runner", "mnist", "--\n\n1\n2\n3\n4\n5\u{1b}[2J"]).unwrap_err();
    assert!(failure.to_string().lines().count() <= 4, "{failure}");
    let failure = parse(["runner", "mnist", "--pool", "\u{1b}[2J"]).unwrap_err();
    assert!(!failure.to_string().contains('\u{1b}'), "{failure}");
}
