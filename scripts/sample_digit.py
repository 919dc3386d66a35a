#!/usr/bin/env python3
"""Draws tests/data/digit.png: a digit of MNIST, held-out image 2, a seven, as a person might hand it in.

    python3 scripts/sample_digit.py

The image out of runner/data/mnist-images.gz is made five times as large, with smooth edges, and lies off the centre of
a white sheet of 140x180 pixels, black on white. Needs the standard library alone.
"""

import gzip
import pathlib
import struct
import zlib

SIDE = 28
IMAGE = 5000 + 2  # held-out images follow 5,000 training images
WIDTH, HEIGHT = 140, 180
LEFT, TOP = -18, 36  # of the enlarged image, whose own margin is empty
TIMES = 5


def ink(image, x, y):
    """The ink at a point of the image, in pixels, between the four nearest pixels."""
    x, y = x - 0.5, y - 0.5
    column, row = int(x // 1), int(y // 1)
    right, down = x - column, y - row

    def at(column, row):
        inside = 0 <= column < SIDE and 0 <= row < SIDE
        return image[row * SIDE + column] if inside else 0

    upper = at(column, row) * (1 - right) + at(column + 1, row) * right
    lower = at(column, row + 1) * (1 - right) + at(column + 1, row + 1) * right
    return upper * (1 - down) + lower * down


def chunk(kind, content):
    """A chunk of a PNG file: length, kind, content, checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    pixels = gzip.decompress((root / "runner/data/mnist-images.gz").read_bytes())[16:]
    image = pixels[IMAGE * SIDE * SIDE : (IMAGE + 1) * SIDE * SIDE]
    rows = b""
    for y in range(HEIGHT):
        rows += b"\0"  # the row is not filtered
        for x in range(WIDTH):
            rows += bytes([255 - round(ink(image, (x - LEFT + 0.5) / TIMES, (y - TOP + 0.5) / TIMES))])
    png = b"\x89PNG\r\n\x1a\n"
    png += chunk(b"IHDR", struct.pack(">2I5B", WIDTH, HEIGHT, 8, 0, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    target = root / "tests/data/digit.png"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(png)
    print(f"{target.relative_to(root)}: {len(png)} bytes")


if __name__ == "__main__":
    main()
