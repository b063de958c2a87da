"""Patience, memory and layers that bring a run down."""

import os
import re
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from support.models import model_of
from support.programs import ENVIRONMENT, STORE, ProgramTest, command, run
from support.results_files import read_table

ORDER = 2600  # a layer of some seconds
# Magic, kind, size and checksum, the version of the record, the layer, and what became of it.
LAYER_BEGUN = re.compile(rb"\xA1HFR\x03.{8}\x05\x00.{8}\x01", re.DOTALL)
MOST_SECONDS_TO_BEGIN = 60
STOPPED_EARLY = 75


class LimitsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(1)
        matrices = [random.standard_normal((order, order)).astype(np.float32) for order in (ORDER, 40)]
        self.output = self.folder / "results"
        self.options = ["--model", model_of(matrices).write(self.folder / "model"), "--output-dir", self.output,
                        "--no-report"]

    def wait_for_a_layer_after(self, begun):
        end = time.monotonic() + MOST_SECONDS_TO_BEGIN
        while self.layers_begun() == begun:
            self.assertLess(time.monotonic(), end, "no layer is begun")
            time.sleep(0.01)

    def signalled_in_the_large_layer(self, with_signal, *more):
        """Starts a run, waits until it computes, and sends the signal. @return exit code and standard error"""
        before = self.layers_begun()
        with subprocess.Popen(command("alpha-hill", *self.options, *more), env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            self.wait_for_a_layer_after(before)
            time.sleep(0.1)
            os.kill(process.pid, with_signal)
            return process.wait(timeout=60), process.stderr.read()

    def test_a_second_interrupt_ends_the_run_at_once_and_the_same_command_goes_on(self):
        with subprocess.Popen(command("alpha-hill", *self.options), env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            self.wait_for_a_layer_after(0)
            process.send_signal(signal.SIGINT)
            self.assertTrue(any("stopping" in line for line in process.stderr))
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=60), -signal.SIGINT)
        self.assertFalse((self.output / STORE).exists())
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_more_memory_than_the_node_has_is_warned_of(self):
        asked = self.succeed("alpha-hill", *self.options, "--memory-per-rank", "1000T").stderr
        self.assertRegex(asked, r"warning --memory-per-rank: 1000\.0 TiB is more than a rank's share of its node, ")

    def layers_begun(self):
        journal = self.output / "alpha_hill.journal"
        return len(LAYER_BEGUN.findall(journal.read_bytes())) if journal.exists() else 0

    def rows(self):
        with h5py.File(self.output / STORE) as file:
            return read_table(file, "results")

    def test_a_layer_that_brings_the_run_down_twice_is_set_aside(self):
        for _ in range(2):
            code, _ = self.signalled_in_the_large_layer(signal.SIGSEGV)
            self.assertEqual(code, -signal.SIGSEGV)
        self.succeed("alpha-hill", *self.options)
        large, small = self.rows()[:3], self.rows()[3:]
        self.assertEqual({(row["status"], row["reason"]) for row in large}, {("failed", "crashed the run twice")})
        self.assertEqual({row["status"] for row in small}, {"ok"})

    def test_a_layer_in_progress_at_three_kills_is_set_aside(self):
        for _ in range(3):
            self.signalled_in_the_large_layer(signal.SIGKILL)
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["reason"] for row in self.rows()[:3]},
                         {"was being computed three times when the run was killed"})

    def test_the_crash_of_one_layer_does_not_count_against_another(self):
        for _ in range(3):
            self.signalled_in_the_large_layer(signal.SIGKILL)
        (self.output / "alpha_hill.crashed.2").touch()  # as a second rank would have left it, the last time
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_crash_notes_that_make_no_sense_count_against_no_layer(self):
        self.output.mkdir()
        for name in ("0", "-1", "3", "99999999999999999999", "x", ""):
            (self.output / f"alpha_hill.crashed.{name}").touch()
        (self.output / "alpha_hill.crashed.1/not a note").mkdir(parents=True)
        for _ in range(3):
            done = self.succeed("alpha-hill", *self.options)
        self.assertEqual(done.stderr.count("crash notes that cannot be removed do not count"), 1, done.stderr)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_limits_that_make_no_sense_are_none(self):
        done = self.succeed("alpha-hill", *self.options, ranks=2, environment={
            "SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": "1000000000", "SLURM_MEM_PER_NODE": "-5"})
        warnings = [line for line in done.stderr.splitlines() if "warning" in line]
        self.assertEqual(sum("SLURM_MEM_PER_NODE is '-5'" in line for line in warnings), 1, done.stderr)
        self.assertEqual(sum("SLURM_JOB_END_TIME is '1000000000': no limit is assumed" in line for line in warnings), 1)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_a_layer_past_its_deadline_ends_the_run_with_one_error(self):
        done = run("alpha-hill", *self.options, "--layer-timeout", "0", "--grace", "0")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(re.findall("error:", done.stderr)), 1, done.stderr)
        self.assertRegex(done.stderr,
                         r"error: rank 0: model\.layers\.0\.mlp\.up_proj is not done after .*layer-timeout")
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"}, "once is not twice")

    def test_without_grace_a_signal_ends_the_run_at_once_with_results(self):
        code, errors = self.signalled_in_the_large_layer(signal.SIGTERM, "--grace", "0")
        self.assertEqual(code, STOPPED_EARLY, errors)
        self.assertTrue((self.output / STORE).exists())
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_with_grace_the_running_layer_is_finished(self):
        code, errors = self.signalled_in_the_large_layer(signal.SIGUSR1, "--grace", "30")
        self.assertEqual(code, STOPPED_EARLY, errors)
        self.assertEqual([row["layer"] for row in self.rows()], [1, 1, 1])

    def test_a_layer_that_does_not_fit_is_recorded_with_what_it_needs(self):
        self.succeed("alpha-hill", *self.options, "--memory-per-rank", "160M")
        reasons = {row["layer"]: row["reason"] for row in self.rows()}
        self.assertRegex(reasons[1], r"needs \d+\.\d MiB of memory, a rank has 160\.0 MiB \(--memory-per-rank\)")
        self.assertEqual(reasons[2], "")

    def test_a_run_without_any_figure_fails_with_the_commonest_reason_and_the_next_run_goes_on(self):
        done = run("alpha-hill", *self.options, "--memory-per-rank", "131073K")
        self.assertEqual(done.returncode, 1, done.stderr)
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertRegex(errors[0], r"no layer has a figure; 2 of 2 layers: for example, failed: needs .* of memory")
        self.assertEqual({row["status"] for row in self.rows()}, {"failed"})
        self.succeed("alpha-hill", *self.options)
        self.assertEqual({row["status"] for row in self.rows()}, {"ok"})

    def test_after_a_stop_under_a_launcher_the_last_line_explains_what_that_says(self):
        with subprocess.Popen(command("alpha-hill", *self.options, "--grace", "0", ranks=1), env=ENVIRONMENT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            self.wait_for_a_layer_after(0)
            process.send_signal(signal.SIGUSR1)
            self.assertEqual(process.wait(timeout=60), STOPPED_EARLY)
            ours = [line for line in process.stderr.read().splitlines() if " warning " in line]
        self.assertRegex(ours[-1], "launcher .* aborted job is expected: exit code 75")
        _, alone = self.signalled_in_the_large_layer(signal.SIGUSR1, "--grace", "0")
        self.assertNotIn("launcher", alone)


if __name__ == "__main__":
    unittest.main()
