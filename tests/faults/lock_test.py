"""Two runs in one folder at once: the second is told who holds it, and so is who asks how far the run is."""

import os
import re
import signal
import unittest

from disturbed_runs import DisturbedTest
from support.faults import Fault

LOCK = "alpha_hill.lock"
UNSUPPORTED = {"FAULTS_FLOCK": "unsupported"}


class LockTest(DisturbedTest):
    layers = 6
    shape = (700, 700)

    def held_folder(self, **variables):
        """A folder that a run is using, which is stopped in its middle, and that run."""
        output = self.folder / "results"
        return output, self.stopped_run(output, **variables)

    def refused_and_then_taken_over(self, **variables):
        output, process = self.held_folder(SLURM_JOB_ID="100", **variables)
        self.one_error(self.run_in(output, **variables), rf"{output}/{LOCK}: another run is using this folder: "
                       rf"pid {process.pid} on {re.escape(os.uname().nodename)}, Slurm job 100, since 2\d\d\d-")
        self.assertIsNone(process.poll(), "the first run is not disturbed")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.finish(output, **variables)
        self.assertFalse((output / LOCK).exists())

    def test_a_second_run_is_told_who_holds_the_folder_and_a_killed_one_is_followed(self):
        self.refused_and_then_taken_over()

    def test_the_same_without_file_locks(self):
        self.refused_and_then_taken_over(**UNSUPPORTED)

    def test_a_lock_that_another_machine_left_says_how_to_go_on(self):
        output, process = self.held_folder()
        process.send_signal(signal.SIGKILL)
        process.wait()
        lock = output / LOCK
        lock.write_text(re.sub("^(host|boot) .*$", r"\1 elsewhere", lock.read_text(), flags=re.MULTILINE))
        self.one_error(self.run_in(output), f"{lock}: .*on elsewhere.*remove this file and run the same command again")
        lock.unlink()
        self.finish(output)

    def status(self, output):
        return self.succeed("alpha-hill-report", "--status", output).stdout

    def done_by_status(self, output):
        return int(re.search(r"^layers +(\d+) of 6 done", self.status(output), re.MULTILINE)[1])

    def test_status_tells_a_run_that_goes_on_from_one_that_was_killed(self):
        output, process = self.held_folder()
        who = rf"pid {process.pid} on {re.escape(os.uname().nodename)}, since .* UTC"
        self.assertRegex(self.status(output), rf"(?m)^state +running: {who}; last record \S+ ago$")
        self.assertIn("time left", self.status(output))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertRegex(self.status(output), rf"(?m)^state +lost: {who}, ended without a word; last record ")
        self.assertNotIn("time left", self.status(output))

    def test_counts_of_a_resumed_run_agree_between_log_status_and_report(self):
        output, process = self.held_folder()
        for sent in (signal.SIGUSR1, signal.SIGCONT):
            process.send_signal(sent)
        _, log = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, log)
        done = self.done_by_status(output)
        self.assertRegex(self.status(output), r"(?m)^state +stopped \(75\); last record ")
        self.assertIn(f"stopped early: {done} of 6 layers done", log)
        report = self.succeed("alpha-hill-report", output / "alpha_hill.h5", "--output-dir", self.folder / "report")
        self.assertIn(f"left out: {6 - done} layers that the run has not finished", report.stderr)
        log = self.run_in(output).stderr
        self.assertIn(f"{done} of 6 layers already done", log)
        self.assertIn("6/6 layers  100%", log)
        self.assertRegex(self.status(output), r"6 of 6 done, 100% of the work\ncomplete\n")

    def test_status_of_a_run_that_failed_has_its_error(self):
        output = self.folder / "results"
        self.one_error(self.run_in(output, Fault("EIO", 8)), "Input/output error")
        self.assertRegex(self.status(output), r"(?m)^state +failed \(1\): .*Input/output error.*; last record ")


if __name__ == "__main__":
    unittest.main()
