//! MNIST as it is published: four files, and where they are.

use crate::fetch::{Packing, RemoteFile, Set};

/// Images and labels to train on, then images and labels to test with. The sums are those of the content: whoever packs
/// it anew gets another file.
pub(super) const FILES: [RemoteFile<'static>; 4] = [
    gzip(
        "train-images-idx3-ubyte.gz",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    gzip(
        "train-labels-idx1-ubyte.gz",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    gzip(
        "t10k-images-idx3-ubyte.gz",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    gzip(
        "t10k-labels-idx1-ubyte.gz",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
];

/// All of MNIST: 70,000 images, 11 MB to download.
pub(super) const MNIST: Set<'static> = Set {
    name: "MNIST",
    folder: "mnist",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    files: &FILES,
    otherwise: "give the folder of the four files with --data DIR, or another source with --mirror URL",
};

const fn gzip(name: &'static str, size: u64, sha256: &'static str) -> RemoteFile<'static> {
    RemoteFile {
        name,
        packing: Packing::Gzip,
        size,
        sha256,
    }
}
