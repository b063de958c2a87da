"""Layers without a figure are recorded with a reason, and leave the other layers alone."""

import unittest

import h5py
import numpy as np

from support.models import model_of, name_of
from support.oracle import cast, figures
from support.programs import RESULTS, STATISTICS, STORE, ProgramTest, read_csv
from support.results_files import read_table

PRECISIONS = ("fp64", "fp32", "fp16", "bf16")
OK = ("ok", "gram_eigen")
NONFINITE = ("nonfinite", "failed")
NO_TAIL = ("no_tail", "failed")
DEGENERATE = ("degenerate", "degenerate")


def healthy_matrix():
    return np.random.default_rng(5).standard_t(3, (50, 37)).astype(np.float32)


def healthy_but_for(value):
    matrix = healthy_matrix()
    matrix[17, 23] = value
    return matrix


# What each layer is, its weights, and status and method at each of the precisions.
LAYERS = [
    ("healthy", healthy_matrix(), [OK] * 4),
    ("NaN", healthy_but_for(np.nan), [NONFINITE] * 4),
    ("infinity", healthy_but_for(-np.inf), [NONFINITE] * 4),
    ("overflow in fp16", healthy_but_for(70000), [OK, OK, NONFINITE, OK]),
    ("overflow in bf16", healthy_but_for(3.4e38), [NO_TAIL, NO_TAIL, NONFINITE, NONFINITE]),
    ("zeros", np.zeros((30, 40)), [NO_TAIL] * 4),
    ("one row", np.ones((1, 40)), [DEGENERATE] * 4),
    ("one column", np.ones((40, 1)), [DEGENERATE] * 4),
    ("rank 1", np.outer(np.arange(1, 31), np.arange(1, 33)) / 64, [NO_TAIL] * 4),
    ("flat", np.eye(32), [NO_TAIL] * 4),
    ("tiny", healthy_matrix() * 2.0**-30, [OK, OK, NO_TAIL, OK]),
    ("healthy again", healthy_matrix().T, [OK] * 4),
]


class EdgeLayersTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = model_of([matrix for _, matrix, _ in LAYERS])
        self.output = self.folder / "results"
        self.done = self.succeed("alpha-hill", "--model", self.model.write(self.folder / "model"), "--output-dir",
                                 self.output, "--precisions", ",".join(PRECISIONS))
        self.rows = read_csv(self.output / RESULTS)

    def cells(self):
        """(what the layer is, its number, precision, CSV row, expected status and method)."""
        for number, ((what, _, expected), row) in enumerate(zip(LAYERS, self.rows, strict=True)):
            for precision, status_and_method in zip(PRECISIONS, expected):
                yield what, number, precision, row, *status_and_method

    def test_each_layer_has_its_figure_or_none(self):
        for what, number, precision, row, status, method in self.cells():
            with self.subTest(layer=what, precision=precision):
                self.assertEqual(row["layer_name"], name_of(number))
                if status == "ok":
                    expected = figures(cast(LAYERS[number][1], "fp32", precision))
                    self.assertLessEqual(abs(float(row["alpha_" + precision]) / expected.alpha - 1), 1e-9)
                    self.assertEqual(row["k_used_" + precision], str(expected.k_used))
                else:
                    found = [row[f"{column}_{precision}"] for column in ("alpha", "k_used", "n_eigs", "method")]
                    self.assertEqual(found, ["", "-1", "-1", method])

    def test_alpha_does_not_depend_on_the_scale_of_the_weights(self):
        alphas = {what: row["alpha_fp32"] for (what, _, _), row in zip(LAYERS, self.rows)}
        self.assertAlmostEqual(float(alphas["tiny"]) / float(alphas["healthy"]), 1, delta=1e-12)

    def test_the_store_says_why_there_is_no_figure(self):
        with h5py.File(self.output / STORE) as file:
            stored = {(row["layer"], row["precision"]): row for row in read_table(file, "results")}
        for what, number, precision, _, status, _ in self.cells():
            with self.subTest(layer=what, precision=precision):
                row = stored[number + 1, precision]
                self.assertEqual(row["status"], status)
                self.assertEqual(row["reason"] == "", status == "ok")

    def test_the_store_says_how_each_spectrum_was_computed(self):
        with h5py.File(self.output / STORE) as file:
            stored = read_table(file, "results")
        for row in stored:
            with self.subTest(layer=row["layer"], precision=row["precision"]):
                self.assertRegex(row["method"], "^(gram_eigen|svd_.*)$" if row["spectrum_length"] else "^$")
        self.assertEqual({row["method"] == "" for row in stored if row["status"] == "no_tail"}, {False})

    def test_the_run_ends_with_a_warning_that_counts_them(self):
        without = sum(any(status != "ok" for status, _ in expected) for _, _, expected in LAYERS)
        self.assertRegex(self.done.stderr, rf"(?m)warning.*\b{without}\b.*layers")


class FewEigenvaluesTest(ProgramTest):
    def test_a_head_of_two_rows_is_not_the_maximum_of_a_model(self):
        random = np.random.default_rng(9)
        head = np.array([np.ones(40), np.where(np.arange(40) % 2, 0.99, -0.99)])  # orthogonal, nearly of one length
        model = model_of([random.standard_t(3, (50, 40)), head]).write(self.folder / "model")
        output = self.folder / "results"
        self.analyse(model, output)
        alpha = float(read_csv(output / RESULTS)[1]["alpha_fp32"])
        self.assertEqual(float(read_csv(output / STATISTICS)[0]["max"]), alpha)
        for program in (("alpha-hill", "--model", model), ("alpha-hill-report", output, "--overwrite")):
            with self.subTest(program[0]):
                done = self.succeed(*program, "--output-dir", output, "--min-eigenvalues", "3")
                self.assertIn("few_eigenvalues: fewer than 3 eigenvalues (--min-eigenvalues)", done.stdout)
                row = read_csv(output / RESULTS)[1]
                self.assertEqual([row[f"{column}_fp32"] for column in ("alpha", "k_used", "status")],
                                 ["", "-1", "few_eigenvalues"])
                self.assertLess(float(read_csv(output / STATISTICS)[0]["max"]), alpha)
                self.assertEqual(len(list((output / "plots/individual_layers").iterdir())), 1)
        with h5py.File(output / STORE) as file:
            self.assertEqual({row["status"] for row in read_table(file, "results")}, {"ok"})


if __name__ == "__main__":
    unittest.main()
