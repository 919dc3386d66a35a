//! `runner show` as a whole: what it prints and draws, and what it refuses.

mod program;

use std::process::{Command, Stdio};

use program::Folder;

/// Exit status, standard output and standard error.
fn show(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.arg("show").args(arguments).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let status = output.status.code().expect("no signal");
    (status, text(output.stdout), text(output.stderr))
}

/// The message of a run that has to be refused as wrong usage.
fn refused(arguments: &[&str]) -> String {
    let (status, out, error) = show(arguments);
    assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}: {error}");
    assert!(error.lines().count() <= 4, "{arguments:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// Asserts that all elements are closed in order, and that attributes are quoted and text has no stray markup.
fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (index, piece) in xml.split('<').enumerate() {
        let Some((tag, text)) = piece.split_once('>') else {
            assert!(index == 0 && piece.is_empty(), "{piece}");
            continue;
        };
        assert!(!text.contains('>'), "{piece}");
        for entity in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;"];
            assert!(
                known.iter().any(|known| entity.starts_with(known)),
                "{text}"
            );
        }
        assert!(tag.matches('"').count() % 2 == 0, "{tag}");
        let name = tag.split_ascii_whitespace().next().expect("a name");
        match tag.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_table_has_every_node_before_its_operands() {
    let (status, out, error) = show(&["expression", "x*y + log(x)", "--at", "x=2,y=3"]);
    assert_eq!((status, error.as_str()), (0, ""));
    let expected = "\
x*y + log(x) at x = 2, y = 3

node  operation  operands  value               gradient
1     add        3, 2      6.693147180559945   1
2     log        5         0.6931471805599453  1
3     mul        5, 4      6                   1
4     y                    3                   2
5     x                    2                   3.5
";
    assert_eq!(out, expected);
    // A name that is not given is 1, and an expression may begin with a minus sign.
    let (_, out, _) = show(&["expression", "-x"]);
    assert!(out.starts_with("-x at x = 1\n"), "{out}");
}

#[test]
fn the_pictures_have_every_node_and_every_line() {
    let folder = Folder::new("show");
    let (svg, dot) = (folder.file("graph.svg"), folder.file("graph.dot"));
    let text = "relu(x*x*y - 10.5*x) + (x < y)";
    let (status, out, error) = show(&[
        "expression",
        text,
        "--at",
        "x=1.5",
        "--svg",
        &svg,
        "--dot",
        &dot,
    ]);
    assert_eq!((status, error.as_str()), (0, ""));
    let nodes = out.lines().skip(3).count();
    assert_eq!(nodes, 10, "{out}");
    assert_eq!(folder.names(), ["graph.dot", "graph.svg"]);

    // Six operations of two numbers, and one of one.
    let lines = 2 * 6 + 1;
    let svg = std::fs::read_to_string(svg).expect("a picture");
    assert_well_formed(&svg);
    assert_eq!(svg.matches("<rect").count(), nodes + 1, "and the paper");
    assert_eq!(svg.matches("<path").count(), lines);
    assert!(svg.contains("(x &lt; y) at x = 1.5, y = 1"), "{svg}");

    let dot = std::fs::read_to_string(dot).expect("a graph");
    assert!(dot.starts_with("digraph {\n") && dot.ends_with("}\n"));
    assert_eq!((dot.matches('{').count(), dot.matches('}').count()), (1, 1));
    assert_eq!(dot.matches("\\ngradient ").count(), nodes);
    assert_eq!(dot.matches(" -> ").count(), lines);
    for edge in dot.lines().filter(|line| line.contains(" -> ")) {
        for end in edge.trim().trim_end_matches(';').split(" -> ") {
            assert!(dot.contains(&format!("  {end} [label=")), "{edge}");
        }
    }

    let (_, out, _) = show(&["expression", text, "--at", "x=1.5", "--dot", "-"]);
    assert_eq!(out, dot);
    refused(&["expression", text, "--dot", "-", "--svg", "-"]);
    let nowhere = folder.file("no/graph.svg");
    let (status, _, error) = show(&["expression", text, "--svg", &nowhere]);
    assert!(
        status == 1 && error.contains("there is no folder"),
        "{error}"
    );
}

#[test]
fn what_is_no_expression_is_refused_at_its_byte() {
    let cases = [
        ("", "byte 0: a number, a name or ( is expected, not the end"),
        (
            "x + ",
            "byte 4: a number, a name or ( is expected, not the end",
        ),
        ("x y", "byte 2: an operator is expected, not 'y'"),
        ("(x", "byte 2: ) is expected, not the end"),
        ("x)", "byte 1: an operator is expected, not ')'"),
        ("log x", "byte 4: ( is expected, not 'x'"),
        ("log(x, y)", "byte 5: ) is expected, not ','"),
        ("1 + tan(x)", "byte 4: there is no function of this name"),
        ("x < y < 2", "byte 6: comparisons do not follow each other"),
        (
            "x <= y",
            "byte 3: a number, a name or ( is expected, not '='",
        ),
        ("1e999", "byte 0: a number is too large"),
        ("1.2.3", "byte 3: an operator is expected, not '.'"),
        (".", "byte 0: a number is expected, not '.'"),
        ("1e", "byte 1: an operator is expected, not 'e'"),
        (
            "x + é",
            "byte 4: a number, a name or ( is expected, not 'é'",
        ),
        (
            "x \u{1b}[2J",
            "byte 2: an operator is expected, not '\\u{1b}'",
        ),
    ];
    for (text, expected) in cases {
        let error = refused(&["expression", text]);
        let expected = format!("error: expression: {expected}");
        assert!(error.starts_with(&expected), "{text}: {error}");
    }
}

#[test]
fn hostile_expressions_end_in_a_sentence() {
    let error = refused(&["expression", &"(".repeat(10_000)]);
    assert!(error.contains("byte 1000: "), "{error}");
    for deep in ["(", "-", "log("] {
        let error = refused(&["expression", &deep.repeat(200)]);
        let what = "more than 100 parentheses or minus signs inside each other";
        assert!(error.contains(what), "{error}");
    }
    // What is just allowed is drawn: long chains, with a variable that is far away from all its users.
    for (text, nodes) in [
        (format!("x{}", "*x".repeat(499)), 500),
        (format!("x{}", "+1".repeat(499)), 999),
        (format!("{}x{}", "(".repeat(100), ")".repeat(100)), 1),
    ] {
        let (status, svg, error) = show(&["expression", &text, "--svg", "-"]);
        assert_eq!((status, error.as_str()), (0, ""));
        assert_well_formed(&svg);
        assert_eq!(svg.matches("<rect").count(), nodes + 1);
    }
}

#[test]
fn values_have_to_go_with_the_names() {
    let error = refused(&["expression", "x", "--at", "z=1"]);
    assert!(
        error.contains("--at: z is not a name in the expression"),
        "{error}"
    );
    let error = refused(&["expression", "x", "--at", "x=1,x=2"]);
    assert!(error.contains("--at: x is given twice"), "{error}");
    for wrong in ["x", "x=", "x=nan", "x=1e999", "x=a"] {
        let error = refused(&["expression", "x", "--at", wrong]);
        assert!(error.contains("NAME=NUMBER is expected"), "{error}");
    }
}

#[test]
fn a_tensor_is_shown_with_its_strides_and_positions() {
    let (status, out, error) = show(&[
        "tensor",
        "--shape",
        "2,3,2",
        "--permute",
        "2,0,1",
        "--index",
        "1,0,2",
        "--position",
        "7",
    ]);
    assert_eq!((status, error.as_str()), (0, ""));
    let expected = "\
shape [2, 2, 3], 12 elements
strides [1, 6, 2], not contiguous
index_to_position([1, 0, 2]) = 1*1 + 0*6 + 2*2 = 5
to_index(7) = [1, 0, 1], stored at position 3

positions in the storage:
[0, _, _]
   0   2   4
   6   8  10
[1, _, _]
   1   3   5
   7   9  11
";
    assert_eq!(out, expected);
    let (_, out, _) = show(&["tensor", "--shape", "4"]);
    assert!(
        out.ends_with("strides [1], contiguous\n\npositions in the storage:\n  0  1  2  3\n"),
        "{out}"
    );
    let (_, out, _) = show(&["tensor", "--shape", "1000,1000,1000"]);
    assert!(out.ends_with("are not printed\n"), "{out}");
    assert_eq!(show(&["tensor", "--shape", "0,3"]).0, 0);
}

#[test]
fn map_zip_reduce_and_matmul_say_what_each_element_is_made_of() {
    let (status, out, error) = show(&["zip", "--shape", "2,3", "--with", "3"]);
    assert_eq!((status, error.as_str()), (0, ""));
    let expected = "\
zip: c = a + b, from [2, 3] and [3] to [2, 3]

a         b            c
1 2 3     10 20 30     11 22 33
4 5 6                  14 25 36

c[0, 0] = a[0, 0] + b[0] = 1 + 10 = 11
c[0, 1] = a[0, 1] + b[1] = 2 + 20 = 22
c[0, 2] = a[0, 2] + b[2] = 3 + 30 = 33
c[1, 0] = a[1, 0] + b[0] = 4 + 10 = 14
c[1, 1] = a[1, 1] + b[1] = 5 + 20 = 25
c[1, 2] = a[1, 2] + b[2] = 6 + 30 = 36
";
    assert_eq!(out, expected);
    let last = |arguments: &[&str]| {
        let (status, out, error) = show(arguments);
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
        out.lines().last().map(String::from)
    };
    let expected = [
        (&["map"][..], "c[1, 2] = -a[1, 2] = -6"),
        (
            &["reduce", "--axis", "0"],
            "c[0, 2] = a[0, 2] + a[1, 2] = 3 + 6 = 9",
        ),
        (
            &["matmul", "--shape", "1,2", "--with", "2,1"],
            "c[0, 0] = a[0, 0]*b[0, 0] + a[0, 1]*b[1, 0] = 1*1 + 2*2 = 5",
        ),
    ];
    for (arguments, line) in expected {
        assert_eq!(last(arguments).as_deref(), Some(line));
    }
}

#[test]
fn pictures_colour_one_element_and_all_that_it_is_made_of() {
    // Cells in all, and those that go into the chosen one.
    for (arguments, cells, sources) in [
        (&["map"][..], 12, 1),
        (&["zip"], 15, 2),
        (&["reduce"], 8, 3),
        (&["matmul", "--cell", "1,0"], 16, 6),
    ] {
        let (status, svg, error) = show(&[arguments, &["--svg", "-"]].concat());
        assert_eq!((status, error.as_str()), (0, ""));
        assert_well_formed(&svg);
        assert_eq!(svg.matches("<rect").count(), cells + 1, "{arguments:?}");
        assert_eq!(
            svg.matches("class=\"leaf\"").count(),
            sources,
            "{arguments:?}"
        );
        assert_eq!(svg.matches("class=\"root\"").count(), 1, "{arguments:?}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let cases: [(&[&str], &str); 12] = [
        (&["tensor", "--shape", "1,1,1,1,1,1,1"], "axes"),
        (&["tensor", "--shape", "9999999999,9999999999"], "too many"),
        (&["tensor", "--shape", "2,x"], "invalid"),
        (&["tensor", "--permute", "0,1"], "permute"),
        (&["tensor", "--permute", "0,1,1"], "permute"),
        (
            &["tensor", "--index", "0,0,4"],
            "--index: [0, 0, 4] is outside of the shape [2, 3, 4]",
        ),
        (
            &["tensor", "--position", "24"],
            "--position: 24 is beyond the 24 elements",
        ),
        (&["map", "--shape", "2,3,4"], "can be drawn, not [2, 3, 4]"),
        (&["map", "--shape", "0"], "can be drawn, not [0]"),
        (&["zip", "--with", "2"], "do not broadcast"),
        (&["reduce", "--axis", "2"], "axes [2] of shape [2, 3]"),
        (&["matmul", "--with", "2,2"], "matmul"),
    ];
    for (arguments, expected) in cases {
        let error = refused(arguments);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert!(refused(&["matmul", "--shape", "3"]).contains("two axes"));
    assert!(refused(&["map", "--cell", "2,0", "--svg", "-"]).contains("--cell: [2, 0] is outside"));
}

#[test]
fn a_picture_takes_the_place_of_a_picture_of_its_kind_only() {
    let folder = Folder::new("show-places");
    let [kept, svg, other] = ["weights", "a.svg", "b.svg"].map(|name| folder.file(name));
    std::fs::write(&kept, "what took long").expect("a file");
    for arguments in [
        &["map", "--svg", &kept][..],
        &["expression", "x * y", "--dot", &kept],
    ] {
        let error = refused(arguments);
        assert!(error.contains("this file is there and is not a"), "{error}");
    }
    let error = refused(&["expression", "x * y", "--svg", &other, "--dot", &other]);
    assert!(error.contains("another picture goes there"), "{error}");
    assert_eq!(folder.names(), ["weights"]);
    assert_eq!(std::fs::read(&kept).expect("the file"), b"what took long");
    for _ in 0..2 {
        assert_eq!(show(&["map", "--svg", &svg]).0, 0);
    }
}
