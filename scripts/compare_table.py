"""Joins the JSON lines of `runner bench` and bench_torch.py, as they come, to a table; compare.sh runs all three.

Times are medians. Of the limits of the machine and of what is counted in GFLOP or GB the rate is shown.
"""

import json
import sys


def shown(line):
    if line is None:
        return "-"
    if line["unit"] in ("GFLOP/s", "GB/s"):
        return f"{line['rate']:.3g} {line['unit']}"
    ms = line["median_ms"]
    for unit, size in (("s", 1e3), ("ms", 1), ("us", 1e-3)):
        if ms >= size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms * 1e6:.3g} ns"


def row(*cells):
    workload, case, threads, ours, torch, ratio = cells
    print(f"{workload:<9} {case:<35} {threads:>7} {ours:>14} {torch:>14} {ratio:>7}", flush=True)


def table(block):
    """The rows of one workload and number of threads."""
    for (workload, case, threads), lines in block.items():
        ours, torch = lines.get("minitorch"), lines.get("torch")
        ratio = f"{torch['median_ms'] / ours['median_ms']:.2f}" if ours and torch else "-"
        row(workload, case, threads, shown(ours), shown(torch), ratio)


row("workload", "case", "threads", "ours", "torch", "ratio")
block, at = {}, None
for line in map(json.loads, sys.stdin):
    if at != (at := (line["workload"], line["threads"])):
        table(block)
        block = {}
    block.setdefault((line["workload"], line["case"], line["threads"]), {})[line["peer"]] = line
table(block)
