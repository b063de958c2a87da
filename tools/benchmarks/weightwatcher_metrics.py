#!/usr/bin/env python3
"""Compares the metrics of a results file with those that WeightWatcher computes from the same spectra.

    weightwatcher_metrics.py RESULTS

RESULTS is a file that alpha-hill wrote with --metrics all. Prints the version of WeightWatcher, the largest relative
difference of each metric, and last JSON: the largest of all. Needs weightwatcher and h5py (PyPI); layers of fewer than 20
eigenvalues, which it fits in another way, are left out.
"""

import json
import logging
import sys
import warnings

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
warnings.simplefilter("ignore")
import weightwatcher  # noqa: E402

LEAST_EIGENVALUES = 20


class Layer:
    """What WeightWatcher keeps of a layer, and the columns that it adds."""

    def __init__(self, eigenvalues, alpha, larger_side):
        self.evals, self.alpha, self.N = eigenvalues, alpha, larger_side
        self.layer_id, self.plot_id, self.name, self.columns = 0, 0, "", {}

    def add_column(self, name, value):
        self.columns[name] = value


def metrics_of(watcher, eigenvalues, larger_side):
    alpha, _, xmin, _, distance, sigma, spikes, *_ = watcher.fit_powerlaw(eigenvalues, plot=False)
    layer = Layer(eigenvalues, alpha, larger_side)
    watcher.apply_norm_metrics(layer)
    bulk_spikes, sigma_mp, soft_rank, *_ = watcher.mp_fit(eigenvalues, larger_side, len(eigenvalues), 1, "", 0, 0, False,
                                                          False, "", "", 0.5, True, eigenvalues)
    fits = {"D": distance, "xmin": xmin, "sigma": sigma, "num_pl_spikes": spikes, "num_spikes": bulk_spikes,
            "sigma_mp": sigma_mp, "mp_softrank": soft_rank}
    return {"pl_alpha": alpha} | fits | {name: value for name, value in layer.columns.items() if name != "alpha"}


def differences(file):
    watcher = weightwatcher.WeightWatcher(log_level=logging.CRITICAL)
    results, layers, metrics = file["results"], file["layers"], file["metrics"]
    largest = {}
    for row, (number, begin, length) in enumerate(zip(results["layer"], results["spectrum_offset"],
                                                      results["spectrum_length"])):
        if length < LEAST_EIGENVALUES:
            continue
        sides = [layers[side][number - 1] for side in ("out_features", "in_features")]
        theirs = metrics_of(watcher, file["spectra/eigenvalues"][begin:begin + length], int(max(sides)))
        for name, value in theirs.items():
            difference = abs(metrics[name][row] - value) / max(abs(value), np.finfo(float).tiny)
            largest[name] = max(largest.get(name, 0), float(difference))
    return largest


def main():
    with h5py.File(sys.argv[1]) as file:
        found = differences(file)
    print(f"WeightWatcher {weightwatcher.__version__}")
    for name, difference in found.items():
        print(f"{name:20} {difference:.2g}")
    print(json.dumps({"metrics": len(found), "largest": max(found.values())}))


if __name__ == "__main__":
    main()
