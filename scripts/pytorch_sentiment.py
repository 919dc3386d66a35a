"""The network of `runner sentiment` in PyTorch, from given weights, for pytorch_reference.py.

The first sentences that the runner embeds, in order, without dropout, each batch with all its sentences. Numbers of each
case in tests/data/pytorch/sentiment.safetensors:

    CASE losses    f64: the loss of each step, before the update
    CASE unknown   the vector of words without one, as it is given; and so, under their names, all other weights

Weights are multiples of 1/512 up to 1/16, which f16 holds exactly.
"""

import gzip
import itertools

import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import nn

from load_in_pytorch import DATA
from pytorch_operations import operand

DIMENSION, MAPS, WIDTHS = 50, 8, (3, 4, 5)
TRAIN, VALID = 5000, 20


def corpus(sentences):
    """Rows of the table for each training sentence, `[n, longest]`, their labels, and the vectors.

    Row 0 stands for no word and row 1 for a word without a vector; the others are in order of appearance.
    """
    lines = gzip.decompress((DATA / "sentences.gz").read_bytes()).decode().splitlines()
    lines = lines[:sentences] + lines[TRAIN : TRAIN + VALID]
    labels, texts = zip(*((int(label), text.split()) for label, text in (line.split(" ", 1) for line in lines)))
    file = load(gzip.decompress((DATA / "vectors.gz").read_bytes()))
    known = dict(zip(bytes(file["words"].tolist()).decode().split("\n"), file["vectors"].double()))
    words = [word for word in dict.fromkeys(itertools.chain(*texts)) if word in known]
    row = {word: row for row, word in enumerate(words, 2)}
    longest = max(map(len, texts))
    rows = [[row.get(word, 1) for word in text] + [0] * (longest - len(text)) for text in texts[:sentences]]
    return torch.tensor(rows), torch.tensor(labels[:sentences]).double(), torch.stack([known[word] for word in words])


class Network(nn.Module):
    """Sentences `[b, longest]` to logits `[b]`. Kim's form has features side by side, and windows that begin before a
    sentence."""

    def __init__(self, vectors, kim):
        super().__init__()
        self.kim = kim
        self.unknown = nn.Parameter(torch.empty(1, DIMENSION), requires_grad=kim)
        self.vectors = nn.Parameter(vectors, requires_grad=kim)
        self.convs = nn.ModuleList(nn.Conv1d(DIMENSION, MAPS, width) for width in WIDTHS)
        self.fc = nn.Linear(MAPS * (len(WIDTHS) if kim else 1), 1)

    def forward(self, rows):
        table = torch.cat([torch.zeros(1, DIMENSION), self.unknown, self.vectors])
        before = max(WIDTHS) - 1 if self.kim else 0
        x = F.pad(table[rows].transpose(1, 2), (before, 0))
        features = [F.relu(conv(F.pad(x, (0, width - 1)))).max(2).values for conv, width in zip(self.convs, WIDTHS)]
        features = torch.cat(features, 1) if self.kim else sum(features)
        return self.fc(features)[:, 0]


def minitorch_loss(logits, labels):
    """MiniTorch's, with its epsilon."""
    p = logits.sigmoid()
    return -(p * labels + (1 - p) * (1 - labels) + 1e-6).log().mean()


def train(case, sentences, batch, epochs, loss_of, kim=False, max_norm=None):
    rows, labels, vectors = corpus(sentences)
    network = Network(vectors, kim)
    given = {name: weight for name, weight in network.named_parameters() if name != "vectors"}
    with torch.no_grad():
        for seed, weight in enumerate(given.values(), 700):
            weight.copy_(operand("x".join(map(str, weight.shape)), seed) / 32)
    numbers = {f"{case} {name}": weight.detach().half() for name, weight in given.items()}
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adadelta(trained, 1.0, 0.95, 1e-6) if kim else torch.optim.SGD(trained, 0.125)
    losses = []
    for _ in range(epochs):
        for start in range(0, sentences, batch):
            optimizer.zero_grad()
            loss = loss_of(network(rows[start : start + batch]), labels[start : start + batch])
            loss.backward()
            optimizer.step()
            if max_norm:
                with torch.no_grad():
                    network.fc.weight.copy_(network.fc.weight.renorm(2, 0, max_norm))
            losses.append(loss.detach())
    return numbers | {f"{case} losses": torch.stack(losses)}


def sentiment():
    """The numbers of each case."""
    torch.set_default_dtype(torch.float64)
    loss = F.binary_cross_entropy_with_logits
    try:
        return (
            train("default", 145, 10, 3, loss)
            | train("minitorch", 145, 10, 3, minitorch_loss)
            | train("kim", 260, 50, 5, loss, kim=True, max_norm=0.5)
        )
    finally:
        torch.set_default_dtype(torch.float32)
