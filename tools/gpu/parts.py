"""The parts of a check, in the order of their worth."""

from dataclasses import dataclass
from typing import Callable

from gpu.gpu_tests import check_casts, check_figures
from gpu.measurements import check_block, check_probes, check_torch, check_ways
from gpu.sanitizer import check_sanitizer
from gpu.versions import check_versions


@dataclass
class Part:
    name: str
    seconds: int  # that it may take
    minutes: str  # that it should take
    what: str
    work: Callable


PARTS = (
    Part("versions", 60, "< 1", "GPU, driver, libraries; does each program find what it loads?", check_versions),
    Part("casts", 60, "< 1", "casts on the GPU, bit for bit", check_casts),
    Part("figures", 240, "2", "the other tests of test_gpu; with alpha-hill, whole runs on the GPU against the CPU",
         check_figures),
    Part("sanitizer", 480, "5", "kernels under compute-sanitizer: memcheck, racecheck, initcheck, synccheck",
         check_sanitizer),
    Part("probes", 300, "3", "what decides about the design: alpha-hill-gpu-probe", check_probes),
    Part("ways", 300, "4", "the ways to eigenvalues at orders 64 ... 16384, and against the CPU's", check_ways),
    Part("block", 240, "3", "a block of Llama-3.1-8B by numbers of lanes and orders of the band", check_block),
    Part("torch", 180, "2", "torch's svdvals and eigvalsh of the same shapes", check_torch),
)
