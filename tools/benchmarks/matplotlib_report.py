#!/usr/bin/env python3
"""Times a report of alpha-hill-report against the same set of plots drawn by matplotlib.

    matplotlib_report.py RESULTS REPORT OUT [--processes N]

RESULTS is a results file (alpha-hill-sample-results writes large ones), REPORT the program alpha-hill-report, OUT a new
folder. Each plot of the report is drawn by matplotlib too: the same layers, panels, values and labels, at the same size in
pixels, by N processes (default: one a core). Needs matplotlib and h5py (PyPI). The time of the report is that of the
whole program, tables included; matplotlib's begins when its processes have read the figures and imported it.
"""

import argparse
import os
import struct
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from matplotlib.figure import Figure

DPI = 144  # a page's pixel is a 96th of an inch, and has 1.5 pixels
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKERS = "os^D"
BATCH = 10
MOST_VALUES = 20  # layers in a plot that prints its figures


@dataclass
class Run:
    names: list
    categories: list
    precisions: list
    alphas: np.ndarray  # layer, precision
    errors: np.ndarray

    def changes(self, layers):
        reference = self.alphas[layers, :1]
        return (self.alphas[layers] - reference) / reference


def read_run(path):
    with h5py.File(path) as file:
        results = file["results"]
        precisions = [name.decode() if isinstance(name, bytes) else name for name in file.attrs["precisions"]]
        shape = (-1, len(precisions))
        return Run([name.decode() for name in file["layers/name"]],
                   [name.decode() for name in file["layers/category"]], precisions,
                   results["alpha"][:].reshape(shape), results["alpha_stderr"][:].reshape(shape))


def pixels(picture):
    return struct.unpack(">II", picture.read_bytes()[16:24])


def layers_of(run, name):
    """The layers in the plot of this name."""
    every = np.arange(len(run.names))
    kind, _, rest = name.partition("_")
    if kind == "layer":
        return every[int(rest.split("_")[0]) - 1:][:1]
    if kind == "category":
        return every[[category == rest for category in run.categories]]
    if kind == "combined":
        first = (int(rest.removeprefix("batch_")) - 1) * BATCH
        return every[first:first + BATCH]
    return every


def new_page(run, name, size):
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI)
    upper, lower = figure.subplots(2, 1, sharex=True)  # fixed margins: fitting them takes nearly as long again
    figure.subplots_adjust(left=130 / size[0], right=1 - 30 / size[0], bottom=180 / size[1], top=1 - 50 / size[1])
    upper.set_title(name, loc="left")
    upper.set_ylabel("alpha")
    lower.set_ylabel(f"change relative to {run.precisions[0]}")
    lower.set_yscale("symlog", linthresh=1e-8)
    for panel in (upper, lower):
        panel.grid(axis="y", color="#DDDDDD")
    return figure, upper, lower


def draw_layers(run, layers, upper, lower):
    changes = run.changes(layers)
    prints_values = len(layers) <= MOST_VALUES
    for number, precision in enumerate(run.precisions):
        x = np.arange(len(layers)) + 0.28 * (number - (len(run.precisions) - 1) / 2)
        look = {"color": COLOURS[number % 4], "marker": MARKERS[number % 4], "linestyle": "none", "markersize": 5}
        if len(layers) == 1:
            upper.errorbar(x, run.alphas[layers, number], run.errors[layers, number], capsize=4, label=precision, **look)
        else:
            upper.plot(x, run.alphas[layers, number], label=precision, **look)
        if number == 0:
            continue
        lower.vlines(x, 0, changes[:, number], color=look["color"])
        lower.plot(x, changes[:, number], **look)
        for place, change in zip(x, changes[:, number] if prints_values else ()):
            lower.annotate(f"{change:+.1e}", (place, change), rotation=90, fontsize=7, ha="center")
    for place, alpha in enumerate(run.alphas[layers, 0] if prints_values else ()):
        upper.annotate(f"{alpha:.4f}", (place, alpha), (0, 8), textcoords="offset points", fontsize=7, ha="center")
    lower.set_xticks(np.arange(len(layers)), [run.names[layer][-24:] for layer in layers], rotation=45, ha="right",
                     fontsize=8)


def draw_distribution(run, upper, lower):
    groups = [("all layers", np.arange(len(run.names)))]
    groups += [(category, layers_of(run, f"category_{category}")) for category in dict.fromkeys(run.categories)]
    for slot, (_, layers) in enumerate(groups):
        changes = run.changes(layers)
        for number in range(len(run.precisions)):
            x = slot + 0.28 * (number - 1)
            spread = x + 0.1 * np.modf(0.618 * np.arange(len(layers)))[0]
            upper.boxplot(run.alphas[layers, number], positions=[x - 0.05], widths=0.1, showfliers=False)
            upper.scatter(spread, run.alphas[layers, number], s=4, color=COLOURS[number % 4])
            if number > 0:
                lower.scatter(spread, changes[:, number], s=4, color=COLOURS[number % 4])
    lower.set_xticks(range(len(groups)), [f"{name} ({len(layers)})" for name, layers in groups], fontsize=8)


run_of_worker = None


def start_worker(results):
    global run_of_worker
    run_of_worker = read_run(results)


def ready(_):
    time.sleep(0.2)  # so that every process gets one of these


def draw(task):
    picture, size, target = task
    figure, upper, lower = new_page(run_of_worker, picture.stem, size)
    if picture.stem.startswith("alpha_distribution"):
        draw_distribution(run_of_worker, upper, lower)
    else:
        draw_layers(run_of_worker, layers_of(run_of_worker, picture.stem), upper, lower)
        upper.legend(loc="upper left", fontsize=8)
    figure.savefig(target)


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(arguments, output):
    subprocess.run([arguments.report, arguments.results, "--output-dir", output, "--log-level", "WARNING"], check=True,
                   stdout=subprocess.DEVNULL)


def tasks_of(ours, theirs):
    tasks = []
    for picture in sorted(ours.rglob("*.png")):
        target = theirs / picture.relative_to(ours)
        target.parent.mkdir(parents=True, exist_ok=True)
        tasks.append((picture, pixels(picture), target))
    return tasks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("results", "report", "out"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    ours, theirs = arguments.out / "alphahill", arguments.out / "matplotlib"

    alphahill = seconds(lambda: report(arguments, ours))
    tasks = tasks_of(ours / "plots", theirs)
    with ProcessPoolExecutor(arguments.processes, initializer=start_worker, initargs=(arguments.results,)) as pool:
        list(pool.map(ready, range(arguments.processes)))
        matplotlib = seconds(lambda: list(pool.map(draw, tasks)))
    assert all(pixels(target) == size for _, size, target in tasks)
    print(f"{len(tasks)} plots: alpha-hill-report {alphahill:.2f} s, matplotlib {matplotlib:.2f} s on "
          f"{arguments.processes} processes: {matplotlib / alphahill:.1f} times as long")


if __name__ == "__main__":
    main()
