#!/usr/bin/env python3
"""Writes numbers of PyTorch, with which tests/semantics/tests/pytorch compares.

    python3 scripts/pytorch_reference.py            writes tests/data/pytorch
    python3 scripts/pytorch_reference.py --check    computes them again and compares
    python3 scripts/pytorch_reference.py --starts   shows how long f32 follows f64, by start

Needs PyTorch and safetensors (`pip install torch safetensors`). Other versions may differ in the last bits; --check
says by how much, and fails beyond rounding.

| file | what is in it |
| --- | --- |
| mnist.safetensors | the MNIST network with each pooling, 300 steps in f32 and f64: losses, gradients of the first step
as `fold` cuts them, held-out digits read correctly at the end |
| mnist-gradients.safetensors | average pooling, f64: all gradients of the first step |
| mnist-trained.safetensors | average pooling, f64: the weights at the end, in a file as users of PyTorch have it |
| operations.safetensors | what pytorch_operations.py describes |
| optimizers.safetensors | what pytorch_optimizers.py describes |
| sentiment.safetensors | what pytorch_sentiment.py describes |
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from load_in_pytorch import Network, digits, held_out
from pytorch_operations import fold, operations, whole
from pytorch_optimizers import optimizers
from pytorch_sentiment import sentiment

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "pytorch"
STEPS, BATCH, RATE = 300, 16, 0.01
# The seed of the first weight of the MNIST network; the others follow.
SEED = 500
POOLS = {"avg": F.avg_pool2d, "max": F.max_pool2d}


def begin(network, seed):
    """Multiples of 1/8192 up to 0.05, about what MiniTorch starts from."""
    with torch.no_grad():
        for seed, weight in enumerate(network.parameters(), seed):
            values = [(whole(seed, at, 819) - 409) / 8192 for at in range(weight.numel())]
            weight.copy_(torch.tensor(values, dtype=torch.float64).view(weight.shape))


def train(pool, dtype, seed=SEED):
    """Losses, gradients of step 1, and the network after the last step. Batches are in order, dropout is off."""
    images, labels = digits()
    network = Network(pool).to(dtype).eval()
    begin(network, seed)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    losses, gradients = [], None
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = F.nll_loss(network(images[batch].to(dtype)), labels[batch])
        loss.backward()
        gradients = gradients or {name: weight.grad.clone() for name, weight in network.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64), gradients, network


def distance(actual, expected):
    """The largest difference, relative to the largest number that is expected."""
    return float((actual - expected).abs().max() / expected.abs().max().clamp(min=1e-300))


def starts():
    for name, pool in POOLS.items():
        for seed in range(100, 900, 100):
            (single, *_), (double, *_) = train(pool, torch.float32, seed), train(pool, torch.float64, seed)
            far = ((single - double).abs() > 1e-4 * double).nonzero()
            step = f"at step {int(far[0]) + 1}" if len(far) else f"at none of {STEPS} steps"
            print(f"{name} {seed}: off by 1e-4 {step}; last loss {double[-1]:.3f}")


def mnist():
    numbers, files = {}, {}
    for name, pool in POOLS.items():
        numbers[f"{name} losses f32"], single, _ = train(pool, torch.float32)
        numbers[f"{name} losses f64"], double, network = train(pool, torch.float64)
        numbers |= {f"{name} gradient {weight}": fold(gradient) for weight, gradient in double.items()}
        numbers[f"{name} correct"] = torch.tensor(float(held_out(network.float())[0]))
        off, worst = max((distance(single[weight], double[weight]), weight) for weight in double)
        print(f"{name}: PyTorch's gradients in f32 are at most {off:.1e} off those in f64 ({worst})")
        if name == "avg":
            files["mnist-gradients"] = {weight: gradient.float() for weight, gradient in double.items()}
            files["mnist-trained"] = network.state_dict()
    return {"mnist": numbers} | files


# Beyond these differences, relative to the largest number of a tensor, it is not rounding. Losses in f32 are compared
# for the first 50 steps: training multiplies rounding errors.
ROUNDING = {"mnist-gradients": 1e-6, "mnist-trained": 1e-6}


def check(name, numbers):
    committed, worst = load_file(FOLDER / f"{name}.safetensors"), 0.0
    if committed.keys() != numbers.keys():
        sys.exit(f"{name}: other names: {sorted(committed.keys() ^ numbers.keys())[:5]}")
    for key, mine in numbers.items():
        limit, theirs, mine = ROUNDING.get(name, 1e-11), committed[key].double(), mine.double()
        if key.endswith("losses f32"):
            limit, theirs, mine = 1e-5, theirs[:50], mine[:50]
        off = distance(mine, theirs)
        if not off <= limit:
            sys.exit(f"{name}: {key}: {off:.1e} off what is committed")
        worst = max(worst, off)
    print(f"{name}: at most {worst:.1e} off what is committed")


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if sys.argv[1:] == ["--starts"]:
        return starts()
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    files = {"operations": operations(), "optimizers": optimizers(), "sentiment": sentiment()}
    for name, numbers in (mnist() | files).items():
        if sys.argv[1:]:
            check(name, numbers)
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            numbers = {key: value.contiguous() for key, value in numbers.items()}
            save_file(numbers, FOLDER / f"{name}.safetensors", {"torch": torch.__version__})
            print(f"wrote {name}.safetensors")


if __name__ == "__main__":
    main()
