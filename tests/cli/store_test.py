"""The HDF5 file holds everything, and alpha-hill-report makes tables of it without the model."""

import math
import shutil
import unittest

import h5py
import numpy as np

from support.models import llama, write_fp8
from support.oracle import cast, figures
from support.programs import RESULTS, STATISTICS, STORE, ProgramTest, read_csv
from support.results_files import read_table

PRECISIONS = ("fp64", "fp32", "fp16", "bf16")
LAYER_COLUMNS = {"name", "category", "out_features", "in_features", "numel", "stored_dtype", "source_file", "stored_as",
                 "bits_per_weight", "dequantized"}
RESULT_COLUMNS = {"layer", "precision", "alpha", "alpha_stderr", "k_used", "n_eigs", "method", "status", "reason",
                  "shares", "share_bound", "cast_error", "lambda_max", "stable_rank", "seconds", "rank",
                  "spectrum_offset", "spectrum_length"}


class StoreTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = llama("bf16", blocks=1)
        self.output = self.folder / "results"
        self.rows = self.analyse(self.model.write(self.folder / "model", shards=2), self.output,
                                 "--share-tolerance", "0", "--precisions",
                                 ",".join(PRECISIONS))
        shutil.rmtree(self.folder / "model")
        self.file = h5py.File(self.output / STORE)
        self.addCleanup(self.file.close)
        self.results = read_table(self.file, "results")

    def expected(self, row):
        layer = self.model.layers[row["layer"] - 1]
        return figures(cast(self.model.stored(layer), "fp32", row["precision"]))

    def test_layers(self):
        layers = read_table(self.file, "layers")
        self.assertLessEqual(LAYER_COLUMNS, set(layers[0]))
        for row, layer in zip(layers, self.model.layers, strict=True):
            stored = self.model.stored(layer)
            self.assertEqual((row["name"], row["category"]), (layer.name, layer.category))
            self.assertEqual((row["out_features"], row["in_features"], row["numel"]), (*stored.shape, stored.size))
            self.assertEqual((row["stored_dtype"], row["stored_as"]), ("BF16", "BF16"))
            self.assertEqual((row["bits_per_weight"], row["dequantized"]), (16, 0))
            self.assertRegex(row["source_file"], r"^model-0000[12]-of-00002\.safetensors$")

    def test_results_have_a_row_for_each_layer_and_precision_in_order(self):
        self.assertLessEqual(RESULT_COLUMNS, set(self.results[0]))
        layers = range(1, len(self.model.layers) + 1)
        self.assertEqual([(row["layer"], row["precision"]) for row in self.results],
                         [(layer, precision) for layer in layers for precision in PRECISIONS])

    def test_figures(self):
        for row in self.results:
            with self.subTest(layer=row["layer"], precision=row["precision"]):
                expected = self.expected(row)
                weights = cast(self.model.stored(self.model.layers[row["layer"] - 1]), "fp32", row["precision"])
                stored = self.model.stored(self.model.layers[row["layer"] - 1])
                largest = expected.eigenvalues[-1]
                self.assertEqual((row["k_used"], row["n_eigs"]), (expected.k_used, expected.n_eigs))
                self.close(row["alpha"], expected.alpha)
                self.close(row["alpha_stderr"], (expected.alpha - 1) / math.sqrt(expected.k_used))
                self.close(row["lambda_max"], largest)
                self.close(row["stable_rank"], np.sum(weights**2) / largest)
                self.close(row["cast_error"], np.linalg.norm(weights - stored) / np.linalg.norm(stored))
                self.assertEqual((row["status"], row["reason"]), ("ok", ""))

    def close(self, found, expected):
        self.assertLessEqual(abs(found - expected), 1e-9 * abs(expected))

    def test_spectra(self):
        eigenvalues = self.file["spectra/eigenvalues"]
        for row in self.results:
            with self.subTest(layer=row["layer"], precision=row["precision"]):
                begin, length = row["spectrum_offset"], row["spectrum_length"]
                found, expected = eigenvalues[begin:begin + length], self.expected(row).eigenvalues
                self.assertEqual(length, len(expected))
                self.assertTrue((np.diff(found) >= 0).all())
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * expected[-1])

    def test_equal_casts_share_one_spectrum(self):
        distinct = {}
        for row in self.results:
            distinct.setdefault((row["layer"], row["spectrum_offset"]), []).append(row)
        for rows in distinct.values():
            self.assertEqual([row["shares"] for row in rows], ["", *[rows[0]["precision"]] * (len(rows) - 1)])
            self.assertEqual({row["share_bound"] for row in rows[1:]} - {0.0}, set())
        stored = sum(rows[0]["spectrum_length"] for rows in distinct.values())
        self.assertEqual(self.file["spectra/eigenvalues"].shape, (stored,))
        for layer in range(1, len(self.model.layers) + 1):
            wide = [row for row in self.results if row["layer"] == layer and row["precision"] != "fp16"]
            self.assertEqual(len({row["spectrum_offset"] for row in wide}), 1, "bf16 weights are exact in all of them")

    def test_attributes_describe_the_run(self):
        attributes = dict(self.file.attrs)
        self.assertEqual(attributes["schema_version"], 5)
        self.assertEqual(attributes["k_frac"], 0.1)
        self.assertEqual(attributes["load_dtype"], "fp32")
        self.assertEqual(attributes["model"], str(self.folder / "model"))
        self.assertEqual(attributes["complete"], 1)
        for name in ("model_fingerprint", "version", "host"):
            self.assertTrue(attributes[name], name)

    def test_the_columns_of_the_results_table(self):
        per_precision = [f"{column}_{precision}" for precision in PRECISIONS
                         for column in ("alpha", "k_used", "n_eigs", "method")]
        why = [f"{column}_{precision}" for precision in PRECISIONS for column in ("status", "reason", "alpha_stderr")]
        self.assertEqual(list(self.rows[0]),
                         ["layer_name", "category", "out_features", "in_features", "numel", *per_precision, *why])

    def test_summary_statistics(self):
        rows = read_csv(self.output / STATISTICS)
        self.assertEqual(list(rows[0]), ["precision", "count", "mean", "std", "min", "median", "max", "q25", "q75"])
        self.assertEqual([row["precision"] for row in rows], list(PRECISIONS))
        for row in rows:
            alphas = np.array([float(layer["alpha_" + row["precision"]]) for layer in self.rows])
            expected = [len(alphas), alphas.mean(), alphas.std(ddof=1), alphas.min(), np.median(alphas), alphas.max(),
                        *np.quantile(alphas, (0.25, 0.75))]
            np.testing.assert_allclose([float(value) for value in list(row.values())[1:]], expected, rtol=1e-14)

    def report(self, *options):
        output = self.folder / "report"
        self.succeed("alpha-hill-report", *options, "--output-dir", output, "--individual-plots", "never")
        return output

    def report_rows(self, *options):
        return read_csv(self.report(*options) / RESULTS)

    def test_a_report_with_the_same_settings_is_the_same(self):
        self.report(self.output / STORE)
        for name in (RESULTS, STATISTICS):
            self.assertEqual((self.folder / "report" / name).read_bytes(), (self.output / name).read_bytes())

    def test_a_report_at_another_k_frac(self):
        rows = self.report_rows(self.output / STORE, "--k-frac", "0.25")
        for row, layer in zip(rows, self.model.layers, strict=True):
            for precision in PRECISIONS:
                with self.subTest(layer=layer.name, precision=precision):
                    expected = figures(cast(self.model.stored(layer), "fp32", precision), k_frac=0.25)
                    self.close(float(row["alpha_" + precision]), expected.alpha)
                    self.assertEqual(row["k_used_" + precision], str(expected.k_used))

    def test_a_report_on_some_layers_and_precisions(self):
        rows = self.report_rows(self.output / STORE, "--filter-layers", r"self_attn\.[qk]_",
                                "--precisions", "bf16,fp16")
        self.assertEqual([row["layer_name"] for row in rows],
                         ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj"])
        self.assertEqual(list(rows[0])[5:], [f"{column}_{precision}"
                                             for columns in (("alpha", "k_used", "n_eigs", "method"),
                                                             ("status", "reason", "alpha_stderr"))
                                             for precision in ("bf16", "fp16") for column in columns])

    def test_a_report_on_several_files_compares_them(self):
        self.analyse(self.model.write(self.folder / "model"), self.folder / "loaded_as_fp16", "--load-dtype", "fp16")
        self.report(self.output / STORE, self.folder / "loaded_as_fp16" / STORE)
        compared = read_csv(self.folder / "report/comparison.csv")
        self.assertEqual({row["layer_name"] for row in compared}, {layer.name for layer in self.model.layers})
        alphas = {(row["layer_name"], precision): row["alpha_" + precision] for row in self.rows
                  for precision in PRECISIONS}
        for row in compared:
            self.assertEqual(row["alpha_results"], alphas[row["layer_name"], row["precision"]])
        for name in ("results", "loaded_as_fp16"):
            folder = self.folder / name
            self.assertEqual((self.folder / "report" / name / RESULTS).read_bytes(), (folder / RESULTS).read_bytes())


class QuantizedStoreTest(ProgramTest):
    def test_the_store_and_the_summary_say_that_weights_were_dequantized(self):
        codes = np.random.default_rng(2).integers(0, 0x78, (40, 300), np.uint8)
        model = write_fp8(self.folder / "fp8", codes, np.ones((1, 3)))
        done = self.succeed("alpha-hill", "--model", model, "--output-dir", self.folder / "of_fp8")
        self.assertIn("Stored quantized: 1 of 1 layer; their figures are of the dequantized weights\n"
                      "  1 as F8_E4M3 block 128x128, 8.008 bits a weight\n", done.stdout)
        with h5py.File(self.folder / "of_fp8" / STORE) as file:
            row, = read_table(file, "layers")
        self.assertEqual((row["stored_as"], row["dequantized"]), ("F8_E4M3 block 128x128", 1))
        self.assertEqual(row["bits_per_weight"], 8 * (12000 + 12) / 12000)


if __name__ == "__main__":
    unittest.main()
