"""However a run dies at a write, the same command goes on: no finished layer is lost or computed twice."""

import itertools
import unittest

import h5py

from disturbed_runs import ALL, JOURNAL, TABLES, DisturbedTest
from support.faults import Fault
from support.journal_frames import RECORD, frames, read_journal
from support.programs import STORE

KINDS = ("whole", "half", "unsynced")
SYNCS, MOVE_NOTHING = ("fsync", "fdatasync"), ("rename", "ftruncate", "ftruncate64")


class CrashTest(DisturbedTest):
    def crash(self, fault, output, ranks, variables):
        """A run that dies. @return whether it came so far"""
        before = self.records(output)
        done = self.run_in(output, fault, ranks, **variables)
        if not done.faults:
            self.assertEqual(done.returncode, 0, done.stderr)
            return False
        self.assertNotIn(done.returncode, (0, 1), done.stderr)
        after = read_journal(output / JOURNAL)
        synced = [int(size) for call, path, size in done.calls if call == "fdatasync" and path.endswith(JOURNAL)]
        self.assert_kept(before, after.records, fault)
        self.assertGreaterEqual(after.end, max(synced, default=0), fault)
        self.check_derived_files(output)
        self.tally["crash points"] += 1
        return True

    def check_derived_files(self, output):
        """Where they are, they are whole."""
        if (output / STORE).exists():
            with h5py.File(output / STORE) as file:
                self.assertEqual(len(file["layers/name"]), self.layers)
        for name in TABLES:
            if (output / name).exists():
                self.assertEqual((output / name).read_bytes(), (self.undisturbed / name).read_bytes())

    def crash_and_finish(self, kind, calls, ranks=None, **variables):
        """Dies at call calls[0]; the same command then dies at call calls[1], and so on; at last it completes."""
        output = self.folder / f"{kind} {calls[0]} on {ranks} {len(calls)}"
        all(self.crash(Fault(kind, at), output, ranks, variables) for at in calls)
        self.finish(output, ranks, **variables)

    def crashes(self, calls, ranks, variables):
        """(kind, number of a call), without those that leave the state of another: a sync that is left out or loses
        what was not synced; half of a call that moves no bytes, which is the one before; and writes to one file without
        a sync between them, which are lost together. With ALPHAHILL_ALL_FAULTS all of them."""
        traced = self.run_in(self.folder / "of crashes", Fault("", 0), ranks, **variables).calls
        names = {at: tuple(call[:2]) for at, call in enumerate(traced, 1)}

        def is_of_another(kind, at):
            call = names.get(at, ("", ""))
            if call[0] in SYNCS:
                return kind != "whole"
            return at - 1 in calls and (kind == "half" and call[0] in MOVE_NOTHING or
                                        kind == "unsynced" and call == names.get(at - 1))
        return [(kind, at) for kind, at in itertools.product(KINDS, calls) if ALL or not is_of_another(kind, at)]

    def at_each(self, calls, ranks=None, **variables):
        self.in_parallel(lambda kind, at: self.crash_and_finish(kind, [at], ranks, **variables),
                         self.crashes(calls, ranks, variables))

    def test_every_record_is_synced_before_anything_else_is_done(self):
        output = self.folder / "traced"
        calls = self.run_in(output, Fault("", 0)).calls
        ends = {end for kind, _, end in frames(output / JOURNAL) if kind == RECORD}
        self.assertEqual(len(ends), self.layers)
        for (call, path, size), (next_call, next_path, _) in itertools.pairwise(calls):
            if path.endswith(JOURNAL) and call == "pwrite" and int(size) in ends:
                self.assertEqual((next_call, next_path), ("fdatasync", path))
                ends.remove(int(size))

    def test_one_rank(self):
        self.at_each(self.chosen_calls())

    def test_two_ranks(self):
        self.at_each(self.chosen_calls(every=2), ranks=2)

    def test_crash_upon_crash(self):
        """At a call that is so far from the start that each run finishes a layer: one that is in progress in three
        crashes is set aside. From the second run that dies there on, what is on disk is the same."""
        times = 8 if ALL else 3
        self.in_parallel(lambda kind, at: self.crash_and_finish(kind, [at] * times),
                         itertools.product(KINDS, [at for at in self.chosen_calls() if at >= 15]))

    def test_without_file_locks(self):
        after_the_lock = 2
        self.at_each([at for at in self.chosen_calls(every=8) if at >= after_the_lock], FAULTS_FLOCK="unsupported")


if __name__ == "__main__":
    unittest.main()
