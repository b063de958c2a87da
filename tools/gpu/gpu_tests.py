"""The tests of the GPU backend (test_gpu), a case a line as it ends. One that was skipped has not passed."""

import re

from gpu.check import CutOff
from gpu.running import words_of
from gpu.whole_runs import check_runs

CASTS = "Gpu.Casts*"
LOST = "GpuLost.*"  # afterwards the process can use no device
NO_CASES = 77  # as where there is no GPU
ENDS = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
BEGUN = re.compile(rb"\[ RUN      \] (\S+)$")
ENDED = re.compile(rb"\[ +(OK|FAILED|SKIPPED) +\] ([^\s,]+).* \((\d+) ms\)$")


class Cases:
    """Takes GoogleTest's lines."""

    def __init__(self, work, **fields):
        self.work = work
        self.fields = fields
        self.running = None
        self.ended = 0
        self.failed = False
        self.code = None  # that the program ends with
        self.unexplained = ""  # what of its end the cases do not say

    def take(self, line):
        if begun := BEGUN.match(line):
            self.running = begun[1].decode()
        elif (ended := ENDED.match(line)) and self.running == ended[2].decode():
            self.end(ENDS[ended[1].decode()], seconds=int(ended[3]) / 1000)
        else:
            self.work.copy(line)

    def end(self, state, **fields):
        self.work.found(self.running, state, **self.fields | fields)
        self.ended += 1
        self.failed = self.failed or state != "passed"
        self.running = None

    def explain(self, code):
        """How the program ended."""
        if self.running:
            self.end("failed", why=words_of(code))
            return
        self.code = code
        if code == NO_CASES or (code == 0 and self.ended == 0):
            self.unexplained = "no case has run"
        elif code != 0 and not (code == 1 and self.failed):
            self.unexplained = words_of(code)


def run_tests(work, test_filter, before=(), seconds=None, **fields):
    """@param before  the command that runs the program
    @return the cases
    @throws CutOff, when the case that was running has been named"""
    cases = Cases(work, **fields)
    try:
        cases.explain(
            work.run([*before, work.program("test_gpu"), f"--gtest_filter={test_filter}"], cases.take, seconds))
    except CutOff:
        if cases.running:
            cases.end("cut off")
        raise
    return cases


def check_tests(work, test_filter):
    cases = run_tests(work, test_filter)
    if cases.unexplained:
        work.found(f"test_gpu {test_filter}", "failed", why=cases.unexplained)


def check_casts(work):
    check_tests(work, CASTS)


def check_figures(work):
    check_tests(work, f"-{CASTS}:{LOST}")
    check_tests(work, LOST)
    if (work.check.options.bin / "alpha-hill").exists():
        check_runs(work)
