"""A checkpoint of hostile layers, and what alpha-hill makes of it: on one rank, on two, and on a team of two."""

import math
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py

from expected import Expected, Found
from support.models import model_of
from support.number_formats import round_to
from support.oracle import cast
from support.programs import STORE, run
from support.results_files import read_table

PRECISIONS = ("fp32", "fp16", "bf16")
OPTIONS = ("--precisions", ",".join(PRECISIONS), "--share-tolerance", "0")


class Tally:
    """What is wrong with the layers checked so far, how exact they are, and how long their runs took."""

    def __init__(self):
        self.layers = self.failed = 0
        self.largest_error = self.seconds = 0.0
        self.defects = []

    def __str__(self):
        return (f"{self.layers} layers x {len(PRECISIONS)} precisions on 1 and 2 ranks: {self.failed} failed, "
                f"{len(self.defects)} defects, largest error {self.largest_error:.1e} lambda_1, "
                f"{self.seconds:.0f} s")


class Checkpoint:
    """Layers that are stored in one format, and what each must give at each precision."""

    def __init__(self, layers, folder):
        self.names = [str(layer) for layer in layers]
        self.folder = Path(folder)
        self.model = model_of([layer.weights for layer in layers], layers[0].stored).write(self.folder / "model")
        with ThreadPoolExecutor() as pool:
            self.expected = list(pool.map(expected_of, layers))

    def check_ranks(self, tally, environment):
        """On one rank, and on two, which must give the same bits."""
        on_one, on_two = (self.analyse(ranks, environment, "--max-team-size", 1) for ranks in (1, 2))
        self.compare(tally, "", on_one)
        tally.defects += [f"{self.names[layer - 1]}, {precision}: another figure on 2 ranks"
                          for (layer, precision), found in on_one.items() if not found.equals(on_two[layer, precision])]

    def check_team(self, tally, environment):
        """Each on a team of two: they are of one shape, and a rank has a little less memory than one would need."""
        planned = run("alpha-hill", "--model", self.model, "--dry-run", *OPTIONS).stdout
        needed = float(re.search(r"memory +([\d.]+) MiB a rank at most", planned)[1])
        limit = ("--memory-per-rank", f"{math.floor((needed - 0.2) * 1024)}K")
        planned = run("alpha-hill", "--model", self.model, "--dry-run", "--ranks", 2, *OPTIONS, *limit).stdout
        assert f"{len(self.names)} layers on teams of 2" in planned, planned
        self.compare(tally, " on a team", self.analyse(2, environment, *limit))

    def compare(self, tally, where, found):
        """With what the layers must give."""
        for (layer, precision), figure in found.items():
            expected = self.expected[layer - 1][precision]
            tally.failed += figure.row["status"] == "failed"
            tally.largest_error = max(tally.largest_error, expected.error(figure))
            tally.defects += [f"{self.names[layer - 1]}, {precision}{where}: {defect}"
                              for defect in expected.defects(figure)]
        tally.layers += len(self.names)

    def analyse(self, ranks, environment, *options):
        """What alpha-hill finds, by layer number and precision."""
        output = Path(tempfile.mkdtemp(dir=self.folder))
        done = run("alpha-hill", "--model", self.model, "--output-dir", output, "--no-report", *OPTIONS, *options,
                   ranks=ranks, timeout=900, environment=environment)
        if done.returncode != 0 and "no layer has a figure" not in done.stderr:
            raise RuntimeError(f"alpha-hill ended with {done.returncode}: {done.stderr}")
        with h5py.File(output / STORE) as file:
            rows, eigenvalues = read_table(file, "results"), file["spectra/eigenvalues"][:]
        found = {(row["layer"], row["precision"]):
                 Found(row, eigenvalues[row["spectrum_offset"]:][:row["spectrum_length"]]) for row in rows}
        assert len(found) == len(self.names) * len(PRECISIONS), f"{len(found)} figures of {len(self.names)} layers"
        return found


def expected_of(layer):
    stored = round_to(layer.weights, layer.stored)
    return {precision: Expected(cast(stored, "fp32", precision)) for precision in PRECISIONS}
