"""The parts that measure: programs that print their own figures, a line each."""

import json
import os
import sys

from gpu.check import NotRun
from gpu.figures_file import is_figure
from gpu.running import words_of

# Of torch: the orders that alphahill's ways are measured at, and the layers of a block of Llama-3.1-8B.
SQUARES = (512, 1024, 2048, 4096, 8192, 16384)
BLOCK = ((4096, 4096), (1024, 4096), (14336, 4096), (4096, 14336))


NO_TORCH = 77
ALPHA_TOLERANCE = 1e-9


def faults_of(figure):
    """What is wrong with a figure, by its name: alpha that is not the CPU's, bits that depend on what is beside."""
    if figure["part"] == "compared":
        alpha = figure.get("alpha")
        if alpha is None or alpha > ALPHA_TOLERANCE:
            yield f"alpha of {figure.get('rows')} x {figure.get('cols')} by the {figure.get('way')}"
    for name in (name for name, value in figure.items() if name.startswith("same_bits") and value is False):
        yield f"{figure['part']}, order {figure.get('n')}, {figure.get('count')} at a time: {name}"


def judged(work):
    """Takes the lines of a program that measures."""
    def take(line):
        work.copy(line)
        for fault in faults_of(json.loads(line)) if is_figure(line) else ():
            work.found(fault, "failed")
    return take


def largest(work):
    return ("--largest", work.check.options.largest)


def check_probes(work):
    program = work.program("alpha-hill-gpu-probe")
    names = []
    work.run([program, "--list"], lambda line: names.append(line.decode()))
    if not names:
        raise NotRun("alpha-hill-gpu-probe --list names none")
    for i, name in enumerate(names):
        work.run_or_fail(name, [program, *largest(work), name], take_line=judged(work),
                         seconds=work.left() / (len(names) - i))


def run_benchmark(work, *kinds):
    program = work.program("alpha-hill-gpu-benchmark")
    for i, kind in enumerate(kinds):
        work.run_or_fail(kind, [program, *largest(work), kind], take_line=judged(work),
                         seconds=work.left() / (len(kinds) - i))


def check_ways(work):
    run_benchmark(work, "small", "ways", "compared")


def check_block(work):
    run_benchmark(work, "block")


def check_torch(work):
    shapes = [f"{rows}x{cols}" for rows, cols in [(n, n) for n in SQUARES] + list(BLOCK)
              if max(rows, cols) <= work.check.options.largest]
    program = work.check.root / "benchmarks/torch_cuda.py"
    # Torch brings its own libraries.
    code = work.run([sys.executable, program, *shapes], environment=os.environ)
    if code == NO_TORCH:
        raise NotRun("torch is not here, or finds no GPU: see torch.stderr")
    if code != 0:
        work.found("torch", "failed", why=words_of(code))
