"""Compares alpha in the CSVs of two runs, the second on a GPU: exit code 0 when no figure differs by more than 1e-9,
relatively, and the CPU had to take over none of them but for an SVD."""

import csv
import math
import sys

TOLERANCE = 1e-9


def rows_of(path):
    with open(path, newline="") as file:
        return {row["layer_name"]: row for row in csv.DictReader(file)}


def alpha(text):
    return float(text) if text else math.nan


one, other = (rows_of(path) for path in sys.argv[1:3])
if one.keys() != other.keys() or not one:
    sys.exit("the runs have different layers")
worst, where, compared, methods = 0.0, "", 0, {}
for name, row in one.items():
    for precision in (c.removeprefix("method_") for c in row if c.startswith("method_")):
        column = f"alpha_{precision}"
        a, b = alpha(row[column]), alpha(other[name][column])
        method = other[name][f"method_{precision}"]
        methods[method] = methods.get(method, 0) + 1
        if math.isnan(a) and math.isnan(b):
            continue
        compared += 1
        difference = abs(a - b) / abs(a) if not math.isnan(a - b) else math.inf
        if difference >= worst:
            worst, where = difference, f"{name}, {column}"
print(f"{compared} figures, methods of the second run {methods}; largest relative difference {worst:.1e} ({where})")
on_gpu = methods.get("gram_eigen_gpu", 0) > 0 and "gram_eigen" not in methods
sys.exit(0 if on_gpu and worst <= TOLERANCE else 1)
