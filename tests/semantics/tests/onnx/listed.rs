//! The cases that do not pass.

use super::case::{Case, Failed, How};

/// How a case is expected to fail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// There is no such operator.
    Operator,
    /// The operator, or the library, refuses what it is given, with these words in the error.
    Refused(&'static str),
    /// The numbers are others.
    Numbers,
}

impl Way {
    /// Whether a case failed so.
    pub(super) fn is(self, failed: &Failed) -> bool {
        let said = |words| failed.error.to_string().contains(words);
        match self {
            Self::Operator => failed.how == How::Operator,
            Self::Refused(words) => failed.how == How::Refused && said(words),
            Self::Numbers => failed.how == How::Numbers,
        }
    }
}

/// What the library says of a seventh axis.
const AXES: Way = Way::Refused("tensors have at most 6 axes");

/// Why, how, and which operators or cases. An operator that is named here has no case that passes.
const LISTED: &[(&str, Way, &[&str])] = &[
    (
        "recurrent networks: not in the library",
        Way::Operator,
        &["GRU", "LSTM", "RNN"],
    ),
    (
        "resampling of images: not in the library",
        Way::Operator,
        &["Resize", "Upsample"],
    ),
    (
        "sampling at places between pixels: not in the library",
        Way::Operator,
        &["AffineGrid", "DeformConv", "GridSample", "RoiAlign"],
    ),
    (
        "Fourier transforms: complex numbers are not in the library",
        Way::Operator,
        &["DFT", "STFT"],
    ),
    (
        "boxes around objects: not in the library",
        Way::Operator,
        &["NonMaxSuppression"],
    ),
    (
        "inverse trigonometric functions: not in the library",
        Way::Operator,
        &["Acos", "Asin", "Atan"],
    ),
    (
        "sorting and equal rows: not in the library",
        Way::Operator,
        &["Unique"],
    ),
    ("determinants: not in the library", Way::Operator, &["Det"]),
    (
        "graphs within a node: nodes are called, not interpreted",
        Way::Operator,
        &["If", "Loop", "Scan"],
    ),
    (
        "optional values: not of a tensor",
        Way::Operator,
        &["OptionalGetElement"],
    ),
    (
        "trees and features of classical learning (ai.onnx.ml): not in the library",
        Way::Operator,
        &["ArrayFeatureExtractor", "Binarizer", "TreeEnsemble"],
    ),
    (
        "places of a pool's maxima: pools do not take them",
        Way::Operator,
        &["MaxUnpool"],
    ),
    (
        "places of a pool's maxima: pools do not give them",
        Way::Refused("where the maxima were"),
        &[
            "test_maxpool_with_argmax_2d_precomputed_pads",
            "test_maxpool_with_argmax_2d_precomputed_strides",
        ],
    ),
    (
        "random numbers: not as an operator of their own",
        Way::Operator,
        &["Bernoulli"],
    ),
    (
        "random numbers: another generator",
        Way::Refused("another generator"),
        &[
            "test_training_dropout",
            "test_training_dropout_default",
            "test_training_dropout_default_mask",
            "test_training_dropout_mask",
        ],
    ),
    (
        "more than six axes: tensors have at most six",
        AXES,
        &[
            "test_col2im_5d",
            "test_nllloss_NCd1d2d3d4d5_mean_weight",
            "test_nllloss_NCd1d2d3d4d5_none_no_weight",
            "test_sce_NCd1d2d3d4d5_mean_weight",
            "test_sce_NCd1d2d3d4d5_mean_weight_log_prob",
            "test_sce_NCd1d2d3d4d5_none_no_weight",
            "test_sce_NCd1d2d3d4d5_none_no_weight_log_prob",
        ],
    ),
    (
        "a convolution along three axes: the library has one and two",
        Way::Refused("along 3 axes"),
        &["test_convtranspose_3d"],
    ),
    (
        "the extreme of no elements: an error in the library, an infinity in ONNX",
        Way::Refused("without elements"),
        &["test_reduce_max_empty_set", "test_reduce_min_empty_set"],
    ),
    (
        "the results were made with an epsilon of 0.01, which the model does not give",
        Way::Numbers,
        &["test_adam_multiple"],
    ),
];

/// The name under which a case is listed, the reason, and how it fails.
pub(super) fn reason(case: &Case) -> Option<(&'static str, &'static str, Way)> {
    let named = |name: &str| name == case.operator() || name == case.name;
    LISTED.iter().find_map(|(reason, way, names)| {
        let name = names.iter().find(|name| named(name))?;
        Some((*name, *reason, *way))
    })
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LISTED
        .iter()
        .flat_map(|(_, _, names)| names.iter().copied())
}

#[test]
fn a_case_that_fails_in_another_way_is_seen() {
    let failed = [
        How::Operator.with("no operator Det"),
        How::Refused.with("window: tensors have at most 6 axes"),
        How::Shape.with("shape [1] instead of [2]"),
        How::Numbers.with("element 0 is 1 instead of 2"),
    ];
    let seen = |way: Way| failed.each_ref().map(|failed| way.is(failed));
    assert_eq!(seen(Way::Operator), [true, false, false, false]);
    assert_eq!(seen(AXES), [false, true, false, false]);
    assert_eq!(seen(Way::Refused("7 axes")), [false; 4]);
    assert_eq!(seen(Way::Numbers), [false, false, false, true]);
}
