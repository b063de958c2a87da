"""Compares alpha in the CSVs of two runs, the second on a GPU: no figure differs by more than 1e-9, relatively, and the
CPU had to take over none of them but for an SVD."""

import csv
import math

TOLERANCE = 1e-9


def rows_of(path):
    with open(path, newline="") as file:
        return {row["layer_name"]: row for row in csv.DictReader(file)}


def alpha(text):
    return float(text) if text else math.nan


def difference(a, b):
    if math.isnan(a) and math.isnan(b):
        return 0
    return abs(a - b) / abs(a) if not math.isnan(a - b) else math.inf


def compare(cpu, gpu):
    """@return whether they agree, and what was found"""
    one, other = rows_of(cpu), rows_of(gpu)
    if one.keys() != other.keys() or not one:
        return False, {"why": "the runs have different layers"}
    worst, where, figures, methods = 0.0, "", 0, {}
    for name, row in one.items():
        for precision in (c.removeprefix("method_") for c in row if c.startswith("method_")):
            column = f"alpha_{precision}"
            method = other[name][f"method_{precision}"]
            methods[method] = methods.get(method, 0) + 1
            found = difference(alpha(row[column]), alpha(other[name][column]))
            figures += not math.isnan(alpha(row[column]))
            if found >= worst:
                worst, where = found, f"{name}, {column}"
    on_gpu = methods.get("gram_eigen_gpu", 0) > 0 and "gram_eigen" not in methods
    largest = worst if math.isfinite(worst) else str(worst)
    return on_gpu and worst <= TOLERANCE, {"figures": figures, "methods": methods, "largest_difference": largest,
                                           "where": where}
