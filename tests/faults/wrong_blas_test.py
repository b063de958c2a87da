"""A routine of BLAS or LAPACK that computes wrong.

Where it is wrong on small matrices too, the program refuses to begin. Where it is wrong on large ones only, another
method computes the figure, or there is none: never a wrong one.
"""

import os
import unittest
from pathlib import Path

import h5py
import numpy as np

from support.models import model_of
from support.oracle import figures
from support.programs import STORE, ProgramTest, run
from support.results_files import read_table

LIBRARY = os.environ["ALPHAHILL_WRONG_BLAS"]
ROUTINES = ("dgemm", "dsyrk", "dsyr2k", "dgemv", "ddot", "dsytrd", "dgeqrt", "dtpqrt", "dgesdd")
BEYOND_THE_CHECK = 660  # it decomposes matrices up to order 655
# From order 640 on the reduction has two stages, neither by dsytrd: only dsyevd calls it, where gram_eigen has failed.
ROUTINES_ON_LARGE_MATRICES = tuple(routine for routine in ROUTINES if routine != "dsytrd")


def ill_conditioned(order):
    """The largest eigenvalue outside the tail of a tenth is 1e-10 of the largest, which takes an SVD."""
    random = np.random.default_rng(order)
    return random.standard_normal((order, order)) * np.where(np.arange(order) < order // 20, 1, 1e-5)


class WrongBlasTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        random = np.random.default_rng(1)
        cls.weights = [random.standard_normal((800, 820)), random.standard_normal((300, 50)), ill_conditioned(700)]

    def run_with(self, routine, output, first=0, ranks=None):
        """Counts the changed values in `output`.changes, byte by byte."""
        return run("alpha-hill", "--model", self.model, "--output-dir", output, "--precisions", "fp32", "--no-report",
                   ranks=ranks, environment={"LD_PRELOAD": LIBRARY, "WRONG_BLAS_ROUTINE": routine,
                                             "WRONG_BLAS_FROM": str(first),
                                             "WRONG_BLAS_CHANGES": f"{output}.changes"})

    def setUp(self):
        super().setUp()
        self.model = model_of(self.weights).write(self.folder / "model")

    def test_a_routine_that_is_always_wrong_is_refused(self):
        for routine in ROUTINES:
            for ranks in (None, 2):
                with self.subTest(routine, ranks=ranks):
                    output = self.folder / f"{routine} {ranks}"
                    done = self.run_with(routine, output, ranks=ranks)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertRegex(done.stderr, "alpha-hill: error: .*computes wrong figures .*set OPENBLAS_CORETYPE")
                    self.assertFalse((output / STORE).exists())

    def test_a_routine_that_is_wrong_on_large_matrices_leaves_no_wrong_figure(self):
        expected = [figures(weights.astype(np.float32).astype(np.float64)).alpha for weights in self.weights]
        for routine in ROUTINES_ON_LARGE_MATRICES:
            for ranks in (None, 2):
                with self.subTest(routine, ranks=ranks):
                    output = self.folder / f"{routine} large {ranks}"
                    done = self.run_with(routine, output, BEYOND_THE_CHECK, ranks)
                    changes = Path(f"{output}.changes")
                    self.assertTrue(changes.exists() and changes.stat().st_size > 0, "the routine has not been wrong")
                    with h5py.File(output / STORE) as file:
                        rows = read_table(file, "results")
                    for row, alpha in zip(rows, expected, strict=True):
                        if row["status"] == "ok":
                            self.assertAlmostEqual(row["alpha"], alpha, delta=1e-9 * alpha)
                        else:
                            self.assertEqual(row["status"], "failed", row)
                            self.assertIn("svd_full: ", row["reason"])
                    self.assertEqual(rows[1]["method"], "gram_eigen")
                    if routine in ("dtpqrt", "dgesdd"):
                        self.assertEqual(rows[2]["status"], "failed")
                    if routine in ("dsyrk", "dsyr2k", "dgemm", "dgeqrt"):
                        self.assertEqual(rows[0]["status"], "ok")
                        self.assertRegex(rows[0]["method"], "gram_eigen_dsyevd|svd_full")
                        self.assertRegex(done.stderr, "layer .* at fp32: computed by .*, since gram_eigen: ")


if __name__ == "__main__":
    unittest.main()
