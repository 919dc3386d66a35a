#!/usr/bin/env python3
"""Loads weights that `runner mnist` wrote into PyTorch, and counts the held-out digits that the network reads.

    cargo run -p runner -- mnist
    python3 scripts/load_in_pytorch.py mnist.safetensors

Needs PyTorch and safetensors (`pip install torch safetensors`). Prints the line that runner printed, such as
`Held-out accuracy: 96.20% (481 of 500)`.

Weights have PyTorch's names and layout. A checkpoint holds more, all of it with an `@` in its name: what the optimiser
remembers (`fc1.weight@exp_avg`), random generators, and numbers of the run (`@epoch`, `@pool`). Leave these out, and
`load_state_dict` takes the rest as it is. (It takes the whole file with `strict=False`, but then a weight that is
missing goes unseen.)
"""

import gzip
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import nn

DATA = pathlib.Path(__file__).resolve().parent.parent / "runner" / "data"
TRAIN = 5000
MEAN, DEVIATION = 0.1307, 0.3081


class Network(nn.Module):
    """The network of `runner mnist`: images `[b, 1, 28, 28]` to logarithms of probabilities `[b, 10]`."""

    def __init__(self, pool=F.avg_pool2d):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 8, 3)
        self.fc1 = nn.Linear(392, 64)
        self.dropout = nn.Dropout(0.25)
        self.fc2 = nn.Linear(64, 10)
        self.pool = pool

    def forward(self, x):
        # MiniTorch's convolution is anchored at the top left: its zeros lie at the right and bottom.
        x = F.relu(self.conv1(F.pad(x, (0, 2, 0, 2))))
        x = F.relu(self.conv2(F.pad(x, (0, 2, 0, 2))))
        x = self.pool(x, 4).flatten(1)
        return F.log_softmax(self.fc2(self.dropout(F.relu(self.fc1(x)))), 1)


def digits():
    """The images `[5500, 1, 28, 28]` that runner embeds, 0 to 255, and their labels; the last 500 are held out."""
    images = gzip.decompress((DATA / "mnist-images.gz").read_bytes())[16:]
    labels = gzip.decompress((DATA / "mnist-labels.gz").read_bytes())[8:]
    images = torch.frombuffer(bytearray(images), dtype=torch.uint8).view(-1, 1, 28, 28)
    return images, torch.frombuffer(bytearray(labels), dtype=torch.uint8).long()


def load(path):
    """The network in a file, in evaluation mode, and whether its pixels have mean 0 and deviation 1."""
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        weights = {name: file.get_tensor(name) for name in names if "@" not in name}
        # Numbers of the run. A file of weights alone has none: then the default holds.
        number = lambda name: int(file.get_tensor(name)) if name in names else 0
        pool, normalise = number("@pool"), number("@normalise")
    network = Network(F.max_pool2d if pool else F.avg_pool2d).eval()
    network.load_state_dict(weights)
    return network, bool(normalise)


@torch.no_grad()
def held_out(network, normalise=False):
    """How many of the held-out digits the network reads, and how many there are."""
    images, labels = (part[TRAIN:] for part in digits())
    images = images.float()
    if normalise:
        images = (images / 255 - MEAN) / DEVIATION
    return int((network(images).argmax(1) == labels).sum()), len(labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    correct, of = held_out(*load(sys.argv[1]))
    print(f"Held-out accuracy: {100 * correct / of:.2f}% ({correct} of {of})")
