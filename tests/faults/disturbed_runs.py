"""Runs of alpha-hill in which a call fails or a process dies, and what they must leave behind."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from support.faults import NO_FAULT, Fault, stop_after
from support.journal_frames import read_journal
from support.models import model_of
from support.processes import is_stopped
from support.programs import RESULTS, SENSITIVITY, STATISTICS, ProgramTest, command, quick_environment, run

ALL = "ALPHAHILL_ALL_FAULTS" in os.environ  # else a part that takes some minutes
JOURNAL = "alpha_hill.journal"
TABLES = (RESULTS, STATISTICS, SENSITIVITY)
HANGS_AFTER = 300  # seconds, for runs of one: disks of busy machines take their time to sync


def in_memory():
    """A folder whose files are synced at once, however busy the disk is; None where it has no room."""
    memory, needed = Path("/dev/shm"), 4 * 2**30
    return memory if memory.is_dir() and shutil.disk_usage(memory).free >= needed else None


class DisturbedTest(ProgramTest):
    """A test with a model of equal layers and what an undisturbed run makes of it."""
    folder_in = in_memory()
    layers = 12  # of which ten make a plot
    shape = (12, 16)

    @classmethod
    def setUpClass(cls):
        cls.tally = Counter()

    @classmethod
    def tearDownClass(cls):
        print(", ".join(f"{count} {what}" for what, count in cls.tally.items()))

    def setUp(self):
        super().setUp()
        self.model = self.write_model("model", seed=1)
        self.undisturbed = self.folder / "undisturbed"
        self.assertEqual(self.run_in(self.undisturbed).returncode, 0)

    def write_model(self, name, seed):
        values = np.random.default_rng(seed)
        return model_of([values.standard_t(3, self.shape).astype(np.float32) for _ in range(self.layers)]).write(
            self.folder / name)

    def options(self, output):
        """Plots are files like others in any format, and SVG takes the least time."""
        return ["--model", self.model, "--output-dir", output, "--individual-plots", "never", "--plot-format", "svg"]

    def mpi_settings(self):
        """What a killed MPI process leaves goes with the test's folder."""
        left_behind = tempfile.mkdtemp(prefix="mpi-", dir=self.folder)
        return {"OMPI_MCA_odls_base_sigkill_timeout": "0", "OMPI_MCA_orte_tmpdir_base": left_behind,
                "OMPI_MCA_btl_vader_backing_directory": left_behind}

    def run_in(self, output, fault=NO_FAULT, ranks=None, **variables):
        """Runs to the end or the fault. The result has `faults`, those that came, and `calls`, those that succeeded."""
        trace = self.folder / f"{output.name}.trace"
        trace.unlink(missing_ok=True)
        folder = output if fault.calls == "writes" else self.model
        done = run("alpha-hill", *self.options(output), ranks=ranks, timeout=HANGS_AFTER,
                   environment=self.mpi_settings() | fault.environment(folder, trace) | variables)
        lines = [line.split("\t") for line in trace.read_text().splitlines()] if trace.exists() else []
        done.faults = [line[1:] for line in lines if line[0] == "fault"]
        done.calls = [line for line in lines if line[0] != "fault"]
        return done

    def stopped_run(self, output, **variables):
        """A run that has stopped when its first layer was done; it is killed after the test."""
        fault = stop_after(1).environment(output / JOURNAL)
        environment = quick_environment(None) | self.mpi_settings() | fault | variables
        process = self.enterContext(subprocess.Popen(
            command("alpha-hill", *self.options(output)), env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE))
        self.addCleanup(process.kill)
        while not is_stopped(process.pid):
            self.assertIsNone(process.poll(), "the run ended before it was stopped")
            time.sleep(0.005)
        return process

    def chosen_calls(self, calls="writes", every=1):
        """Numbers of calls of an undisturbed run: every so many of those that begin or end a stretch of one call on one
        file, and a fourth as many of those within, such as the dozens of writes that an HDF5 file takes: they leave
        the same state behind. All of them with ALPHAHILL_ALL_FAULTS."""
        done = self.run_in(self.folder / f"counted {calls}", Fault("", 0, calls))
        targets = [tuple(call[:2]) for call in done.calls]
        numbers = range(1, len(targets) + 1)
        if ALL:
            return list(numbers)
        neighbours = zip([None, *targets], targets, [*targets[1:], None])
        within = [number for number, of_one in zip(numbers, neighbours) if len(set(of_one)) == 1]
        edges = sorted(set(numbers).difference(within))
        return sorted([*edges[::every], *within[::4 * every]])

    def in_parallel(self, function, arguments):
        """Calls it on all cores; the first failure is raised."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda each: function(*each), list(arguments)):
                pass

    def records(self, output):
        return read_journal(output / JOURNAL).records

    def one_error(self, done, pattern):
        """The run has failed in order, with one error that says so."""
        self.assertEqual(done.returncode, 1, done.stderr)
        errors = re.findall("^alpha-hill: error: .*", done.stderr, re.MULTILINE)
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertRegex(errors[0], pattern)
        self.assertNotRegex(done.stderr, "terminate called|[Ss]egmentation|[Ss]ignal")

    def assert_kept(self, before, after, context):
        """Every record is as it was, and no layer has a second one."""
        lost = [layer for layer, records in before.items() if after.get(layer, [])[:1] != records]
        twice = [layer for layer, records in after.items() if len(records) > 1]
        self.tally.update({"records lost": len(lost), "layers computed twice": len(twice)})
        self.assertEqual((lost, twice), ([], []), context)

    def finish(self, output, ranks=None, **variables):
        """The same command completes: records are kept, the rest is computed, and the tables are those of an
        undisturbed run."""
        before = self.records(output)
        done = self.run_in(output, ranks=ranks, **variables)
        self.assertEqual(done.returncode, 0, f"{output} {done.stderr}")
        after = self.records(output)
        self.assert_kept(before, after, output)
        self.assertEqual(set(after), set(range(1, self.layers + 1)), output)
        self.assert_as_undisturbed(output)

    def assert_as_undisturbed(self, output):
        for name in TABLES:
            self.assertEqual((output / name).read_bytes(), (self.undisturbed / name).read_bytes(), output)
