#!/usr/bin/env python3
"""Makes the MNIST subsets that are embedded: MiniTorch's own split in the runner, a few images in tests/tiny.

    python3 scripts/embed_mnist.py FOLDER

FOLDER holds the published files train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or as .gz. Training images
0..5000 and held-out images 10000..10500, both out of the published training set, are written in that order as two
gzipped IDX files of 5,500 items each: runner/data/mnist-images.gz and runner/data/mnist-labels.gz. Of these, the first 48
images and labels go to tests/tiny/data as they are.
The same zlib gives the same bytes; the sums printed at the end are of the plain content, which is always the same.
"""

import gzip
import hashlib
import pathlib
import struct
import sys

RANGES = [(0, 5000), (10000, 10500)]
TINY = 48
SIDE = 28
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
}


def published(folder, name):
    """The plain content of a published file, checked by its sum."""
    plain, packed = folder / name, folder / (name + ".gz")
    if plain.is_file():
        content = plain.read_bytes()
    elif packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(f"error: {folder} holds neither {name} nor {name}.gz")
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        sys.exit(f"error: {name} in {folder} is not the published file: its sha256 differs")
    return content


def subset(content, header, item):
    """The chosen items of an IDX file with a header of `header` bytes and items of `item` bytes."""
    return b"".join(content[header + first * item : header + last * item] for first, last in RANGES)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    images = subset(published(folder, "train-images-idx3-ubyte"), 16, SIDE * SIDE)
    labels = subset(published(folder, "train-labels-idx1-ubyte"), 8, 1)
    count = sum(last - first for first, last in RANGES)
    files = {
        "mnist-images.gz": struct.pack(">4I", 0x803, count, SIDE, SIDE) + images,
        "mnist-labels.gz": struct.pack(">2I", 0x801, count) + labels,
    }
    target = pathlib.Path(__file__).resolve().parent.parent / "runner" / "data"
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        packed = gzip.compress(content, compresslevel=9, mtime=0)
        (target / name).write_bytes(packed)
        print(f"{name}: {len(packed)} bytes, plain sha256 {hashlib.sha256(content).hexdigest()}")
    tiny = target.parent.parent / "tests" / "tiny" / "data"
    tiny.mkdir(parents=True, exist_ok=True)
    (tiny / "images").write_bytes(images[: TINY * SIDE * SIDE])
    (tiny / "labels").write_bytes(labels[:TINY])


if __name__ == "__main__":
    main()
