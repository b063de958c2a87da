"""Builds and runs programs, and tells what a run took."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
WORK = ROOT / "build/benchmark"  # checkpoints, results, logs, Python's packages


@dataclass
class Usage:
    wall: float  # seconds
    cpu: float  # seconds, of all its processes
    peak_bytes: int  # resident, of the largest of them
    output: str


def build(*targets, preset="release"):
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "--target", *targets]):
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def environment():
    settings = (ROOT / "tools/mpi-environment").read_text().splitlines()
    return os.environ | dict(line.split("=", 1) for line in settings if "=" in line and not line.startswith("#"))


def run(*command, log="output"):
    """Ends the benchmark, with the output of the command, where it fails."""
    with open(WORK / f"{log}.log", "w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], env=environment(), stdout=output,
                                   stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if status != 0:
        sys.exit(f"{text}\n{command[0]} failed")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, text)


def analyse(model, *options, ranks=None, results="results"):
    """The tables and plots are left out: nothing that these figures are compared with writes any."""
    launcher = [] if ranks is None else ["mpirun", "-n", ranks]
    return run(*launcher, BIN / "alpha-hill", "--model", model, "--output-dir", WORK / results, "--restart",
               "--no-report", "--log-level", "WARNING", *options, log=results)


def fastest(times, measure, unit):
    """The least of several measurements of "wall" or "cpu" seconds: what else the machine did is in none of it."""
    return min((measure() for _ in range(times)), key=lambda usage: getattr(usage, unit))
