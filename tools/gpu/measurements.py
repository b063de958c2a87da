"""The parts that measure: programs that print their own figures, a line each."""

import os
import sys

from gpu.check import NotRun
from gpu.running import words_of

# Of torch: the orders that alphahill's ways are measured at, and the layers of a block of Llama-3.1-8B.
SQUARES = (512, 1024, 2048, 4096, 8192, 16384)
BLOCK = ((4096, 4096), (1024, 4096), (14336, 4096), (4096, 14336))


def largest(work):
    return ("--largest", work.check.options.largest)


def check_probes(work):
    program = work.program("alpha-hill-gpu-probe")
    names = []
    work.run([program, "--list"], lambda line: names.append(line.decode()))
    if not names:
        raise NotRun("alpha-hill-gpu-probe --list names none")
    for i, name in enumerate(names):
        work.run_or_fail(name, [program, *largest(work), name], seconds=work.left() / (len(names) - i))


def run_benchmark(work, *kinds):
    program = work.program("alpha-hill-gpu-benchmark")
    for i, kind in enumerate(kinds):
        work.run_or_fail(kind, [program, *largest(work), kind], seconds=work.left() / (len(kinds) - i))


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
    if code == 1:
        raise NotRun("torch is not here, or finds no GPU: see torch.stderr")
    if code != 0:
        work.found("torch", "failed", why=words_of(code))
