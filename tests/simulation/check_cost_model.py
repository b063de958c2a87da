#!/usr/bin/env python3
"""Prints how long real runs on 1 and 2 ranks take against what the dry run predicts, and the CPU time that they got.

    PYTHONPATH=tests tests/simulation/check_cost_model.py

Means something on a machine that does nothing else: the ratio should be within 15% of 1.
"""

import re
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from support.models import model_of
from support.programs import run

# More than half a minute: of less the program does not measure the rates of its cores.
SHAPES = ([(256, 1024)] * 500 + [(384, 384)] * 300 + [(1024, 1024)] * 60 + [(1024, 4096)] * 40 + [(2048, 2048)] * 20
          + [(2048, 8192)] * 6 + [(4096, 4096)] * 4)
UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds_in(text):
    """Of "1m 20s" or "3.4s"."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)([smh])", text))


def elapsed(*arguments, ranks):
    """Wall seconds of a command and CPU seconds that its processes got, with its output."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = run("alpha-hill", *arguments, ranks=ranks, timeout=1000)
    wall = time.monotonic() - start
    done.check_returncode()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, done.stdout


def check(model, folder, ranks):
    options = ["--model", model, "--output-dir", folder / f"on {ranks}", "--no-report", "--precisions", "fp32"]
    # A run that finds everything done takes as long as the start and the end of the other one.
    _, _, planned = elapsed(*options, "--dry-run", ranks=ranks)
    predicted = seconds_in(re.search(r"time +about (.*?) on", planned)[1])
    wall, cpu, _ = elapsed(*options, ranks=ranks)
    around, cpu_around, _ = elapsed(*options, ranks=ranks)
    measured, got = wall - around, cpu - cpu_around
    print(f"{ranks} ranks: predicted {predicted:.1f} s, measured {measured:.1f} s, ratio {predicted / measured:.2f}; "
          f"CPU {got:.1f} s of {ranks * measured:.1f}")


def main():
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="alphahill-") as temporary:
        folder = Path(temporary)
        matrices = [random.standard_normal(shape, dtype=np.float32) for shape in SHAPES]
        model = model_of(matrices).write(folder / "model")
        for ranks in (1, 2):
            check(model, folder, ranks)


if __name__ == "__main__":
    main()
