"""The operations that PyTorch and minitorch-core are compared on: the cases, and PyTorch's answers.

A case is a line of text, which is also the name of its answer in tests/data/pytorch/operations.safetensors:

    conv2d 2x3x9x10 4x3x3x3 stride=2x2 pad=1x1

First the operation, then its operands, then its options. Operands are made of whole numbers from a hash, so that
tests/semantics/tests/pytorch/case.rs makes the same ones:

    2x3    shape; multiples of 1/16 from -2 to 2, so there are zeros and equal numbers
    2x3+   multiples of 1/16 from 1/16 to 4
    2x3%   multiples of 1/16 from 0 to 1
    6<10   six whole numbers below 10

The answer is the result and then the gradient by each operand that is not whole, for numbers of the first kind as the
gradient of the result; each is cut down by `fold`.
"""

import functools
import itertools
import math

import torch
import torch.nn.functional as F

# Every tensor is stored as at most so many numbers.
KEPT = 8


def whole(seed, at, below):
    """Number `at` of a sequence of whole numbers that looks random (SplitMix64)."""
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    x = (seed * golden + at) * golden & mask
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
    return ((x ^ x >> 31) >> 32) % below


@functools.cache
def wholes(seed, count, below):
    return torch.tensor([whole(seed, at, below) for at in range(count)])


def sizes(text):
    return [int(size) for size in text.split("x")]


def operand(text, seed):
    if "<" in text:
        count, below = text.split("<")
        return wholes(seed, int(count), int(below))
    below, offset = {"+": (64, 1), "%": (17, 0)}.get(text[-1], (64, -32))
    shape = sizes(text.rstrip("+%"))
    return (wholes(seed, math.prod(shape), below) + offset).double().view(shape) / 16


def fold(tensor):
    """At most KEPT numbers: number j is the sum of the elements i with i % KEPT == j, each with a weight of its own."""
    flat = tensor.detach().double().flatten()
    if len(flat) <= KEPT:
        return flat
    weighted = flat * operand(f"{len(flat)}+", 9)
    return F.pad(weighted, (0, -len(flat) % KEPT)).view(-1, KEPT).sum(0)


def answer(case):
    name, *words = case.split()
    options = dict(word.split("=") for word in words if "=" in word)
    operands = [operand(word, seed) for seed, word in enumerate(words, 1) if "=" not in word]
    inputs = [x.requires_grad_() for x in operands if x.is_floating_point()]
    result = OPERATIONS[name](*operands, **options)
    gradients = []
    if result.is_floating_point():
        upstream = operand("x".join(map(str, result.shape)) or "1", 0).view(result.shape)
        gradients = torch.autograd.grad(result, inputs, upstream, materialize_grads=True)
    return torch.cat([fold(part) for part in (result, *gradients)])


def padded(x, kernel, pad):
    """`x` with zeros: PyTorch's symmetric ones, or MiniTorch's after (or, reversed, before) the data."""
    sides = []
    for size, symmetric in zip(reversed(kernel), reversed(sizes(pad) if pad[0].isdigit() else kernel)):
        sides += {"minitorch": (0, size - 1), "reverse": (size - 1, 0)}.get(pad, (symmetric, symmetric))
    return F.pad(x, sides)


def convolution(function):
    return lambda x, w, stride, pad: function(padded(x, w.shape[2:], pad), w, stride=sizes(stride))


def pooling(function):
    return lambda x, kernel, stride: function(x, sizes(kernel), sizes(stride))


def decided(function):
    """Of two equal numbers PyTorch gives each half of the gradient, minitorch-core the first one all of it."""

    def checked(a, b):
        assert not (a == b).any(), "equal numbers"
        return function(a, b)

    return checked


def linear(x, weight, bias=None, relu="no"):
    y = F.linear(x, weight, bias)
    return F.relu(y) if relu == "yes" else y


def pick(x, index, axis):
    axis = int(axis)
    index = index.view(x.select(axis, 0).shape).unsqueeze(axis)
    return x.gather(axis, index).squeeze(axis)


def each_axis(function):
    """Applies a function of one axis to several, the last one first."""

    def folded(x, axes):
        for axis in sorted(sizes(axes), reverse=True):
            x = function(x, axis)
        return x

    return folded


OPERATIONS = {
    "neg": torch.neg,
    "inv": torch.reciprocal,
    "exp": torch.exp,
    "log": torch.log,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "square": torch.square,
    "sin": torch.sin,
    "cos": torch.cos,
    "erf": torch.erf,
    "powf": lambda x, c: x ** float(c),
    "clamp": lambda x, low, high: x.clamp(float(low), float(high)),
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "maximum": decided(torch.maximum),
    "minimum": decided(torch.minimum),
    "where": lambda yes, no: torch.where(yes > no, yes, no * no),
    "sum": lambda x, axes: x.sum(sizes(axes)),
    "mean": lambda x, axes: x.mean(sizes(axes)),
    "var": lambda x, axes, correction: x.var(sizes(axes), correction=int(correction)),
    "prod": each_axis(torch.prod),
    "max": lambda x, axis: x.max(int(axis)).values,
    "min": lambda x, axis: x.min(int(axis)).values,
    "argmax": lambda x, axis: x.argmax(int(axis)),
    "softmax": lambda x, axis: x.softmax(int(axis)),
    "log_softmax": lambda x, axis: x.log_softmax(int(axis)),
    "logsumexp": lambda x, axis: x.logsumexp(int(axis)),
    "pick": pick,
    "rows": lambda table, i: F.embedding(i, table),
    "cat": lambda a, b, axis: torch.cat([a, b], int(axis)),
    "stack": lambda a, b, axis: torch.stack([a, b], int(axis)),
    "window": lambda x, axis, size, step: x.unfold(int(axis), int(size), int(step)),
    "nll": F.nll_loss,
    "cross_entropy": F.cross_entropy,
    "bce": lambda x, t: F.binary_cross_entropy(x.sigmoid(), t),
    # By the target, PyTorch's gradient is infinite at 0 and 1, where its loss and all of minitorch-core's are not.
    "bce_of_labels": lambda p, t: F.binary_cross_entropy(p, t.detach()),
    "bce_with_logits": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
    "matmul": torch.matmul,
    "linear": linear,
    "conv1d": convolution(F.conv1d),
    "conv2d": convolution(F.conv2d),
    "avg_pool1d": pooling(F.avg_pool1d),
    "max_pool1d": pooling(F.max_pool1d),
    "avg_pool2d": pooling(F.avg_pool2d),
    "max_pool2d": pooling(F.max_pool2d),
}


def cases():
    for name in ("neg", "exp", "relu", "sigmoid", "tanh", "gelu", "abs", "square", "sin", "cos", "erf"):
        yield f"{name} 9x17"
    for name in ("inv", "log", "sqrt"):
        yield f"{name} 9x17+"
    yield from ("powf 5x7 c=2", "powf 5x7 c=3", "powf 5x7 c=0")
    yield from ("powf 5x7+ c=-1", "powf 5x7+ c=0.5", "powf 5x7+ c=-2.25")
    yield "clamp 5x7 low=-0.55 high=1.2"
    for name, sign in (("add", ""), ("sub", ""), ("mul", ""), ("div", "+")):
        for shapes in (("3x5", "3x5"), ("4x3x5", "5"), ("4x1x5", "3x1"), ("1x5", "4x3x1")):
            yield f"{name} {shapes[0]} {shapes[1]}{sign}"
    yield from ("pow 3x5+ 3x5", "pow 4x1x5+ 3x1", "maximum 3x5 3x5", "minimum 3x5 3x5", "where 6x7 6x7")

    for name in ("sum", "mean"):
        for axes in ("0", "1", "2", "0x2", "1x2", "0x1x2"):
            yield f"{name} 3x4x5 axes={axes}"
        yield from (f"{name} 3x1100 axes=1", f"{name} 700x3 axes=0", f"{name} 5x40x30 axes=0x2")
    yield from ("var 3x4x5 axes=1 correction=1", "var 3x4x5 axes=0x2 correction=0", "var 2x600 axes=1 correction=1")
    # Without zeros, with a single one in some products, and with several.
    yield from ("prod 3x4x5+ axes=1", "prod 3x4x5 axes=0x2", "prod 12x30 axes=1", "prod 4x9% axes=1")
    for name in ("max", "min", "argmax"):
        yield from (f"{name} 3x4x5 axis={axis}" for axis in (0, 1, 2))
        # More elements than there are different numbers: the first of equal ones counts.
        yield from (f"{name} 4x300 axis=1", f"{name} 300x4 axis=0")
    for name in ("softmax", "log_softmax", "logsumexp"):
        yield from (f"{name} 3x4x5 axis={axis}" for axis in (0, 1, 2))
        yield from (f"{name} 4x600 axis=1", f"{name} 16x10 axis=1")
    yield from ("pick 5x7 5<7 axis=1", "pick 3x4x5 15<4 axis=1", "rows 10x4 25<10", "rows 40x50 30<40")
    yield from ("cat 3x4 3x2 axis=1", "cat 2x3x4 5x3x4 axis=0", "stack 3x4 3x4 axis=1")
    yield from ("window 3x11 axis=1 size=4 step=2", "nll 6x10 6<10", "nll 16x3 16<3")
    yield from (f"cross_entropy {case}" for case in ("6x10 6<10", "64x10 64<10", "3x700 3<700"))
    # Probabilities of exactly 0 and 1 are among those of bce_of_labels.
    yield from ("bce 6x7 6x7%", "bce_of_labels 6x7% 6x7%", "bce_with_logits 6x7 6x7%")
    yield from ("mse 6x7 6x7", "mse 130x9 130x9")

    for shapes in (
        *("3x4 4x5", "1x1 1x1", "1x9 9x1", "9x1 1x9", "16x392 392x64", "64x10 10x16", "33x17 17x40"),
        *("2x3x4 2x4x5", "2x3x4 4x5", "3x4 2x4x5", "2x1x3x4 3x4x5", "7x1x2x3 1x4x3x2"),
        *("5 5", "4 4x3", "3x4 4", "3 2x3x4", "2x3x4 4"),
    ):
        yield f"matmul {shapes}"
    for shapes in ("5x7 4x7 4", "5x7 4x7", "2x3x7 4x7 4", "7 4x7 4", "1x1 1x1 1", "33x40 17x40 17", "16x392 64x392 64"):
        yield from (f"linear {shapes} relu={relu}" for relu in ("no", "yes"))

    for kernel, stride, pad in itertools.product((1, 3, 4), (1, 2, 3), ("0", "2", "minitorch", "reverse")):
        yield f"conv1d 2x3x13 4x3x{kernel} stride={stride} pad={pad}"
    yield from ("conv1d 10x50x23 20x50x5 stride=1 pad=0", "conv1d 1x1x4 1x1x4 stride=1 pad=3")
    kernels, strides = ("1x1", "2x2", "3x3", "5x5", "3x1", "2x4"), ("1x1", "2x2", "3x1")
    for kernel, stride, pad in itertools.product(kernels, strides, ("0x0", "1x1", "2x1", "minitorch", "reverse")):
        yield f"conv2d 2x3x9x10 4x3x{kernel} stride={stride} pad={pad}"
    yield from (
        "conv2d 3x1x28x28 4x1x3x3 stride=1x1 pad=minitorch",
        "conv2d 3x4x28x28 8x4x3x3 stride=1x1 pad=1x1",
        "conv2d 1x16x7x33 9x16x3x3 stride=1x1 pad=0x0",
        "conv2d 5x2x17x16 3x2x7x7 stride=4x4 pad=3x3",
        "conv2d 2x3x6x5 2x3x6x5 stride=1x1 pad=0x0",
        "conv2d 2x3x6x5 2x3x2x2 stride=7x3 pad=0x0",
        "conv2d 1x1x1x1 1x1x3x3 stride=1x1 pad=1x1",
    )

    for name in ("avg_pool1d", "max_pool1d"):
        for kernel, stride in itertools.product((1, 2, 3, 5), (1, 2, 3)):
            yield f"{name} 2x3x13 kernel={kernel} stride={stride}"
    for name in ("avg_pool2d", "max_pool2d"):
        for kernel, stride in itertools.product(("2x2", "3x3", "4x4", "1x3", "4x1"), ("1x1", "2x2", "3x2", "4x4")):
            yield f"{name} 2x3x9x10 kernel={kernel} stride={stride}"
        yield f"{name} 3x8x28x28 kernel=4x4 stride=4x4"
        yield f"{name} 1x1x2x3 kernel=2x3 stride=5x5"


def operations():
    """The answer to each case."""
    return {case: answer(case) for case in cases()}
