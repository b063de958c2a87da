"""Python packages that only a comparison needs, in an environment of their own under build/benchmark."""

import subprocess
import sys

from benchmarks.programs import WORK, run


class Unavailable(Exception):
    """Says why there is no figure."""


def python_with(*packages):
    """The interpreter of an environment that has them; it is made, and they are fetched, where they are not there.

    @throws Unavailable
    """
    python = WORK / "python/bin/python"
    if not python.exists():
        run(sys.executable, "-m", "venv", WORK / "python")
    if quietly(python, "-c", f"import {', '.join(packages)}").returncode == 0:
        return python
    print(f"Fetching {', '.join(packages)} ...", file=sys.stderr)
    installed = quietly(python, "-m", "pip", "install", *packages)
    if installed.returncode != 0:
        raise Unavailable(f"no {', '.join(packages)}: {installed.stderr.strip().splitlines()[-1]}")
    return python


def quietly(*command):
    return subprocess.run(command, capture_output=True, text=True)
