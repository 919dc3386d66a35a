"""PyTorch beside `runner bench`: the same workloads, protocol, cases and JSON lines.

Usage: bench_torch.py --workloads LIST [--threads N] [--device cuda [--graphs]] [--data FOLDER]
FOLDER has the MNIST files, plain or .gz, for W1E. W0, the limits of the machine, is not PyTorch's. On a device a call ends
when the device has done it; with --graphs it is captured once, and then replayed (the peer's name is torch-graphs).
BENCH_BUDGET and BENCH_REPEATS say how long a case is measured.
"""

import argparse
import functools
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

options = argparse.ArgumentParser()
options.add_argument("--workloads", required=True)
options.add_argument("--threads", type=int, default=1)
options.add_argument("--device", default="cpu")
options.add_argument("--graphs", action="store_true")
options.add_argument("--data", type=pathlib.Path)
options.add_argument("--first-step", action="store_true", help=argparse.SUPPRESS)
options = options.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
warnings.filterwarnings("ignore")  # of what else could be installed

import torch
import torch.nn.functional as F
from torch import nn

REPEATS = int(os.environ.get("BENCH_REPEATS", 3))
BUDGET = float(os.environ.get("BENCH_BUDGET", 0.5))
WARM_UP, SHORTEST = min(0.3, BUDGET), 200e-6
ON_GPU = options.device.startswith("cuda")
PEER = "torch-graphs" if options.graphs else "torch"


class Digits(nn.Module):
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


class Sentences(nn.Module):
    """Vectors of words, [b, l, d], to the probability of being positive, [b]."""

    def __init__(self, dimension):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(dimension, 100, width, padding="same") for width in (3, 4, 5))
        self.fc = nn.Linear(100, 1)
        self.dropout = nn.Dropout(0.25)

    def forward(self, x):
        x = x.transpose(1, 2)
        features = sum(F.relu(conv(x)).amax(2) for conv in self.convs)
        return torch.sigmoid(self.dropout(self.fc(features))).squeeze(1)


def trainer(network, loss):
    optimizer = torch.optim.SGD(network.train().parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss(network(x), y).backward()
        optimizer.step()

    return step


def line(workload, case, unit, work, repeats, calls, inner=1, **more):
    """Prints a case, of which `repeats` are the sorted samples, in seconds."""
    medians = [statistics.median(samples) for samples in repeats]
    median = min(medians)
    case = dict(peer=PEER, version=torch.__version__, workload=workload, case=case, threads=options.threads)
    case.update(median_ms=median * 1e3 / inner, min_ms=min(map(min, repeats)) * 1e3 / inner)
    case.update(rate=median * 1e3 if unit == "ms" else work / median, unit=unit, spread=max(medians) / median, calls=calls)
    print(json.dumps(case | more), flush=True)


def wait():
    if ON_GPU:
        torch.cuda.synchronize()


def graphed(call):
    """What replays the kernels of `call`, as a CUDA graph, with the tensors that it has now."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def measure(workload, case, unit, work, ask, inner=1):
    ask = graphed(ask) if options.graphs else ask

    def call():
        ask()
        wait()

    start, calls = time.perf_counter(), 0
    while calls < 3 or time.perf_counter() - start < WARM_UP:
        call()
        calls += 1
    start = time.perf_counter()
    call()
    together = max(1, int(SHORTEST / (time.perf_counter() - start)))
    repeats, processor = [], []
    for _ in range(REPEATS):
        start, spent, samples = time.perf_counter(), time.process_time(), []
        while len(samples) < 5 or time.perf_counter() - start < BUDGET:
            sample = time.perf_counter()
            for _ in range(together):
                call()
            samples.append((time.perf_counter() - sample) / together)
            if len(samples) >= 3 and time.perf_counter() - start > 10 * BUDGET:
                break
        processor.append((time.process_time() - spent) / len(samples) / together)
        repeats.append(samples)
    calls = sum(map(len, repeats)) * together
    line(workload, case, unit, work, repeats, calls, inner, cpu_ms=min(processor) * 1e3 / inner)


def step():
    for size in (16, 64, 256, 1024):
        train = trainer(Digits(), F.nll_loss)
        x, y = torch.rand(size, 1, 28, 28), torch.randint(0, 10, (size,))
        measure("W1", f"B={size}", "samples/s", size, lambda: train(x, y))


def read(name, header):
    path = next(p for p in (options.data / name, options.data / f"{name}.gz") if p.exists())
    content = path.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8).to(options.device)


def epoch():
    images = read("train-images-idx3-ubyte", 16).float().div_(255).view(-1, 1, 28, 28)
    labels = read("train-labels-idx1-ubyte", 8).long()
    train = trainer(Digits(), F.nll_loss)
    if options.graphs:
        x, y = images[:64].clone(), labels[:64].clone()
        replay = graphed(functools.partial(train, x, y))

        def train(images, labels):
            x.copy_(images)
            y.copy_(labels)
            replay()

    def shuffled(count):
        for indices in torch.randperm(count).split(64):
            if len(indices) == 64:
                train(images[indices], labels[indices])
        wait()

    shuffled(6400)
    repeats = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        shuffled(len(images))
        repeats.append([time.perf_counter() - start])
    line("W1E", "epoch B=64", "samples/s", 60_000, repeats, REPEATS)


def sentences():
    for size, length, dimension in ((10, 52, 50), (64, 52, 100)):
        train = trainer(Sentences(dimension), F.binary_cross_entropy)
        x, y = torch.rand(size, length, dimension), torch.randint(0, 2, (size,)).float()
        measure("W2", f"B={size} L={length} E={dimension}", "samples/s", size, lambda: train(x, y))


@torch.no_grad()
def matmul():
    shapes = [(f"n={n}", (n, n)) for n in (64, 128, 256, 512, 1024, 2048)]
    for case, shape in [*shapes, ("batched 64x(64x64)", (64, 64, 64))]:
        x, y = torch.rand(shape), torch.rand(shape)
        measure("W3", case, "GFLOP/s", 2e-9 * x.numel() * shape[-1], lambda: x @ y)


def conv():
    for case, images, channels, side, out in (
        ("16x1x28_4", 16, 1, 28, 4),
        ("64x32x28_64", 64, 32, 28, 64),
        ("32x64x56_64", 32, 64, 56, 64),
    ):
        x, weight = torch.randn(images, channels, side, side), torch.randn(out, channels, 3, 3)
        grad = torch.randn(images, out, side, side)
        work = 2e-9 * grad.numel() * channels * 9
        with torch.no_grad():
            measure("W4", f"{case} fwd", "GFLOP/s", work, lambda: F.conv2d(x, weight, padding=1))
        x.requires_grad_()
        weight.requires_grad_()

        def both():
            x.grad = weight.grad = None
            (F.conv2d(x, weight, padding=1) * grad).sum().backward()

        measure("W4", f"{case} fwd+bwd", "GFLOP/s", 3 * work, both)


@torch.no_grad()
def elementwise():
    x, y, row = torch.rand(4096, 4096), torch.rand(4096, 4096), torch.rand(4096)
    for case, matrices, call in (
        ("add", 3, lambda: x + y),
        ("relu", 2, lambda: torch.relu(x)),
        ("exp", 2, lambda: torch.exp(x)),
        ("sum_all", 1, lambda: x.sum()),
        ("sum_rows", 1, lambda: x.sum(1)),
        ("bcast_add", 2, lambda: x + row),
        ("transpose_copy", 2, lambda: x.t().contiguous()),
    ):
        measure("W5", case, "GB/s", matrices * 4e-9 * x.numel(), call)


def autodiff():
    x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)

    def single():
        x.grad = y.grad = None
        (x + y).backward()

    def chain():
        x.grad = y.grad = None
        z = x
        for _ in range(1000):
            z = z + y
        z.backward()

    measure("W6", "single add+backward", "ops/s", 1, single)
    measure("W6", "chain1000 per node", "ops/s", 1000, chain, inner=1000)


@torch.inference_mode()
def inference():
    network, x = Digits().eval(), torch.rand(1, 1, 28, 28)
    measure("W7", "B=1 inference", "samples/s", 1, lambda: network(x))


def first_step():
    trainer(Digits(), F.nll_loss)(torch.rand(64, 1, 28, 28), torch.randint(0, 10, (64,)))
    wait()
    print("done", flush=True)


def cold():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, *sys.argv, "--first-step"], stdout=subprocess.PIPE)
        said = child.stdout.readline()
        seconds.append(time.perf_counter() - start)
        if child.wait() != 0 or said != b"done\n":
            sys.exit("COLD: the first step failed")
    line("COLD", "first_step", "ms", 0, [seconds], 3)


torch.set_num_threads(options.threads)
torch.set_num_interop_threads(1)
torch.set_default_device(options.device)
torch.manual_seed(1)
if options.first_step:
    first_step()
    sys.exit()
WORKLOADS = {
    "W1": step,
    "W1E": epoch,
    "W2": sentences,
    "W3": matmul,
    "W4": conv,
    "W5": elementwise,
    "W6": autodiff,
    "W7": inference,
    "COLD": cold,
}
for workload in options.workloads.split(","):
    WORKLOADS[workload]()
