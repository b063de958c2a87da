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
ORIGINAL_ROUNDED = {"fp8_e4m3": "ct_fp8_channel", "fp8_e4m3_tensor": "ct_fp8_tensor_static", "int8": "ct_int8_channel",
                    "int4_g128": "ct_pack4_g128", "int4_g128_asym": "ct_pack4_asym", "int3_g32": "ct_pack3_dense",
                    "nvfp4": "ct_nvfp4", "mxfp4": "ct_mxfp4", "mxfp8": "ct_mxfp8", "nf4": "bnb_nf4"}


def read_folders():
    """Each folder, and what its truth.json says."""
    for folder in FOLDERS:
        yield folder, json.loads((folder / "truth.json").read_text())


@unittest.skipUnless(FOLDERS, f"{MODELS} is not there")
class QuantizedTest(ProgramTest):
    def weights_of(self, folder, layer, shape, *precision):
        dumped = subprocess.run(command("alpha-hill-dump-weights", folder, layer, *precision), capture_output=True,
                                timeout=120)
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

    def test_the_original_rounded_to_a_format_is_what_its_library_writes(self):
        original = MODELS / "original"
        rows = {row["layer_name"]: row for row in self.analyse(
            original, self.folder / "rounded", "--precisions", ",".join(ORIGINAL_ROUNDED), "--share-tolerance", 0)}
        for precision, folder in ORIGINAL_ROUNDED.items():
            weights = np.load(MODELS / folder / "truth.npz")
            alphas = json.loads((MODELS / folder / "truth.json").read_text())["alpha"]
            for layer in weights.files:
                if layer == "lm_head":  # which none of them quantizes
                    continue
                with self.subTest(precision=precision, layer=layer):
                    expected = weights[layer].astype(np.float32)
                    found = self.weights_of(original, layer, (-1, expected.shape[1]), precision)
                    self.assertTrue(np.array_equal(found[:len(expected)], expected))  # some have fewer rows
                    if found.shape == expected.shape:
                        error = abs(float(rows[layer][f"alpha_{precision}"]) / alphas[layer]["fp32"] - 1)
                        self.assertLessEqual(error, LARGEST_ERROR)

    def check_alphas(self, row, expected, folder):
        for precision in PRECISIONS:
            if precision in expected:
                error = abs(float(row[f"alpha_{precision}"]) / expected[precision] - 1)
                self.assertLessEqual(error, LARGEST_ERROR, f"{folder}: {row['layer_name']} at {precision}")


if __name__ == "__main__":
    unittest.main()
