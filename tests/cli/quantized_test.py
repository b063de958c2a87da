"""Checkpoints as other libraries write them, in ../shared/quantized: every weight and every alpha against truth."""

import json
import subprocess
import unittest

import numpy as np

from support.programs import REPOSITORY, ProgramTest, command

MODELS = REPOSITORY.parent / "shared/quantized"
FOLDERS = sorted(truth.parent for truth in MODELS.glob("*/truth.npz"))
PRECISIONS = ("fp32", "fp16", "bf16")
LARGEST_ERROR = 1e-9


def read_folders():
    """Each folder, and what its truth.json says."""
    for folder in FOLDERS:
        yield folder, json.loads((folder / "truth.json").read_text())


@unittest.skipUnless(FOLDERS, f"{MODELS} is not there")
class QuantizedTest(ProgramTest):
    def weights_of(self, folder, layer, shape):
        dumped = subprocess.run(command("alpha-hill-dump-weights", folder, layer), capture_output=True, timeout=120)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        return np.frombuffer(dumped.stdout, "<f4").reshape(shape)

    def test_every_weight_is_the_product_of_what_is_stored_rounded_once(self):
        for folder, truth in read_folders():
            weights = np.load(folder / "truth.npz")
            for layer in truth["layers"]:
                with self.subTest(folder=folder.name, layer=layer):
                    expected = weights[layer].astype(np.float32)
                    found = self.weights_of(folder, layer, expected.shape)
                    self.assertTrue(np.array_equal(found.view(np.uint32), expected.view(np.uint32)))

    def test_layers_and_alphas_are_those_of_the_truth_on_any_number_of_ranks(self):
        for folder, truth in read_folders():
            tables = [self.analyse(folder, self.folder / folder.name / str(ranks), "--share-tolerance", 0, ranks=ranks)
                      for ranks in (1, 2, 3)]
            self.assertEqual(tables[0], tables[1], folder.name)
            self.assertEqual(tables[0], tables[2], folder.name)
            rows = {row["layer_name"]: row for row in tables[0]}
            for layer, (out_features, in_features) in truth["layers"].items():
                row = rows[layer]
                self.assertEqual((row["out_features"], row["in_features"]), (str(out_features), str(in_features)))
                self.check_alphas(row, truth["alpha"].get(layer, {}), folder.name)

    def check_alphas(self, row, expected, folder):
        for precision in PRECISIONS:
            if precision in expected:
                error = abs(float(row[f"alpha_{precision}"]) / expected[precision] - 1)
                self.assertLessEqual(error, LARGEST_ERROR, f"{folder}: {row['layer_name']} at {precision}")


if __name__ == "__main__":
    unittest.main()
