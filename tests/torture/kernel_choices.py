"""The kernels that alpha-hill can be made to run with: our own by vector level, those of OpenBLAS by processor."""

import os
import re
from itertools import product
from pathlib import Path

from support.programs import run

LEVEL, CORE = "ALPHAHILL_VECTOR_LEVEL", "OPENBLAS_CORETYPE"
AVX2 = {"avx2", "fma"}
# From narrow to wide; what a processor must have for each, as /proc/cpuinfo names it.
LEVELS = {"baseline": set(), "avx2": AVX2, "avx512": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}
CORES = {"Haswell": AVX2, "Zen": AVX2, "Sandybridge": {"avx"}}
OWN_CORE = ""  # OpenBLAS then takes this machine's


def processor_features():
    flags = re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return set(flags[1].split()) if flags else set()


def is_openblas_core(core):
    """Does OpenBLAS choose it when told to? It names the one chosen."""
    done = run("alpha-hill", "--version", environment={CORE: core, "OPENBLAS_VERBOSE": "2"})
    return f"Core: {core}\n" in done.stdout + done.stderr


def usable(variable, values):
    """Those that run here; says which do not."""
    features = processor_features()
    for value, needed in values.items():
        if missing := needed - features:
            print(f"torture: {variable}={value} is skipped: this processor lacks {', '.join(sorted(missing))}")
        elif variable == CORE and not is_openblas_core(value):
            print(f"torture: {variable}={value} is skipped: this OpenBLAS does not choose it")
        else:
            yield value


def other_choices():
    """Environment variables of every pair of kernels but the one in use without them."""
    levels = list(usable(LEVEL, LEVELS))
    cores = [OWN_CORE, *usable(CORE, CORES)]
    in_use = (os.environ.get(LEVEL) or levels[-1], os.environ.get(CORE, OWN_CORE))
    return [{LEVEL: level, CORE: core} for level, core in product(levels, cores) if (level, core) != in_use]
