"""All processes of a run killed at random moments, until it is done."""

import itertools
import random
import subprocess
import time
import unittest
from pathlib import Path

from disturbed_runs import ALL, DisturbedTest
from support.processes import descendants, kill
from support.programs import command, quick_environment

ROUNDS = 20 if ALL else 10  # each of some six kills
RANKS = 2


def kill_all(process):
    """With SIGKILL, the launcher first, so that it cannot tell the ranks."""
    family = [process.pid, *descendants(process.pid)]
    kill(family)
    process.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in family[1:]):
        time.sleep(0.01)


class KillTest(DisturbedTest):
    layers = 150
    shape = (60, 90)

    def until_done(self, output, moments):
        """@return how often it was killed"""
        for kills in itertools.count():
            before = self.records(output)
            with subprocess.Popen(command("alpha-hill", *self.options(output), ranks=RANKS),
                                  env=quick_environment(RANKS) | self.mpi_settings(), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True) as process:
                try:
                    _, errors = process.communicate(timeout=next(moments))
                    self.assertEqual(process.returncode, 0, errors)
                    return kills
                except subprocess.TimeoutExpired:
                    kill_all(process)
                    self.tally["kills"] += 1
            after = self.records(output)
            self.assert_kept(before, after, output)

    def seconds_undisturbed(self, output):
        start = time.monotonic()
        self.run_in(output, ranks=RANKS)
        return time.monotonic() - start

    def test_until_done(self):
        randomly = random.Random(1)
        number = itertools.count()
        while self.tally["rounds with kills"] < ROUNDS:
            output = self.folder / f"round {next(number)}"
            # Other work on the machine may begin or end meanwhile.
            longest = 1.2 * self.seconds_undisturbed(Path(f"{output}, timed"))
            kills = self.until_done(output, iter(lambda: randomly.uniform(0, longest), None))
            self.finish(output)
            self.tally["rounds with kills"] += min(kills, 1)


if __name__ == "__main__":
    unittest.main()
