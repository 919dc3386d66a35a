"""The training step of the MNIST network in PyTorch, measured as `runner bench` measures ours.

Usage: bench_torch.py THREADS [FOLDER]   (the folder of the MNIST files, plain or .gz, adds the epoch of 60,000 images)
Prints the same columns as `runner bench`.
"""

import gzip
import pathlib
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

REPEATS, WARM_UP, REPEAT = 3, 0.3, 0.5


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1)
        self.fc1 = nn.Linear(392, 64)
        self.fc2 = nn.Linear(64, 10)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = F.max_pool2d(x, 4).flatten(1)
        return F.log_softmax(self.fc2(self.dropout(F.relu(self.fc1(x)))), 1)


def trainer():
    network = Network().train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)

    def step(images, labels):
        optimizer.zero_grad(set_to_none=True)
        F.nll_loss(network(images), labels).backward()
        optimizer.step()

    return step


def median_ms(work):
    start, calls = time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - start < WARM_UP:
        work()
        calls += 1
    medians = []
    for _ in range(REPEATS):
        start, samples = time.perf_counter(), []
        while len(samples) < 5 or time.perf_counter() - start < REPEAT:
            call = time.perf_counter()
            work()
            samples.append((time.perf_counter() - call) * 1e3)
        medians.append(statistics.median(samples))
    return min(medians)


def row(workload, case, ms, amount):
    print(f"{workload:<9} {case:<22} {ms:>10.3f} ms {amount / ms * 1e3:>12.0f} samples/s", flush=True)


def steps():
    for batch in (16, 64, 256, 1024):
        step = trainer()
        images, labels = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
        row("W1", f"B={batch}", median_ms(lambda: step(images, labels)), batch)


def read(folder, name, header):
    path = next(p for p in (folder / name, folder / f"{name}.gz") if p.exists())
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8)


def epoch(folder):
    images = read(folder, "train-images-idx3-ubyte", 16).float().div_(255).view(-1, 1, 28, 28)
    labels = read(folder, "train-labels-idx1-ubyte", 8).long()
    step, times = trainer(), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for indices in torch.randperm(len(images)).split(64):
            if len(indices) == 64:
                step(images[indices], labels[indices])
        times.append((time.perf_counter() - start) * 1e3)
    row("W1E", "epoch B=64", min(times), len(images))


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
print(f"PyTorch {torch.__version__}, {sys.argv[1]} threads")
steps()
if len(sys.argv) > 2:
    epoch(pathlib.Path(sys.argv[2]))
