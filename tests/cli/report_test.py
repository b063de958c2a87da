"""Reports as a user gets them: pictures that can be read, where they are written, and what is removed."""

import json
import math
import re
import shutil
import struct
import unittest
import zlib

import h5py
import numpy as np

from support.models import llama, model_of, with_singular_values
from support.oracle import figures
from support.programs import RESULTS, SENSITIVITY, STATISTICS, STORE, ProgramTest, read_csv, run
from support.results_files import read_table

NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>\n'


def read_png(path):
    """Width, height and the bytes of the rows, all checksums checked."""
    stored = path.read_bytes()
    assert stored[:8] == b"\x89PNG\r\n\x1a\n", path
    chunks, at = {}, 8
    while at < len(stored):
        size, = struct.unpack_from(">I", stored, at)
        kind, contents = stored[at + 4:at + 8], stored[at + 8:at + 8 + size]
        assert zlib.crc32(kind + contents) == struct.unpack_from(">I", stored, at + 8 + size)[0], path
        chunks[kind] = contents
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"], path
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    return width, height, zlib.decompress(chunks[b"IDAT"])


def files_under(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class ReportTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = llama("bf16", blocks=1).write(self.folder / "model")
        self.output = self.folder / "results"
        self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.output, "--no-report")

    def report(self, *options, **keywords):
        return self.succeed("alpha-hill-report", self.output / STORE, *options, **keywords)

    def test_every_picture_can_be_read(self):
        self.report()
        pictures = list(self.output.rglob("*.png"))
        self.assertGreater(len(pictures), 15)
        for picture in pictures:
            width, height, rows = read_png(picture)
            self.assertEqual(len(rows), height * (1 + 3 * width), picture)
            self.assertGreater(len(set(rows)), 50, f"{picture} is empty")

    def test_formats_below_16_bits_have_their_errors_and_layers_ranked_by_score(self):
        done = self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.output, "--precisions",
                            "fp32,int8,int4_g32", "--individual-plots", "never")
        for name in ("error_by_layer", "score_ranking", "alpha_against_base"):
            read_png(self.output / f"plots/{name}.png")
        rows = read_csv(self.output / SENSITIVITY)
        self.assertEqual({row["precision"] for row in rows}, {"fp32", "int8", "int4_g32"})
        for precision in ("int8", "int4_g32"):
            ranked = sorted((row for row in rows if row["precision"] == precision), key=lambda row: -float(row["score"]))
            minding, = re.findall(rf"^  at [^:]*\b{precision}\b[^:]*: (.*)$", done.stdout, re.MULTILINE)
            self.assertEqual([label.split(".")[-1] for label in minding.split(", ")],
                             [row["layer_name"].split(".")[-1] for row in ranked[:5]])
            worst = max(float(row["relative_error"]) for row in ranked)
            shown, = re.findall(rf"^{precision} +\S+ +\S+ +(\d.\d\de-\d+)  ", done.stdout, re.MULTILINE)
            self.assertLess(abs(float(shown) / worst - 1), 0.01)

    def test_a_report_is_written_beside_its_results_file(self):
        self.report("--individual-plots", "never")
        self.assertLessEqual({RESULTS, STATISTICS, "plots/all_layers_combined.png"}, files_under(self.output))

    def test_a_comparison_is_written_into_a_folder_of_its_own(self):
        other = self.folder / "other" / STORE
        other.parent.mkdir()
        shutil.copy(self.output / STORE, other)
        self.succeed("alpha-hill-report", self.output / STORE, other, "--individual-plots", "never", cwd=self.folder)
        self.assertLessEqual({"comparison.csv", "comparison.png", f"results/{RESULTS}", f"other/{RESULTS}"},
                             files_under(self.folder / "comparison"))

    def test_an_output_folder_stands_for_the_run_in_it(self):
        self.succeed("alpha-hill-report", self.output, "--individual-plots", "never")
        self.assertLessEqual({RESULTS, STATISTICS, "plots/all_layers_combined.png"}, files_under(self.output))
        (self.output / STORE).unlink()
        self.succeed("alpha-hill-report", self.output, "--individual-plots", "never")
        self.assertTrue((self.output / STORE).exists(), "written from the journal")
        done = run("alpha-hill-report", self.folder / "model")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "model: neither alpha_hill.h5 nor alpha_hill.journal")

    def test_other_settings_leave_the_tables_and_plots_of_a_run_alone(self):
        self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.output, "--individual-plots", "never")
        before = {name: (self.output / name).read_bytes() for name in files_under(self.output)}
        done = self.succeed("alpha-hill-report", self.output, "--k-frac", "0.5", "--individual-plots", "never")
        after = {name: (self.output / name).read_bytes() for name in before}
        self.assertEqual(after, before)
        self.assertLessEqual({f"k_frac_0.5/{RESULTS}", "k_frac_0.5/plots/all_layers_combined.png"},
                             files_under(self.output))
        self.assertIn("k_frac 0.1, here 0.5", done.stderr)
        self.assertIn(f"{self.output}/k_frac_0.5/{RESULTS}", done.stdout)
        settings = json.loads((self.output / "k_frac_0.5/report_settings.json").read_text())
        self.assertEqual((settings["k_frac"], settings["sources"][0]["file"]), (0.5, f"../{STORE}"))
        self.assertEqual(json.loads(before["report_settings.json"])["precisions"], ["fp32", "fp16", "bf16"])

    def test_a_folder_with_other_settings_is_replaced_only_when_asked_for(self):
        self.report("--individual-plots", "never")
        before = (self.output / RESULTS).read_bytes()
        other = ("alpha-hill-report", self.output / STORE, "--output-dir", self.output, "--precisions", "bf16",
                 "--individual-plots", "never")
        refused = run(*other)
        self.assertEqual((refused.returncode, (self.output / RESULTS).read_bytes()), (2, before))
        self.assertRegex(refused.stderr, "precisions fp32, fp16, bf16, here bf16.*--overwrite")
        self.succeed(*other, "--overwrite")
        self.assertNotIn("alpha_fp32", read_csv(self.output / RESULTS)[0])

    def test_a_run_replaces_its_own_tables(self):
        analyse = ("alpha-hill", "--model", self.model, "--output-dir", self.output, "--individual-plots", "never")
        self.succeed(*analyse)
        self.succeed(*analyse, "--precisions", "fp16", "--filter-layers", "q_proj")
        self.assertEqual(len(read_csv(self.output / RESULTS)), 1)
        self.assertFalse((self.output / "plots/category_mlp_up.png").exists())

    def test_a_comparison_ranks_layers_and_lists_those_of_one_run(self):
        other = self.folder / "other"
        self.succeed("alpha-hill", "--model", self.model, "--output-dir", other, "--no-report", "--load-dtype", "fp16",
                     "--k-frac", "0.2", "--filter-layers", "self_attn")
        done = self.succeed("alpha-hill-report", self.output, other, "--individual-plots", "never", cwd=self.folder)
        self.assertRegex(done.stdout, r"relative change from results: largest of \d layers\n +[+-]\d\.\d\de-?\d+ ")
        self.assertRegex(done.stdout, r"Only in results: \d+ layers\n  model.layers.0.mlp.gate_proj\n")
        self.assertIn("relative_change_other", read_csv(self.folder / "comparison/comparison.csv")[0])

    def test_text_is_drawn_without_fonts_too(self):
        config = self.folder / "fonts.conf"
        config.write_text(NO_FONTS)
        done = self.report("--individual-plots", "never", environment={"FONTCONFIG_FILE": str(config)})
        self.assertEqual(done.stderr.count("no fonts are found"), 1, done.stderr)
        read_png(self.output / "plots/all_layers_combined.png")

    def test_a_run_that_begins_anew_removes_tables_and_plots(self):
        self.report()
        (self.output / "notes.txt").write_text("mine")
        done = run("alpha-hill", "--model", self.model, "--output-dir", self.output, "--restart", "--no-report",
                   "--precisions", "fp32")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(files_under(self.output), {"alpha_hill.journal", STORE, "notes.txt"})


class OtherKFracTest(ProgramTest):
    """A layer of order 100 and rank 60: at the run's k there is no alpha, at k = 50 lambda_{k+1} is eight decades below
    lambda_1. Its spectrum comes from an SVD."""

    def setUp(self):
        super().setUp()
        self.output = self.folder / "results"
        weights = np.zeros((130, 100))
        weights[:80, :60] = with_singular_values(np.logspace(0, -5, 60), 80, np.random.default_rng(3))
        model = model_of([weights])
        self.weights = model.stored(model.layers[0])
        done = run("alpha-hill", "--model", model.write(self.folder / "model"), "--output-dir", self.output,
                   "--precisions", "fp32", "--k-frac", "0.7", "--no-report")
        self.assertEqual(done.returncode, 1, "no layer has a figure")
        with h5py.File(self.output / STORE) as file:
            self.stored, = read_table(file, "results")

    def test_a_figure_that_the_run_had_not_says_how_its_spectrum_was_computed(self):
        self.assertEqual((self.stored["status"], math.isnan(self.stored["alpha"])), ("no_tail", True))
        self.assertRegex(self.stored["method"], "^svd_")
        done = self.succeed("alpha-hill-report", self.output / STORE, "--k-frac", "0.5")
        row, = read_csv(self.output / RESULTS)
        expected = figures(self.weights, k_frac=0.5)
        self.assertEqual((row["method_fp32"], row["k_used_fp32"]), (self.stored["method"], str(expected.k_used)))
        self.assertLessEqual(abs(float(row["alpha_fp32"]) / expected.alpha - 1), 1e-9)
        self.assertNotIn("may be off", done.stderr, "an SVD is exact enough")

    def test_without_an_alpha_the_table_says_failed(self):
        self.succeed("alpha-hill-report", self.output / STORE)
        row, = read_csv(self.output / RESULTS)
        self.assertEqual([row[f"{column}_fp32"] for column in ("alpha", "k_used", "n_eigs", "method")],
                         ["", "-1", "-1", "failed"])
        self.assertEqual([row[f"{column}_fp32"] for column in ("status", "reason", "alpha_stderr")],
                         ["no_tail", self.stored["reason"], ""])
        self.assertTrue(row["reason_fp32"])

    def test_a_file_of_an_earlier_version_is_reported_as_before(self):
        """It has "failed" for the method of a row without an alpha."""
        with h5py.File(self.output / STORE, "r+") as file:
            file["results/method"][0] = "failed"
        done = self.succeed("alpha-hill-report", self.output / STORE, "--k-frac", "0.5")
        self.assertEqual(read_csv(self.output / RESULTS)[0]["method_fp32"], "gram_eigen")
        self.assertIn("1 figure at k-frac 0.5 may be off", done.stderr)


if __name__ == "__main__":
    unittest.main()
