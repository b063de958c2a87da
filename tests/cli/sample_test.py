"""The sample checkpoints have the spectrum that alpha-hill-sample says, by numpy and by alpha-hill."""

import csv
import unittest

from support.oracle import cast, figures
from support.programs import RESULTS, ProgramTest, run
from support.safetensors_files import read_safetensors

PRECISIONS = ("fp64", "fp32", "fp16", "bf16")
NOT_LAYERS = ("model.embed_tokens", "wpe")


class SampleTest(ProgramTest):
    def make(self, *options):
        folder = self.folder / " ".join(options)
        self.succeed("alpha-hill-sample", *options, "--hidden", 64, "--blocks", 2, folder)
        return folder

    def check(self, table, sample):
        return run("alpha-hill-sample", "--check", table, sample)

    def table_by_numpy(self, sample):
        """The table that alpha-hill should write, from an SVD of the stored weights."""
        rows = []
        for file in sample.glob("*.safetensors"):
            for name, weights in read_safetensors(file).items():
                layer = "lm_head" if name == "wte.weight" else name.removesuffix(".weight")
                if weights.ndim == 2 and layer not in NOT_LAYERS:
                    rows.append({"layer_name": layer} | self.cells(weights))
        return rows

    def cells(self, weights):
        cells = {}
        for precision in PRECISIONS:
            found = figures(cast(weights, "fp32", precision))
            cells |= {f"alpha_{precision}": found.alpha, f"k_used_{precision}": found.k_used,
                      f"n_eigs_{precision}": found.n_eigs}
        return cells

    def write_table(self, rows):
        table = self.folder / "table.csv"
        with open(table, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return table

    def test_numpy_finds_the_known_spectrum(self):
        for kind in ("llama", "gpt2", "mixtral"):
            for dtype in ("bf16", "fp16", "fp32", "fp64"):
                with self.subTest(kind=kind, dtype=dtype):
                    sample = self.make("--kind", kind, "--dtype", dtype, "--shards", "2")
                    checked = self.check(self.write_table(self.table_by_numpy(sample)), sample)
                    self.assertRegex(checked.stdout, r"^\d+ figures agree with the known spectrum")
                    self.assertEqual(checked.returncode, 0)

    def test_alpha_hill_finds_the_known_spectrum(self):
        for kind, dtype in (("llama", "bf16"), ("gpt2", "fp32"), ("mixtral", "fp16"), ("llama", "fp64")):
            with self.subTest(kind=kind, dtype=dtype):
                sample = self.make("--kind", kind, "--dtype", dtype)
                output = self.folder / f"{sample.name} results"
                self.analyse(sample, output, "--precisions", ",".join(PRECISIONS), ranks=2)
                self.assertEqual(self.check(output / RESULTS, sample).returncode, 0)

    def test_casts_move_some_figures(self):
        rows = self.table_by_numpy(self.make("--dtype", "bf16"))
        moved = [row["layer_name"] for row in rows if row["alpha_fp16"] != row["alpha_fp32"]]
        self.assertEqual(moved, ["model.layers.1.self_attn.k_proj", "model.layers.1.mlp.down_proj"])

    def test_the_same_options_give_the_same_bytes_and_another_seed_others(self):
        first, other = self.make("--seed", "1"), self.make("--seed", "2")
        stored = (first / "model.safetensors").read_bytes()
        self.make("--seed", "1")
        self.assertEqual((first / "model.safetensors").read_bytes(), stored)
        self.assertNotEqual((other / "model.safetensors").read_bytes(), stored)

    def test_wrong_figures_are_told(self):
        sample = self.make("--kind", "llama")
        right = self.table_by_numpy(sample)
        wrongs = {"alpha_fp16": right[3]["alpha_fp16"] * (1 + 2e-9), "k_used_fp16": 11, "n_eigs_fp16": 1}
        for column, wrong in wrongs.items():
            with self.subTest(column):
                rows = [dict(row) for row in right]
                rows[3][column] = wrong
                checked = self.check(self.write_table(rows), sample)
                self.assertEqual(checked.returncode, 1)
                self.assertRegex(checked.stdout, rf"1 of \d+ figures differ[^$]*{rows[3]['layer_name']} fp16")

    def test_missing_and_foreign_layers_are_told(self):
        sample = self.make("--kind", "llama")
        rows = self.table_by_numpy(sample)
        self.assertRegex(self.check(self.write_table(rows[1:]), sample).stderr, f"no row for {rows[0]['layer_name']}")
        rows.append(rows[0] | {"layer_name": "stranger"})
        self.assertRegex(self.check(self.write_table(rows), sample).stderr, "not a layer of the sample: stranger")

    def test_wrong_options_are_refused(self):
        for option, value in (("--kind", "t5"), ("--hidden", "100"), ("--hidden", "8"), ("--blocks", "0"),
                              ("--shards", "0"), ("--dtype", "int8"), ("--unknown", "1")):
            with self.subTest(option=option, value=value):
                done = run("alpha-hill-sample", option, value, self.folder / "sample")
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, f"error: .*{option}.*")
                self.assertFalse((self.folder / "sample").exists())


if __name__ == "__main__":
    unittest.main()
