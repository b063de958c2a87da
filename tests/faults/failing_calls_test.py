"""A call that fails ends the run with one clear error, and the same command goes on; what passes by itself is carried
on."""

import itertools
import unittest

from disturbed_runs import DisturbedTest
from support.faults import Fault

REASONS = {"ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded", "EIO": "Input/output error",
           "end": "the file ends after"}


class FailingCallsTest(DisturbedTest):
    def fails(self, fault, ranks=None):
        output = self.folder / f"{fault} on {ranks}"
        done = self.run_in(output, fault, ranks)
        if done.faults:
            self.tally[f"{fault.calls} with {fault.kind}"] += 1
            self.one_error(done, f"{self.model if fault.calls == 'reads' else self.folder}.*{REASONS[fault.kind]}")
        self.finish(output, ranks)

    def passes(self, fault, ranks=None):
        output = self.folder / f"{fault} on {ranks}"
        done = self.run_in(output, fault, ranks)
        self.tally[f"{fault.calls} with {fault.kind}"] += len(done.faults)
        self.assertEqual(done.returncode, 0, f"{fault} {done.stderr}")
        self.assertNotIn("error:", done.stderr)
        self.assert_as_undisturbed(output)

    def at_each(self, check, kinds, calls, every, ranks=None, rank=0):
        self.in_parallel(lambda kind, at: check(Fault(kind, at, calls, rank), ranks),
                         itertools.product(kinds, self.chosen_calls(calls, every)))

    def test_writes_that_fail(self):
        self.at_each(self.fails, ("ENOSPC", "EDQUOT", "EIO"), "writes", every=3)

    def test_writes_that_fail_on_two_ranks(self):
        self.at_each(self.fails, ("ENOSPC", "EDQUOT", "EIO"), "writes", every=8, ranks=2)

    def test_writes_that_are_interrupted_or_short(self):
        self.at_each(self.passes, ("EINTR", "short"), "writes", every=2)

    def test_reads_that_fail(self):
        self.at_each(self.fails, ("EIO", "end"), "reads", every=1)

    def test_reads_that_fail_on_the_second_rank(self):
        self.at_each(self.fails, ("EIO", "end"), "reads", every=2, ranks=2, rank=1)

    def test_reads_that_are_interrupted_or_short(self):
        self.at_each(self.passes, ("EINTR", "short"), "reads", every=1)


if __name__ == "__main__":
    unittest.main()
