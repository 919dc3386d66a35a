"""Optimisers and schedules in PyTorch: 20 steps of each, for pytorch_reference.py.

A case is a line of text, such as `sgd rate=0.1 momentum=0.9`, which is also the name of its numbers in
tests/data/pytorch/optimizers.safetensors. Those of an optimiser are 20 losses of a small regression and the weights at
the end; those of a schedule are 20 rates.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler

from pytorch_operations import operand

OPTIMIZERS = (
    "sgd rate=0.1",
    "sgd rate=0.1 decay=0.02",
    "sgd rate=0.1 momentum=0.9",
    "sgd rate=0.1 momentum=0.9 decay=0.02",
    "sgd rate=0.1 momentum=0.9 nesterov=1",
    "sgd rate=0.1 momentum=0.9 nesterov=1 decay=0.02",
    "sgd rate=0.1 momentum=0.9 clip=0.25",
    "adam rate=0.05",
    "adam rate=0.05 decay=0.02",
    "adam rate=0.05 beta1=0.8 beta2=0.95 epsilon=0.001",
    "adam rate=0.05 clip=0.25",
    "adamw rate=0.05",
    "adamw rate=0.05 decay=0.3",
    "adamw rate=0.05 beta1=0.8 beta2=0.95 epsilon=0.001",
    "adadelta rate=1",
    "adadelta rate=1 decay=0.02",
    "adadelta rate=0.5 rho=0.95 epsilon=0.0001 max_norm=1",
)
SCHEDULES = (
    "one-cycle peak=0.3 steps=20",
    "one-cycle peak=0.005 steps=37",
    "step-decay rate=0.1 factor=0.5 every=6",
    "cosine peak=0.1 floor=0.01 warmup=0 steps=20",
    "cosine peak=0.1 floor=0.001 warmup=5 steps=30",
)


def optimizer(name, options, weights):
    kinds = {
        "sgd": torch.optim.SGD,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "adadelta": torch.optim.Adadelta,
    }
    number = {key: float(value) for key, value in options.items()}
    arguments = {"lr": number["rate"]}
    if "decay" in number:
        arguments["weight_decay"] = number["decay"]
    if "momentum" in number:
        arguments |= {"momentum": number["momentum"], "nesterov": "nesterov" in number}
    if "beta1" in number:
        arguments |= {"betas": (number["beta1"], number["beta2"]), "eps": number["epsilon"]}
    if "rho" in number:
        arguments |= {"rho": number["rho"], "eps": number["epsilon"]}
    return kinds[name](weights, **arguments)


def descent(name, options):
    """20 losses of a small regression, and the weights at the end."""
    layer = nn.Linear(6, 3).double()
    with torch.no_grad():
        layer.weight.copy_(operand("3x6", 1))
        layer.bias.copy_(operand("3", 2))
    x, y = operand("8x6", 3), operand("8x3", 4)
    steps, losses = optimizer(name, options, layer.parameters()), []
    for _ in range(20):
        steps.zero_grad()
        loss = F.mse_loss(layer(x).tanh(), y)
        loss.backward()
        if "clip" in options:
            nn.utils.clip_grad_norm_(layer.parameters(), float(options["clip"]))
        steps.step()
        if "max_norm" in options:
            with torch.no_grad():
                layer.weight.copy_(layer.weight.renorm(2, 0, float(options["max_norm"])))
        losses.append(loss.detach())
    return torch.cat([torch.stack(losses), layer.weight.detach().flatten(), layer.bias.detach()])


def schedule(name, options):
    """The rates of 20 steps."""
    number = {key: float(value) for key, value in options.items()}
    peak = number.get("peak", number.get("rate"))
    sgd = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
    if name == "one-cycle":
        rates = lr_scheduler.OneCycleLR(sgd, peak, total_steps=int(number["steps"]), cycle_momentum=False)
    elif name == "step-decay":
        rates = lr_scheduler.StepLR(sgd, int(number["every"]), number["factor"])
    else:
        warmup, steps = int(number["warmup"]), int(number["steps"])
        rates = lr_scheduler.SequentialLR(
            sgd,
            [
                lr_scheduler.LinearLR(sgd, 1 / max(warmup, 1), total_iters=max(warmup - 1, 0)),
                lr_scheduler.CosineAnnealingLR(sgd, steps - warmup, number["floor"]),
            ],
            [warmup],
        )
    seen = []
    for _ in range(20):
        seen.append(sgd.param_groups[0]["lr"])
        sgd.step()
        rates.step()
    return torch.tensor(seen, dtype=torch.float64)


def optimizers():
    """The numbers of each case."""

    def parts(case):
        name, *options = case.split()
        return name, dict(option.split("=") for option in options)

    numbers = {case: descent(*parts(case)) for case in OPTIMIZERS}
    return numbers | {case: schedule(*parts(case)) for case in SCHEDULES}
