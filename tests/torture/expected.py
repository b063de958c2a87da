"""What a layer must give by numpy's fp64 SVD of its cast weights, and what is wrong with what it gave."""

from dataclasses import dataclass

import numpy as np

from support import oracle

EPS = np.finfo(np.float64).eps
LARGEST_ERROR = 1e-12  # of an eigenvalue, in lambda_1
LARGEST_ALPHA_ERROR = 1e-9  # relative
# No alpha where lambda_{k+1} <= N eps lambda_1, or where the mean logarithm of the tail is as small. Within this factor
# of either border both answers will do.
BORDER = 16


@dataclass
class Found:
    """A row of the results and its spectrum."""
    row: dict
    eigenvalues: np.ndarray

    def equals(self, other):
        figures = [(found.row["status"], found.row["k_used"]) for found in (self, other)]
        return figures[0] == figures[1] and np.array_equal(self.eigenvalues, other.eigenvalues) and np.array_equal(
            self.row["alpha"], other.row["alpha"], equal_nan=True)


class Expected:
    def __init__(self, weights):
        self.finite = bool(np.isfinite(weights).all())
        if self.finite:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # no tail: alpha is not used
                self.figures = oracle.figures(weights)

    def error(self, found):
        """The largest of an eigenvalue, in lambda_1."""
        if not self.finite or len(found.eigenvalues) != self.figures.n_eigs:
            return 0.0
        largest = self.figures.eigenvalues[-1]
        difference = np.abs(found.eigenvalues - self.figures.eigenvalues).max()
        return difference if largest == 0 else difference / largest

    def defects(self, found):
        status = found.row["status"]
        if not self.finite:
            return [] if status == "nonfinite" else [f"{status} instead of nonfinite"]
        if status not in self.statuses():
            return [f"{status} instead of {' or '.join(self.statuses())}: {found.row['reason']}"]
        return [*self._wrong_eigenvalues(found), *self._wrong_alpha(found)]

    def statuses(self):
        if self.figures.n_eigs < 2:
            return ("degenerate",)
        border = self._tail_over_noise()
        return ("ok",) * (border > 1 / BORDER) + ("no_tail",) * (border < BORDER)

    def _lowest_of_tail(self):
        """lambda_{k+1} / lambda_1"""
        largest = self.figures.eigenvalues[-1]
        return self.figures.eigenvalues[-1 - self.figures.k_used] / largest if largest > 0 else 0.0

    def _tail_over_noise(self):
        """How far the tail is above what has no alpha: 1 at the border."""
        noise = self.figures.n_eigs * EPS
        lowest = self._lowest_of_tail()
        return min(lowest, 1 / (self.figures.alpha - 1)) / noise if lowest > 0 else 0.0

    def _wrong_eigenvalues(self, found):
        if len(found.eigenvalues) != self.figures.n_eigs:
            return [f"{len(found.eigenvalues)} eigenvalues instead of {self.figures.n_eigs}"]
        error = self.error(found)
        return [] if error <= LARGEST_ERROR else [f"an eigenvalue is off by {error:.1e} lambda_1"]

    def _wrong_alpha(self, found):
        if found.row["status"] != "ok":
            return []
        if found.row["k_used"] != self.figures.k_used:
            return [f"k is {found.row['k_used']} instead of {self.figures.k_used}"]
        error = abs(found.row["alpha"] / self.figures.alpha - 1)
        return [] if error <= self._alpha_tolerance() else [
            f"alpha is {found.row['alpha']!r} instead of {self.figures.alpha!r}, off by {error:.1e}"]

    def _alpha_tolerance(self):
        """A relative error d of the tail's eigenvalues makes one of 2 d (alpha - 1)^2 / alpha in alpha, which is large
        where they almost agree. In numpy's own SVD d is about c sqrt(N) eps sqrt(lambda_1 / lambda_{k+1})."""
        c = 4
        alpha = self.figures.alpha
        d = c * EPS * np.sqrt(self.figures.n_eigs / self._lowest_of_tail())
        return max(LARGEST_ALPHA_ERROR, 2 * d * (alpha - 1) ** 2 / alpha)
