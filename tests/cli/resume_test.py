"""The same folder again: with a copy of the checkpoint, more or fewer layers and precisions, and from files of earlier
versions."""

import os
import random
import shutil
import unittest

import h5py

from support.models import llama
from support.programs import REPOSITORY, RESULTS, STATISTICS, STORE, ProgramTest, run
from support.results_files import read_table

JOURNAL = "alpha_hill.journal"
FIXTURES = REPOSITORY / "tests/results/fixtures"
PRECISIONS = ("fp64", "fp32", "fp16", "bf16")


class ResumeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = llama("fp32", blocks=2).write(self.folder / "model", shards=2)
        self.output = self.folder / "results"
        self.of_fresh_runs = {}

    def tables(self, output):
        return [(output / name).read_bytes() for name in (RESULTS, STATISTICS)]

    def fresh(self, *options):
        """The tables of a run of its own."""
        if options not in self.of_fresh_runs:
            output = self.folder / f"fresh{len(self.of_fresh_runs)}"
            self.analyse(self.model, output, *options)
            self.of_fresh_runs[options] = self.tables(output)
        return self.of_fresh_runs[options]

    def computed(self, model, *options, ranks=None):
        """Goes on in the folder. @return how many layers were computed"""
        journal = self.output / JOURNAL
        before = journal.read_bytes().count(b"\xa1HFR\x02") if journal.exists() else 0
        self.analyse(model, self.output, *options, ranks=ranks)
        return journal.read_bytes().count(b"\xa1HFR\x02") - before

    def test_a_copy_that_was_touched_is_the_same_model(self):
        self.computed(self.model)
        copy = shutil.copytree(self.model, self.folder / "copy")
        for file in copy.iterdir():
            os.utime(file, (1, 1))
        self.assertEqual(self.computed(copy), 0)

    def test_a_model_with_other_weights_is_refused_by_name(self):
        self.computed(self.model)
        other = shutil.copytree(self.model, self.folder / "other")
        with (other / "model-00002-of-00002.safetensors").open("r+b") as file:
            file.seek(-1000, os.SEEK_END)
            file.write(bytes(1000))
        done = run("alpha-hill", "--model", other, "--output-dir", self.output)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"another model, '{self.model}', not '{other}'", done.stderr)
        self.assertIn("weights are others", done.stderr)

    def test_a_folder_whose_run_finished_no_layer_takes_another_model(self):
        failed = run("alpha-hill", "--model", self.model, "--output-dir", self.output, "--memory-per-rank", "131073K")
        self.assertEqual(failed.returncode, 1)
        self.assertTrue((self.output / RESULTS).exists())
        other = llama("bf16", blocks=1).write(self.folder / "other")
        self.succeed("alpha-hill", "--model", other, "--output-dir", self.output, "--no-report")
        self.assertFalse((self.output / RESULTS).exists(), "that was of the other run")

    def test_more_formats_compute_only_what_is_new(self):
        def seconds():
            with h5py.File(self.output / STORE) as file:
                return {(row["layer"], row["precision"]): row["seconds"] for row in read_table(file, "results")}

        equal_bits = ["--share-tolerance", "0"]  # of such small layers it is not certain how far casts are apart
        self.computed(self.model, "--precisions", "fp32", "--survey", "nvfp4,int4", *equal_bits)
        first = seconds()
        asked = ["--precisions", "fp32,int4", "--survey", "mxfp4,nvfp4", *equal_bits]
        for ranks in (None, 2):
            self.assertGreater(self.computed(self.model, *asked, ranks=ranks), 0 if ranks is None else -1)
            self.assertEqual(self.tables(self.output), self.fresh(*asked))
            sensitivity = (self.output / "precision_sensitivity.csv").read_bytes()
            self.assertEqual(sensitivity, (self.folder / "fresh0/precision_sensitivity.csv").read_bytes())
            again = seconds()
            self.assertEqual({row: again[row] for row in first if row[1] == "fp32"},
                             {row: taken for row, taken in first.items() if row[1] == "fp32"}, "not computed again")

    def test_without_spectra_there_are_the_errors_alone(self):
        self.analyse(self.model, self.output, "--precisions", "fp32,int4", "--spectra", "none")
        with h5py.File(self.output / STORE) as file:
            rows = read_table(file, "results")
        self.assertEqual({row["status"] for row in rows}, {"surveyed"})
        self.assertTrue(all(row["cast_error"] > 0 for row in rows if row["precision"] == "int4"))
        status = self.succeed("alpha-hill-report", "--status", self.output).stdout
        self.assertIn("fp32, int4 surveyed\n", status)
        self.assertIn("complete", status)

    def test_runs_that_grow_and_shrink_give_the_figures_of_fresh_ones(self):
        steps = [(["--filter-layers", r"layers\.1\."], ("fp32",)), ([], ("bf16", "fp32")),
                 (["--filter-layers", "mlp"], PRECISIONS), (["--filter-layers", "q_proj"], ("fp16",)), ([], PRECISIONS)]
        random.seed(1)
        for ranks, order in ((None, random.sample(steps, len(steps)) + steps), (2, steps)):
            for options, precisions in order:
                asked = [*options, "--precisions", ",".join(precisions)]
                with self.subTest(asked, ranks=ranks):
                    self.computed(self.model, *asked, ranks=ranks)
                    self.assertEqual(self.tables(self.output), self.fresh(*asked))
            shutil.rmtree(self.output)

    def test_multi_token_prediction_comes_and_goes_as_it_is_asked_for(self):
        model = llama("fp32", blocks=1)
        model.add_tensor("mtp.fc.weight", 12, 24)
        self.model = model.write(self.folder / "with_mtp")
        layers = self.computed(self.model)
        self.assertEqual(layers, len(model.layers))
        self.assertEqual(self.computed(self.model, "--include-mtp"), 1)
        self.assertIn(b"mtp.fc", self.tables(self.output)[0])
        done = self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.output)
        self.assertIn(f"{layers} of {layers} layers already done", done.stderr)
        self.assertIn(f"(layers all {layers + 1}, here all {layers}): replaced", done.stderr)
        self.assertEqual(self.tables(self.output), self.fresh())
        self.assertIn(f"{layers} of {layers} done", self.succeed("alpha-hill-report", "--status", self.output).stdout)
        self.succeed("alpha-hill-report", self.output)
        self.assertEqual(self.tables(self.output), self.fresh())
        self.succeed("alpha-hill-report", self.output, "--filter-layers", "")
        self.assertIn(b"mtp.fc", self.tables(self.output / "all_layers")[0])

    def test_nothing_is_computed_twice(self):
        layers = self.computed(self.model, "--precisions", "fp32,bf16")
        self.assertEqual(self.computed(self.model, "--precisions", "bf16", "--filter-layers", "mlp"), 0)
        self.assertEqual(self.computed(self.model, "--precisions", "fp32,bf16"), 0)
        self.computed(self.model, "--precisions", "fp16", "--filter-layers", "lm_head")
        self.assertEqual(self.computed(self.model, "--precisions", "fp32,fp16,bf16"), layers - 1)

    def test_a_report_shows_what_the_last_run_asked_for_and_on_request_what_is_there(self):
        self.computed(self.model, "--precisions", "fp32,bf16")
        asked = ("--precisions", "fp16", "--filter-layers", "q_proj")
        self.computed(self.model, *asked)
        report = ("alpha-hill-report", self.output / STORE, "--output-dir", self.folder / "report", "--overwrite")
        done = self.succeed(*report)
        self.assertEqual(self.tables(self.folder / "report"), self.fresh(*asked))
        self.assertRegex(done.stderr, r"shown are \d of \d+ layers, those .* asked for; --filter-layers '' shows all")
        self.assertIn("shown of fp32, bf16, fp16 is what the last run asked for, fp16; --precisions shows", done.stderr)
        self.succeed(*report, "--precisions", "fp32,bf16", "--filter-layers", "")
        self.assertEqual(self.tables(self.folder / "report"), self.fresh("--precisions", "fp32,bf16"))

    def test_files_of_earlier_versions_go_on(self):
        sample = self.folder / "sample"
        self.succeed("alpha-hill-sample", "--blocks", "1", "--hidden", "16", "--seed", "7", sample)
        self.model = sample
        for version in ("version3", "version4"):
            with self.subTest(version):
                self.output.mkdir()
                report = self.folder / f"report of {version}"
                shutil.copy(FIXTURES / version / "interrupted.journal", self.output / JOURNAL)
                self.analyse(sample, self.output)
                self.succeed("alpha-hill-report", FIXTURES / version / STORE, "--output-dir", report)
                self.assertEqual(self.tables(self.output), self.fresh())
                with h5py.File(self.output / STORE) as file:
                    self.assertEqual({row["stored_as"] for row in read_table(file, "layers")}, {"BF16"})
                self.assert_close(report / RESULTS, self.output / RESULTS)
                shutil.rmtree(self.output)

    def assert_close(self, one, other):
        """Figures of another machine agree within 1e-9."""
        lines = [path.read_text().splitlines() for path in (one, other)]
        self.assertEqual(lines[0][0], lines[1][0])
        for first, second in zip(lines[0][1:], lines[1][1:], strict=True):
            for a, b in zip(first.split(","), second.split(","), strict=True):
                if a != b:
                    self.assertAlmostEqual(float(a) / float(b), 1, delta=1e-9)


if __name__ == "__main__":
    unittest.main()
