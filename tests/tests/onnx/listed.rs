//! The cases that do not pass.

use super::case::Case;

/// Why, and which operators or cases. An operator that is named here has no case that passes.
const LISTED: &[(&str, &[&str])] = &[
    (
        "recurrent networks: not in the library",
        &["GRU", "LSTM", "RNN"],
    ),
    (
        "resampling of images: not in the library",
        &["Resize", "Upsample"],
    ),
    (
        "sampling at places between pixels: not in the library",
        &["AffineGrid", "DeformConv", "GridSample", "RoiAlign"],
    ),
    (
        "Fourier transforms: complex numbers are not in the library",
        &["DFT", "STFT"],
    ),
    (
        "boxes around objects: not in the library",
        &["NonMaxSuppression"],
    ),
    (
        "inverse trigonometric functions: not in the library",
        &["Acos", "Asin", "Atan"],
    ),
    ("sorting and equal rows: not in the library", &["Unique"]),
    ("determinants: not in the library", &["Det"]),
    (
        "graphs within a node: nodes are called, not interpreted",
        &["If", "Loop", "Scan"],
    ),
    ("optional values: not of a tensor", &["OptionalGetElement"]),
    (
        "trees and features of classical learning (ai.onnx.ml): not in the library",
        &["ArrayFeatureExtractor", "Binarizer", "TreeEnsemble"],
    ),
    (
        "places of a pool's maxima: pools do not give them",
        &[
            "MaxUnpool",
            "test_maxpool_with_argmax_2d_precomputed_pads",
            "test_maxpool_with_argmax_2d_precomputed_strides",
        ],
    ),
    (
        "random numbers: another generator",
        &[
            "Bernoulli",
            "test_training_dropout",
            "test_training_dropout_default",
            "test_training_dropout_default_mask",
            "test_training_dropout_mask",
        ],
    ),
    (
        "more than six axes: tensors have at most six",
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
        &["test_convtranspose_3d"],
    ),
    (
        "the extreme of no elements: an error in the library, an infinity in ONNX",
        &["test_reduce_max_empty_set", "test_reduce_min_empty_set"],
    ),
    (
        "the results were made with an epsilon of 0.01, which the model does not give",
        &["test_adam_multiple"],
    ),
];

/// The name under which a case is listed, and the reason.
pub(super) fn reason(case: &Case) -> Option<(&'static str, &'static str)> {
    let named = |name: &str| name == case.operator() || name == case.name;
    LISTED.iter().find_map(|(reason, names)| {
        let name = names.iter().find(|name| named(name))?;
        Some((*name, *reason))
    })
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    LISTED.iter().flat_map(|(_, names)| names.iter().copied())
}
