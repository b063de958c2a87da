"""Metrics of the spectra, against numpy, in run and report."""

import json
import unittest

import h5py
import numpy as np

from support.models import model_of
from support.programs import METRICS, STORE, ProgramTest, read_csv, run
from support.results_files import read_table

RELATIVE_DIFFERENCE = 1e-9


def power_law(eigenvalues):
    """alpha and D of the x_min of least D, as WeightWatcher has it."""
    x = eigenvalues[eigenvalues > 1e-5]
    best = None
    for first in range(len(x) - 1):
        tail, n = x[first:], len(x) - first
        alpha = 1 + n / np.log(tail / tail[0]).sum()
        distance = np.abs(1 - (tail / tail[0]) ** (1 - alpha) - np.arange(n) / n).max()
        if best is None or distance < best[1]:
            best = alpha, distance
    return best


def expected(weights):
    eigenvalues = np.linalg.svd(weights.astype(float), compute_uv=False)[::-1] ** 2
    alpha, distance = power_law(eigenvalues)
    k = int(0.2 * len(eigenvalues))
    shares = eigenvalues / eigenvalues.sum()
    return {"pl_alpha": alpha, "D": distance, "log_norm": np.log10(eigenvalues.sum()),
            "alpha_weighted": alpha * np.log10(eigenvalues[-1]),
            "log_alpha_norm": np.log10((eigenvalues ** alpha).sum()), "stable_rank": eigenvalues.sum() / eigenvalues[-1],
            "matrix_rank": np.linalg.matrix_rank(weights), "sv_min": np.sqrt(eigenvalues[0]),
            "effective_rank": np.exp(-(shares * np.log(shares)).sum()) / len(shares),
            "participation_ratio": 1 / (shares ** 2).sum(),
            "hill_20pct": 1 + k / np.log(eigenvalues[-k:] / eigenvalues[-k - 1]).sum()}


class MetricsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        self.weights = [random.standard_t(3, (120, 200)).astype(np.float32),
                        random.standard_normal((90, 90)).astype(np.float32)]
        model = model_of([*self.weights, np.zeros((30, 40), np.float32)])
        self.layers = [layer.name for layer in model.layers]
        self.model = model.write(self.folder / "model")

    def run_with_metrics(self, name, *options, **keywords):
        output = self.folder / name
        self.analyse(self.model, output, "--precisions", "fp32,bf16", *options, **keywords)
        return output

    def test_run_and_report_on_any_number_of_ranks_write_the_same_figures_and_these_are_right(self):
        output = self.run_with_metrics("alone", "--metrics", "all")
        text = (output / METRICS).read_text()
        self.assertEqual((self.run_with_metrics("two", "--metrics", "all", ranks=2) / METRICS).read_text(), text)
        plain = self.run_with_metrics("plain")
        self.succeed("alpha-hill-report", plain, "--metrics", "ALL", "--individual-plots", "never", "--output-dir",
                     self.folder / "report")
        self.assertEqual((self.folder / "report" / METRICS).read_text(), text, "computed by the report")
        self.assertNotRegex(text, r"\b(nan|inf)\b")
        self.check_figures(read_csv(output / METRICS))
        self.check_table(output, read_csv(output / METRICS))
        self.assertFalse((plain / METRICS).exists())

    def check_figures(self, rows):
        self.assertEqual([(row["layer_name"], row["precision"]) for row in rows],
                         [(layer, precision) for layer in self.layers for precision in ("fp32", "bf16")])
        for row, weights in zip(rows[::2], self.weights):
            for name, value in expected(weights).items():
                self.assertLessEqual(abs(float(row[name]) - value), RELATIVE_DIFFERENCE * abs(value), name)
        self.assertEqual((rows[4]["norm"], rows[4]["matrix_rank"], rows[4]["pl_alpha"]), ("0.0", "0.0", ""))

    def check_table(self, output, rows):
        with h5py.File(output / STORE) as file:
            table = read_table(file, "metrics")
            self.assertEqual(list(file["metrics"]), ["layer", "precision", *list(rows[0])[3:]])
        for stored, row in zip(table, rows, strict=True):
            self.assertEqual(self.layers[stored["layer"] - 1], row["layer_name"])
            for name in list(rows[0])[3:]:
                written = float(row[name]) if row[name] else float("nan")
                np.testing.assert_array_equal(written, stored[name], name)

    def test_metrics_that_are_asked_for_later_need_no_computation_and_are_a_setting_of_the_report(self):
        output = self.run_with_metrics("results")
        done = self.succeed("alpha-hill-report", output, "--metrics", "stable_rank,d", "--individual-plots", "never")
        self.assertIn("metrics none, here D, stable_rank", done.stderr)
        rows = read_csv(output / "metrics_D_stable_rank" / METRICS)
        self.assertEqual(list(rows[0]), ["layer_name", "category", "precision", "D", "stable_rank"])
        settings = json.loads((output / "metrics_D_stable_rank/report_settings.json").read_text())
        self.assertEqual(settings["metrics"], ["D", "stable_rank"])
        self.run_with_metrics("results", "--metrics", "entropy")
        self.assertEqual(list(read_csv(output / METRICS)[0]), ["layer_name", "category", "precision", "entropy"])

    def test_help_lists_the_metrics_and_an_unknown_one_gets_the_nearest(self):
        for program in ("alpha-hill", "alpha-hill-report"):
            table = self.succeed(program, "--help", "metrics").stdout
            for name in ("pl_alpha", "mp_softrank", "hill_plateau"):
                self.assertRegex(table, rf"(?m)^{name} ")
        refused = run("alpha-hill-report", "results", "--metrics", "alpha")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--metrics: 'alpha' is no metric, did you mean pl_alpha", refused.stderr)


if __name__ == "__main__":
    unittest.main()
