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
        self.running = None

    def break_off(self, state, **fields):
        """The case that was running, if any."""
        if self.running:
            self.end(state, **fields)



def run_tests(work, test_filter, before=(), seconds=None, **fields):
    """@param before  the command that runs the program
    @return its exit code: 0 or 1 where the cases say everything
    @throws CutOff, when the case that was running has been named"""
    cases = Cases(work, **fields)
    try:
        code = work.run([*before, work.program("test_gpu"), f"--gtest_filter={test_filter}"], cases.take, seconds)
    except CutOff:
        cases.break_off("cut off")
        raise
    cases.break_off("failed", why=words_of(code))
    return code if cases.ended or code != 0 else NO_CASES


def check_tests(work, test_filter):
    code = run_tests(work, test_filter)
    if code not in (0, 1):
        why = "no case has run" if code == NO_CASES else words_of(code)
        work.found(f"test_gpu {test_filter}", "failed", why=why)


def check_casts(work):
    check_tests(work, CASTS)


def check_figures(work):
    check_tests(work, f"-{CASTS}:{LOST}")
    check_tests(work, LOST)
    if (work.check.options.bin / "alpha-hill").exists():
        check_runs(work)
