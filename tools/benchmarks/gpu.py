"""The benchmark on a GPU: alphahill, cuSOLVER and torch on the same device, as tables, and a block as a figure."""

import json
import subprocess
import sys

from benchmarks.figures import Figure, floor_seconds
from benchmarks.programs import ROOT, build, run
from benchmarks.python_packages import Unavailable, quietly

PRECISIONS = 3
BOUND = 5
ALPHA_BOUND = 1e-9


def require_gpu():
    try:
        found = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    except FileNotFoundError:
        raise Unavailable("this machine has no nvidia-smi") from None
    if "GPU" not in found.stdout:
        raise Unavailable("this machine has no GPU that nvidia-smi can see")


def measured():
    """What alpha-hill-gpu-benchmark finds; it documents the fields."""
    build("alpha-hill-gpu-benchmark", preset="cuda")
    return json.loads(run(ROOT / "build/cuda/bin/alpha-hill-gpu-benchmark").output)


def shape_of(layer):
    return f"{layer['rows']}x{layer['cols']}"


def torch_times(layers):
    """@throws Unavailable"""
    done = quietly(sys.executable, ROOT / "tools/benchmarks/torch_cuda.py", *(shape_of(layer) for layer in layers))
    if done.returncode != 0:
        raise Unavailable(done.stderr.strip().splitlines()[-1])
    lines = map(json.loads, done.stdout.splitlines())
    return {"seconds": {shape_of(line): line for line in lines if line["part"] == "torch"}}


def table(columns, rows):
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def seconds(value):
    return "" if value is None else f"{value:.4f}"


def rate(layer, stage, flops_of_stage):
    return f"{flops_of_stage / layer[stage] / layer['flops']:.3f}"


def print_squares(squares, torch):
    def row(layer):
        others = torch["seconds"][shape_of(layer)] if torch else {"svdvals": None, "eigvalsh": None}
        floor = floor_seconds((layer["rows"], layer["cols"]), layer["flops"])
        return [str(layer["rows"]), f"{layer['flops'] / 1e12:.2f}", seconds(layer["path"]),
                f"{floor / layer['path']:.3f}", seconds(layer["gram"] + layer["solver"]), seconds(others["svdvals"]),
                seconds(others["eigvalsh"])]

    print("One decomposition: alphahill's from stored bf16 weights on the host, the others' from weights on the GPU.\n")
    table(["n", "dgemm TFLOP/s", "alphahill s", "of the dgemm rate", "Gram and Xsyevd s", "torch svdvals fp32 s",
           "torch eigvalsh fp64 s"], map(row, squares))


def print_ways(squares):
    def row(layer):
        reduction = 4 / 3 * layer["rows"] ** 3
        return [str(layer["rows"]), seconds(layer["gram"]), seconds(layer["solver"]), seconds(layer["band"]),
                seconds(layer["band_end"]), rate(layer, "solver", reduction), rate(layer, "band", reduction)]

    table(["n", "Gram s", "Xsyevd s", "band s", "its end on a core s", "Xsyevd / dgemm rate", "band / dgemm rate"],
          map(row, squares))


def print_small(small):
    table(["n", "matrices", "XsyevBatched s", "Xsyevd for each s"],
          ([str(of["order"]), str(of["count"]), seconds(of["together"]), seconds(of["alone"])] for of in small))


def print_compared(compared):
    table(["layer, bf16", "way", "GPU s", "CPU core s", "eigenvalues differ by", "alpha differs by"],
          ([shape_of(of), of["way"], seconds(of["seconds"]), f"{of['cpu']:.2f}", f"{of['eigenvalues']:.1e}",
            f"{of['alpha']:.1e}"] for of in compared))


def block_figure(found, torch):
    """The others know nothing of equal casts: they decompose each layer at each precision."""
    layers = found["block_layers"]
    others = {"Gram and Xsyevd": [layer["gram"] + layer["solver"] for layer in layers]}
    for name in ("svdvals", "eigvalsh") if torch else ():
        others[f"torch {name}"] = [torch["seconds"][shape_of(layer)][name] for layer in layers]
    best = sum(map(min, zip(*others.values())))
    ours = found["block"]["seconds"]
    ratio = PRECISIONS * best / ours
    one_by_one = ", ".join(f"{name} {seconds(PRECISIONS * sum(values))} s" for name, values in others.items())
    return Figure("Llama-3.1-8B block in bf16, three precisions: the best of the others per layer takes as long as",
                  ratio, BOUND, BOUND,
                  f"{seconds(ours)} s by {found['block']['lanes']} lanes against one caller: {one_by_one}, the best "
                  f"for each layer {seconds(PRECISIONS * best)} s; without shared casts {ratio / PRECISIONS:.2f}")


def alpha_figure(compared):
    worst = max(compared, key=lambda of: of["alpha"])
    return Figure("alpha of the layers above differs from the CPU's, relatively, by", worst["alpha"], ALPHA_BOUND,
                  ALPHA_BOUND, f"{shape_of(worst)}, {worst['way']}", largest=True)


def figures(with_torch):
    """Prints the tables, then gives the figures. @throws Unavailable where there is no GPU"""
    require_gpu()
    found = measured()
    torch = None
    print(f"{found['device']}\n")
    try:
        torch = torch_times(found["squares"] + found["block_layers"]) if with_torch else None
    except Unavailable as reason:
        print(f"torch: not measured: {reason}\n")
    print_squares(found["squares"], torch)
    print_ways(found["squares"])
    print_small(found["small"])
    print_compared(found["compared"])
    yield block_figure(found, torch)
    yield alpha_figure(found["compared"])
