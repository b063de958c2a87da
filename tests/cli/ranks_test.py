"""The number of ranks, interruptions and restarts never change a figure."""

import math
import os
import re
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from support.models import mixtral, model_of
from support.oracle import figures
from support.processes import children
from support.programs import ENVIRONMENT, RESULTS, STATISTICS, STORE, ProgramTest, command, run
from support.results_files import read_table

SLOW_LAYERS = 10
STOPPED_EARLY = 75


def slow_model():
    """Some seconds of work for one core, in layers that each take a fraction of it."""
    random = np.random.default_rng(3)
    return model_of([random.standard_t(3, (800, 800)).astype(np.float32) for _ in range(SLOW_LAYERS)])


class RanksTest(ProgramTest):
    def tables(self, output):
        return [(output / name).read_bytes() for name in (RESULTS, STATISTICS)]

    def test_tables_are_the_same_byte_for_byte_on_any_number_of_ranks(self):
        model = mixtral("fp32").write(self.folder / "model", shards=2)
        self.analyse(model, self.folder / "alone")
        for ranks in (1, 2, 3, 5):
            with self.subTest(ranks=ranks):
                output = self.folder / f"on {ranks}"
                self.analyse(model, output, ranks=ranks)
                self.assertEqual(self.tables(output), self.tables(self.folder / "alone"))

    def test_ranks_that_want_more_cores_than_they_are_bound_to_say_so(self):
        model = mixtral("fp32").write(self.folder / "model")
        done = run("alpha-hill", "--model", model, "--output-dir", self.folder / "out", "--threads-per-rank", 1000)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the ranks on the node of rank 0 want 1000 cores and have", done.stderr)

    def test_more_ranks_than_layers(self):
        model = mixtral("fp32").write(self.folder / "model")
        options = ("--filter-layers", r"layers\.1\.self_attn\.[qk]_proj")
        self.assertEqual(len(self.analyse(model, self.folder / "alone", *options)), 2)
        self.analyse(model, self.folder / "many", *options, ranks=5)
        self.assertEqual(self.tables(self.folder / "many"), self.tables(self.folder / "alone"))

    def test_a_finished_run_is_not_computed_again_unless_asked(self):
        model, output = mixtral("fp32").write(self.folder / "model"), self.folder / "results"
        self.analyse(model, output)
        first = self.tables(output)
        again = self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--individual-plots", "never")
        self.assertRegex(again.stderr, "29 of 29 layers already done")
        self.assertEqual(self.tables(output), first)
        anew = self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--individual-plots", "never",
                            "--restart", ranks=3)
        self.assertNotRegex(anew.stderr, "already done")
        self.assertEqual(self.tables(output), first)


class TeamsTest(ProgramTest):
    """A layer that needs more memory than a rank has, and small ones beside it."""

    ORDER = 2200

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        shapes = [(self.ORDER + 37, self.ORDER), (90, 70), (64, 200), (70, 90)]
        self.model = model_of([random.standard_t(3, shape).astype(np.float32) for shape in shapes]).write(
            self.folder / "model")
        self.too_little = f"{math.floor(0.95 * self.most_memory())}M"  # for the large layer on one rank, not on two

    def most_memory(self):
        """Of a rank that computes every layer alone, in MiB."""
        planned = self.succeed("alpha-hill", "--model", self.model, "--dry-run").stdout
        return float(re.search(r"memory +([\d.]+) MiB a rank at most", planned)[1])

    def figures(self, output, *options, **keywords):
        rows = self.analyse(self.model, self.folder / output, "--precisions", "fp32", *options, **keywords)
        return [float(row["alpha_fp32"] or "nan") for row in rows]

    def test_a_team_has_the_memory_and_finds_the_figures_of_one_rank(self):
        alone = self.figures("alone")
        for ranks in (2, 3, 4):
            with self.subTest(ranks=ranks):
                together = self.figures(f"on {ranks}", "--memory-per-rank", self.too_little, ranks=ranks)
                np.testing.assert_allclose(together, alone, rtol=1e-9, atol=0)

    def test_a_team_computes_the_svd_that_no_rank_has_the_memory_for(self):
        matrix = np.random.default_rng(6).standard_normal((self.ORDER + 37, self.ORDER)).astype(np.float32)
        matrix[:100] *= 1e3
        model = model_of([matrix]).write(self.folder / "ill-conditioned")
        self.analyse(model, self.folder / "results", "--precisions", "fp32", "--memory-per-rank", self.too_little,
                     ranks=2)
        with h5py.File(self.folder / "results" / STORE) as file:
            row, = read_table(file, "results")
        self.assertEqual((row["status"], row["method"]), ("ok", "svd_scalapack"), row)
        alpha = figures(matrix.astype(np.float64)).alpha
        self.assertAlmostEqual(row["alpha"], alpha, delta=1e-9 * alpha)

    def test_without_teams_the_layer_is_left_out(self):
        together = self.figures("left out", "--memory-per-rank", self.too_little, "--max-team-size", "1", ranks=2)
        self.assertEqual([np.isnan(alpha) for alpha in together], [True, False, False, False])

    def test_a_dry_run_tells_the_teams_of_ranks_that_are_not_there(self):
        planned = self.succeed("alpha-hill", "--model", self.model, "--dry-run", "--ranks", "1024",
                               "--memory-per-rank", self.too_little).stdout
        self.assertRegex(planned, r"3 layers on one rank, 1 layer on teams of \d+")
        self.assertRegex(planned, r"about .* on 1024 ranks")


class InterruptionTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "results"
        self.options = ["--model", slow_model().write(self.folder / "model"), "--output-dir", self.output,
                        "--individual-plots", "never"]

    def interrupt(self, with_signal, ranks=None):
        """Starts a run and, when its journal has grown by two layers, signals it (a rank, where there are several);
        returns the exit code."""
        with subprocess.Popen(command("alpha-hill", *self.options, ranks=ranks), env=ENVIRONMENT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            self.await_records(process)
            os.kill(process.pid if ranks is None else children(process.pid)[-1], with_signal)
            return process.wait(timeout=60)

    def await_records(self, process):
        sizes = set()
        deadline = time.monotonic() + 60
        while len(sizes) < 4:  # empty, with the run's description, with one record, with two
            self.assertIsNone(process.poll(), "the run ended before it could be interrupted")
            self.assertLess(time.monotonic(), deadline, "the journal does not grow")
            sizes |= {file.stat().st_size for file in self.output.glob("*journal*")}
            time.sleep(0.005)

    def finish(self):
        """The same command computes what is left, and only that; the tables are those of an undisturbed run."""
        log = self.succeed("alpha-hill", *self.options).stderr
        self.assertRegex(log, rf"\d+ of {SLOW_LAYERS} layers already done")
        before = int(re.search(r"(\d+) of \d+ layers already done", log)[1])
        self.assertGreaterEqual(before, 2)
        self.assertRegex(log, rf"\b{SLOW_LAYERS}/{SLOW_LAYERS} layers")
        self.analyse(self.options[1], self.folder / "undisturbed")
        for name in (RESULTS, STATISTICS):
            self.assertEqual((self.output / name).read_bytes(), (self.folder / "undisturbed" / name).read_bytes())

    def test_sigint_stops_early_and_the_same_command_goes_on(self):
        self.assertEqual(self.interrupt(signal.SIGINT), STOPPED_EARLY)
        self.finish()

    def test_sigterm_stops_early_and_the_same_command_goes_on(self):
        self.assertEqual(self.interrupt(signal.SIGTERM), STOPPED_EARLY)
        self.finish()

    def test_a_killed_run_goes_on(self):
        self.assertEqual(self.interrupt(signal.SIGKILL), -signal.SIGKILL)
        self.finish()

    def test_a_run_that_lost_a_rank_goes_on(self):
        self.assertNotEqual(self.interrupt(signal.SIGKILL, ranks=2), 0)
        self.finish()


if __name__ == "__main__":
    unittest.main()
