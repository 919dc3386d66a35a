//! The data sets as they are published: which files, and where they are.

use crate::fetch::{Archive, Member, Packing, RemoteFile, Set};

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
pub(crate) const MNIST: Set<'static> = Set {
    name: "MNIST",
    folder: "mnist",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    files: &FILES,
    otherwise: "name another source with --mirror URL, or give the folder of the four files to mnist with --full --data DIR",
};

/// SST-2 of GLUE: phrases to train on, sentences to validate with.
pub(crate) const SST2: Archive<'static> = Archive {
    set: Set {
        name: "SST-2",
        folder: "sst2",
        mirrors: &["https://dl.fbaipublicfiles.com/glue/data/"],
        files: &[plain(
            "SST-2.zip",
            7_439_277,
            "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
        )],
        otherwise: "get SST-2.zip of GLUE elsewhere, and give its folder to sentiment with --data DIR",
    },
    members: &[
        Member {
            path: "SST-2/train.tsv",
            name: "train.tsv",
        },
        Member {
            path: "SST-2/dev.tsv",
            name: "dev.tsv",
        },
    ],
};

/// The lengths of vectors that GloVe 6B has.
pub(crate) const GLOVE_DIMENSIONS: [usize; 4] = [50, 100, 200, 300];

/// The 400,000 vectors of GloVe 6B, of one of [`GLOVE_DIMENSIONS`]; `None` for another.
pub(crate) fn glove(dimension: usize) -> Option<Archive<'static>> {
    const MEMBERS: [Member<'static>; 4] = [
        text("glove.6B.50d.txt"),
        text("glove.6B.100d.txt"),
        text("glove.6B.200d.txt"),
        text("glove.6B.300d.txt"),
    ];
    const SET: Set<'static> = Set {
        name: "GloVe 6B",
        folder: "glove",
        // The first one sends on to the second.
        mirrors: &[
            "https://nlp.stanford.edu/data/",
            "https://downloads.cs.stanford.edu/nlp/data/",
        ],
        files: &[plain(
            "glove.6B.zip",
            862_182_613,
            "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
        )],
        otherwise: "get vectors in GloVe's text form elsewhere, and give them to sentiment with\n\
                    --data DIR --glove FILE, where DIR has sentences, which fetch sst2 brings",
    };
    let index = GLOVE_DIMENSIONS.iter().position(|&d| d == dimension)?;
    Some(Archive {
        set: SET,
        members: std::slice::from_ref(&MEMBERS[index]),
    })
}

/// A file that has the same name in the archive.
const fn text(name: &'static str) -> Member<'static> {
    Member { path: name, name }
}

const fn plain(name: &'static str, size: u64, sha256: &'static str) -> RemoteFile<'static> {
    RemoteFile {
        name,
        packing: Packing::Plain,
        size,
        sha256,
    }
}

const fn gzip(name: &'static str, size: u64, sha256: &'static str) -> RemoteFile<'static> {
    RemoteFile {
        name,
        packing: Packing::Gzip,
        size,
        sha256,
    }
}
