"""Two runs in one folder at once: the second is told who holds it."""

import os
import re
import signal
import unittest

from disturbed_runs import DisturbedTest

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


if __name__ == "__main__":
    unittest.main()
