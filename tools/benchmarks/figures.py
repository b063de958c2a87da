"""The figures of the benchmark: each a ratio of two measurements that were taken after one another."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from benchmarks.made_checkpoint import write_checkpoint
from benchmarks.programs import BIN, ROOT, WORK, analyse, fastest, run
from benchmarks.python_packages import python_with

BLOCK = {"self_attn.q_proj": (4096, 4096), "self_attn.k_proj": (1024, 4096), "self_attn.v_proj": (1024, 4096),
         "self_attn.o_proj": (4096, 4096), "mlp.gate_proj": (14336, 4096), "mlp.up_proj": (14336, 4096),
         "mlp.down_proj": (4096, 14336)}
SMALL = {"rows": 256, "cols": 512, "layers": 1000}
EQUAL = {"rows": 4096, "cols": 4096, "layers": 8}
SURVEYED = ("fp8_e4m3", "fp8_e4m3_block128", "int8", "int4", "int4_g128", "int4_g32_asym", "mxfp8", "mxfp6_e2m3",
            "mxfp6_e3m2", "mxfp4", "nvfp4", "nf4")
MIB = 1 << 20


@dataclass
class Figure:
    what: str
    ratio: float
    bound: float
    aim: float
    detail: str
    largest: bool = False  # is the bound the largest ratio that will do, or the least?

    def holds(self):
        return self.ratio <= self.bound if self.largest else self.ratio >= self.bound


def stages(*shapes):
    """What alpha-hill-stages measures at these shapes (rows, columns), and which kernels it ran on."""
    return json.loads(run(BIN / "alpha-hill-stages", 1, *(f"{rows}x{cols}" for rows, cols in shapes)).output)


def floor_seconds(shape, flops_per_second):
    longer, order = max(shape), min(shape)
    return (longer * order ** 2 + 4 / 3 * order ** 3) / flops_per_second


@cache
def block(dtype):
    """One block of Llama-3.1-8B."""
    shapes = {f"model.layers.0.{role}": shape for role, shape in BLOCK.items()}
    return write_checkpoint(WORK / f"block-{dtype}", shapes, dtype)


def equal_layers(name, dtype, rows, cols, layers):
    shapes = {f"model.layers.{layer}.mlp.up_proj": (rows, cols) for layer in range(layers)}
    return write_checkpoint(WORK / name, shapes, dtype)


def one_layer():
    shape = BLOCK["self_attn.q_proj"]
    options = ("--filter-layers", "q_proj", "--precisions", "fp32")
    model = block("BF16")
    used = fastest(3, lambda: analyse(model, *options), "cpu")
    floor = floor_seconds(shape, stages(shape)["shapes"][0]["flops"])
    yield Figure("4096 × 4096 at one precision, whole program on one core, against the floor", used.cpu / floor, 1.4,
                 1.25, f"CPU {used.cpu:.2f} s, elapsed {used.wall:.2f} s, floor {floor:.2f} s", largest=True)


def against_torch(full):
    for dtype, bound, aim in (("BF16", 12, 15), ("F32", 4, 5)):
        model = block(dtype)
        used = fastest(2, lambda: analyse(model, ranks=2), "wall")
        script = [python_with("torch"), ROOT / "tools/benchmarks/torch_svdvals.py", model / "model.safetensors"]
        svd = json.loads(run(*script, *(["--full"] if full else [])).output.splitlines()[-1])
        measured = "all layers measured" if full else "one layer of each shape measured once"
        yield Figure(f"Llama-3.1-8B block in {dtype}, three precisions, two ranks: svdvals takes as long as",
                     svd["seconds"] / used.wall, bound, aim,
                     f"{used.wall:.1f} s; torch {svd['torch']} {svd['seconds']:.0f} s, {measured}")


def two_ranks():
    model = equal_layers("equal", "F32", **EQUAL)
    pairs = [[analyse(model, ranks=ranks).wall for ranks in (1, 2)] for _ in range(2)]
    one, two = map(min, zip(*pairs))
    with ThreadPoolExecutor() as side_by_side:
        apart = max(side_by_side.map(lambda name: analyse(model, ranks=1, results=name).wall, ("left", "right")))
    yield Figure("eight layers of 4096 × 4096 in F32: one rank takes as long as two", one / two, 1.9, 1.97,
                 f"{one:.1f} s and {two:.1f} s; two runs side by side, {apart:.1f} s: {2 * one / apart:.2f}")


def small_layers():
    model = equal_layers("small", "BF16", **SMALL)
    used = fastest(3, lambda: analyse(model), "cpu")
    seconds = stages((SMALL["rows"], SMALL["cols"]))["shapes"][0]["seconds"]
    arithmetic = SMALL["layers"] * (seconds["gram"] + seconds["one_stage"] + seconds["eigenvalues"])
    casts = SMALL["layers"] * seconds["casts"]
    yield Figure("1,000 layers of 256 × 512, against their arithmetic at that size's rates", used.cpu / arithmetic, 1.3,
                 1.1, f"CPU {used.cpu:.2f} s, elapsed {used.wall:.2f} s; arithmetic {arithmetic:.2f} s, "
                 f"casts {casts:.2f} s", largest=True)


def casts():
    nanoseconds = json.loads(run(BIN / "alpha-hill-casts").output)
    name, slowest = max(nanoseconds.items(), key=lambda cast: cast[1])
    shown = ", ".join(f"{name} {nanoseconds[name]:.2f}" for name in ("bf16", "fp8_e4m3", "int4_g128", "mxfp4", "nf4"))
    yield Figure(f"the slowest cast of a weight, {name}, against 4 ns", slowest / 4, 1, 1, f"{shown} ns", largest=True)


def survey():
    model = block("BF16")
    surveyed = ("--precisions", "fp32", "--survey", ",".join(SURVEYED))
    usual = fastest(2, lambda: analyse(model), "cpu").cpu
    with_survey = fastest(2, lambda: analyse(model, *surveyed), "cpu").cpu
    yield Figure("Llama-3.1-8B block in BF16, one spectrum and 12 formats surveyed, against the usual run",
                 with_survey / usual, 1.5, 1.25, f"CPU {with_survey:.1f} s and {usual:.1f} s", largest=True)
    reading = fastest(2, lambda: analyse(model, "--precisions", "fp32", "--spectra", "none"), "cpu").cpu
    alone = fastest(2, lambda: analyse(model, *surveyed, "--spectra", "none"), "cpu").cpu
    weights = sum(rows * cols for rows, cols in BLOCK.values())
    nanoseconds = (alone - reading) / weights / len(SURVEYED) * 1e9
    yield Figure("the same without spectra, a weight and format above reading, against 2.5 ns", nanoseconds / 2.5, 1, 1,
                 f"{nanoseconds:.2f} ns; CPU {alone:.1f} s, reading and fp32 {reading:.1f} s", largest=True)


def metrics():
    milliseconds = json.loads(run(BIN / "alpha-hill-metrics").output)
    name, slowest = max(((name, taken["power_law"]) for name, taken in milliseconds.items()), key=lambda fit: fit[1])
    shown = ", ".join(f"{name} {taken['power_law']:.1f}, all metrics {taken['all']:.1f}" for name, taken in milliseconds.items())
    yield Figure(f"the power law of 4,096 eigenvalues ({name}), against 10 ms", slowest / 10, 1, 1, f"{shown} ms",
                 largest=True)


def against_weightwatcher():
    shapes = {f"model.layers.{layer}.mlp.up_proj": shape
              for layer, shape in enumerate(((384, 384), (384, 1536), (1100, 300), (40, 60)))}
    analyse(write_checkpoint(WORK / "weightwatcher", shapes, "F32"), "--precisions", "fp32", "--metrics", "all")
    script = [python_with("weightwatcher", "h5py"), ROOT / "tools/benchmarks/weightwatcher_metrics.py"]
    found = json.loads(run(*script, WORK / "results/alpha_hill.h5").output.splitlines()[-1])
    yield Figure(f"{found['metrics']} metrics, the largest relative difference from WeightWatcher's, against 1e-6",
                 found["largest"] / 1e-6, 1, 1, f"{len(shapes)} layers", largest=True)


def memory():
    rows, cols = BLOCK["mlp.down_proj"]
    allowed = 1.3 * min(rows, cols) ** 2 * 8 + 128 * MIB
    used = analyse(block("F32"), "--filter-layers", "down_proj")
    yield Figure("peak memory of a rank, 4096 × 14336 in F32, against 1.3 n² · 8 B + 128 MiB",
                 used.peak_bytes / allowed, 1, 1,
                 f"{used.peak_bytes / MIB:.0f} MiB of {allowed / MIB:.0f} MiB", largest=True)


def report():
    python = python_with("matplotlib", "h5py")
    results, pictures = WORK / "llama.h5", WORK / "pictures"
    shutil.rmtree(pictures, ignore_errors=True)
    run(BIN / "alpha-hill-sample-results", "llama", results)
    script = ROOT / "tools/benchmarks/matplotlib_report.py"
    printed = run(python, script, results, BIN / "alpha-hill-report", pictures).output.strip().splitlines()[-1]
    yield Figure("report of 225 layers: matplotlib takes as long as", float(re.search(r"([\d.]+) times", printed)[1]),
                 10, 10, printed.rsplit(":", 1)[0])
