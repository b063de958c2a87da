"""Runs the programs as a user does, and reads what they write."""

import csv
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ALPHAHILL_BIN", REPOSITORY / "build/release/bin"))
MPIEXEC = os.environ.get("ALPHAHILL_MPIEXEC", "mpirun")
ENVIRONMENT = os.environ | dict(
    line.split("=", 1) for line in (REPOSITORY / "tools/mpi-environment").read_text().split("\n") if line[:1].isupper())
RESULTS = "precision_alpha_hill_results.csv"
STATISTICS = "precision_summary_statistics.csv"
SENSITIVITY = "precision_sensitivity.csv"
METRICS = "spectral_metrics.csv"
STORE = "alpha_hill.h5"


def command(program, *arguments, ranks=None):
    """The command line; `ranks` None is a process without mpirun."""
    launcher = [] if ranks is None else [MPIEXEC, "-n", str(ranks)]
    return [*launcher, str(BIN / program), *map(str, arguments)]


def quick_environment(ranks):
    """Of small runs the start of MPI takes most of the time: without a search for GPUs and networks, and where no
    mpirun starts the process, without a daemon and its folder in /tmp. ENVIRONMENT alone is that of users."""
    alone = {"OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_orte_create_session_dirs": "0"}
    return ENVIRONMENT | (alone if ranks is None else {}) | {
        "HWLOC_COMPONENTS": "-opencl,-gl,-pci", "OMPI_MCA_btl": "self,vader", "OMPI_MCA_pml": "ob1"}


def run(program, *arguments, ranks=None, timeout=120, environment=None, cwd=None):
    return subprocess.run(command(program, *arguments, ranks=ranks), env=quick_environment(ranks) | (environment or {}),
                          timeout=timeout, stdin=subprocess.DEVNULL, cwd=cwd, capture_output=True, text=True,
                          errors="replace")


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own."""
    folder_in = None  # where temporary files go

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="alphahill-", dir=self.folder_in)
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def succeed(self, program, *arguments, **keywords):
        done = run(program, *arguments, **keywords)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def analyse(self, model, output, *options, **keywords):
        """Runs alpha-hill and returns the rows of its table; plots are SVG, which takes the least time."""
        self.succeed("alpha-hill", "--model", model, "--output-dir", output, "--individual-plots", "never",
                     "--plot-format", "svg", *options, **keywords)
        return read_csv(Path(output) / RESULTS)
