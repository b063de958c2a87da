"""What alpha-hill should find: figures from a full fp64 SVD by numpy."""

from dataclasses import dataclass

import numpy as np

from support.number_formats import round_to


@dataclass
class Figures:
    alpha: float
    k_used: int
    n_eigs: int
    eigenvalues: np.ndarray  # ascending


def cast(stored, load_dtype, precision):
    return round_to(round_to(stored, load_dtype), precision)


def figures(weights, k_frac=0.1):
    """Figures of finite weights whose tail is above zero. alpha = 1 + k / sum_{i<=k} ln(lambda_i / lambda_{k+1})."""
    singular_values = np.linalg.svd(weights, compute_uv=False)
    n = len(singular_values)
    k = min(max(10, int(np.floor(k_frac * n))), n - 1)
    logarithms = 2 * np.log(singular_values[:k] / singular_values[k])
    return Figures(1 + k / logarithms.sum(), k, n, singular_values[::-1] ** 2)
