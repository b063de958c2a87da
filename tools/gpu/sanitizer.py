"""The kernels under the tools of compute-sanitizer. Each has to find a fault that was made for it first: one that is
given no kernel reports no error either.

All but memcheck are slow, and report what the libraries do in kernels of their own: they see those of alphahill alone.
"""

import glob
import os
import shutil

from gpu.check import CutOff, NotRun
from gpu.gpu_tests import run_tests
from gpu.running import words_of

PLANTED = {"memcheck": "out_of_bounds", "racecheck": "race", "initcheck": "uninitialized", "synccheck": "barrier"}
CALLS_THAT_FAIL_ARE_CHECKED = ("--report-api-errors", "no")
OUR_KERNELS = ("--kernel-name", "kernel_substring=alphahill")
FOUND = 9  # the exit code that says that an error was found
# All tests but those that provoke errors of the device.
TESTS = "-*AllocatingMore*:GpuLost.*"


def sanitizer():
    places = os.pathsep.join([os.environ.get("PATH", ""), *glob.glob("/usr/local/cuda*/bin"),
                              *glob.glob("/usr/local/cuda*/compute-sanitizer")])
    found = shutil.which("compute-sanitizer", path=places)
    if not found:
        raise NotRun("compute-sanitizer is not there")
    return found


def check_tool(work, command, tool, seconds):
    fault = PLANTED[tool]
    begun = work.left()
    planted = [*command, work.program("alpha-hill-gpu-planted-faults"), fault]
    code = work.run(planted, seconds=seconds)
    if code != FOUND:
        work.found(f"{tool}, planted {fault}", "not believed", why=f"the planted fault was not found: {words_of(code)}")
        return
    work.found(f"{tool}, planted {fault}", "passed")
    cases = run_tests(work, TESTS, command, seconds - (begun - work.left()), tool=tool)
    if cases.code == FOUND:
        work.found(tool, "failed", why="errors, in sanitizer.stderr")
    elif cases.unexplained:
        work.found(tool, "failed", why=cases.unexplained)
    elif not cases.failed:
        work.found(tool, "passed")


def check_sanitizer(work):
    program = sanitizer()
    for i, tool in enumerate(PLANTED):
        kernels = CALLS_THAT_FAIL_ARE_CHECKED if tool == "memcheck" else OUR_KERNELS
        share = work.left() / (len(PLANTED) - i)
        try:
            check_tool(work, [program, "--tool", tool, "--error-exitcode", FOUND, *kernels], tool, share)
        except CutOff:
            work.found(tool, "cut off", why=f"after {share:.0f} s")
