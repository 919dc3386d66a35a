//! Own sentences: words with vectors of their own, few of them, and phrases.

use serde_json::Value;

use crate::program::Folder;
use crate::{refused, run, said};

#[test]
fn a_word_with_a_vector_of_its_own_is_known() {
    let folder = Folder::new("sentiment-own");
    let [net, again] = ["net", "again"].map(|name| folder.file(name));
    for (name, content) in [
        (
            "train.tsv",
            "sentence\tlabel\ngood xyzzy\t1\nbad plugh\t0\n",
        ),
        ("dev.tsv", "sentence\tlabel\ngood frotz\t1\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let train = |options: &[&str]| {
        let fixed =
            "--train 2 --valid 1 --embedding-dim 2 --maps 3 --quiet --hash --train-embeddings";
        let fixed: Vec<&str> = fixed.split(' ').collect();
        said(&[&["sentiment", "--data", &data], &fixed[..], options].concat())
    };
    for (kind, expected) in [
        ("own", &["frotz"][..]),
        ("shared", &["xyzzy", "plugh", "frotz"]),
    ] {
        train(&["--unknown", kind, "--epochs", "2", "--checkpoint", &net]);
        let json = said(&[
            "predict",
            "Xyzzy plugh frotz good",
            "--json",
            "--checkpoint",
            &net,
        ]);
        let event: Value = serde_json::from_str(&json).expect(&json);
        assert_eq!(event["unknown"], Value::from(expected), "{kind}");

        let last = |said: String| said.lines().last().map(str::to_string);
        let longer = ["--unknown", kind, "--epochs", "5", "--checkpoint", &again];
        let whole = last(train(&longer));
        let resumed = last(train(&[&longer[..], &["--resume", &net]].concat()));
        assert_eq!(resumed, whole, "{kind}");
    }
}

/// Numbers that nobody typed give way to what is there, and the page's command can be typed.
#[test]
fn a_folder_with_fewer_sentences_than_usual_is_used_whole() {
    let folder = Folder::new("sentiment-few");
    let [net, page] = ["net", "page.html"].map(|name| folder.file(name));
    for (name, content) in [
        ("train.tsv", "sentence\tlabel\ngood film\t1\nbad film\t0\n"),
        ("dev.tsv", "sentence\tlabel\ngood\t1\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let options = [
        "sentiment",
        "--data",
        &data,
        "--embedding-dim",
        "2",
        "--checkpoint",
        &net,
    ];
    let short = [&options[..], &["--epochs", "1", "--report", &page]].concat();
    let output = run(&short);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(
        errors,
        "warning: 2 training sentences are all there are; 450 are usual\n\
         warning: 1 validation sentences are all there are; 100 are usual\n"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    for typed in ["--train 2<", "--valid 1<"] {
        assert!(page.contains(typed), "{page}");
    }
    for (option, expected) in [
        ("--train", "holds 2 training sentences"),
        ("--valid", "holds 1 validation sentences"),
    ] {
        let errors = refused(&[&options[..], &[option, "3"]].concat(), 2);
        assert!(errors.contains(expected), "{errors}");
    }
}

#[test]
fn phrases_are_named_where_they_are_trained_on() {
    let folder = Folder::new("sentiment-phrases");
    let [net, page] = ["net", "page.html"].map(|name| folder.file(name));
    for (name, content) in [
        ("stsa.binary.train", "1 a good film\n0 a bad film\n"),
        (
            "stsa.binary.phrases.train",
            "1 a good film\n1 good\n0 bad\n0 dull\n",
        ),
        ("stsa.binary.dev", "0 dull\n"),
        ("glove.2d.txt", "good 1 2\nbad -1 0.5\n"),
    ] {
        std::fs::write(folder.file(name), content).expect("a file");
    }
    let data = folder.path().display().to_string();
    let fixed = "--embedding-dim 2 --maps 3 --epochs 1 --quiet --preset kim --checkpoint";
    let fixed: Vec<&str> = fixed.split(' ').chain([&*net]).collect();
    let train =
        |options: &[&str]| said(&[&["sentiment", "--data", &data], &fixed[..], options].concat());
    let text = train(&["--report", &page]);
    assert!(
        text.contains("\nTrained on: 1 sentences and 2 phrases\n"),
        "{text}"
    );
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains("1 sentences and 2 phrases"), "{page}");
    let json: Value = serde_json::from_str(&train(&["--json"])).expect("an object");
    assert_eq!(
        json["trained_on"],
        serde_json::json!({"sentences": 1, "phrases": 2})
    );

    std::fs::write(folder.file("stsa.binary.phrases.train"), "0 dull\n").expect("a file");
    let arguments = [&["sentiment", "--data", &data], &fixed[..]].concat();
    let errors = refused(&arguments, 1);
    assert!(errors.contains("nothing is left to train on"), "{errors}");

    std::fs::remove_file(folder.file("stsa.binary.phrases.train")).expect("the file");
    assert!(!train(&[]).contains("Trained on"));
}
