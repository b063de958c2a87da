#!/usr/bin/env python3
"""Packs programs of a build, the libraries that they load and tools/check-gpu into an archive that runs on a machine
with libc, python3 and CUDA's libraries:

    carry.py --bin DIR [--largest-mib N] [--level 0 ... 9] ARCHIVE.tar.xz PROGRAM...

Libraries of libc and CUDA are the target's. Where a program needs MPI, it is Open MPI, whose plugins are carried too:
those that need no library besides, which are enough for one process.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOOLS))
sys.dont_write_bytecode = True

from gpu.libraries import BACKEND, loaded  # noqa: E402

FOLDER = "alphahill-gpu-check"
SCRIPTS = ("check-gpu", "mpi-environment", "benchmarks/torch_cuda.py",
           *(f"gpu/{path.name}" for path in (TOOLS / "gpu").glob("*.py") if path.name != "carry.py"))
OF_THE_TARGET = re.compile(r"(ld-linux.*|linux-vdso|lib(c|m|dl|pthread|rt|util|resolv|anl|mvec)"
                           r"|lib(cuda|cudart|cublas|cublasLt|cusolver|cusparse|nvJitLink))\.so(\.|$)")


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"carry.py: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def libraries_of(*programs):
    """Paths by name of all that they load and the target has not."""
    libraries = {}
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    try:
        for program in programs:
            libraries |= loaded(program, folders)
    except OSError as error:
        sys.exit(f"carry.py: {error}")
    libraries = {name: path for name, path in libraries.items() if not OF_THE_TARGET.match(name)}
    absent = [name for name, path in libraries.items() if path is None]
    if absent:
        sys.exit(f"carry.py: not found: {' '.join(absent)}")
    return libraries


def mpi_plugins(libraries):
    folder = output_of("ompi_info", "--parsable", "--path", "pkglibdir").strip().removeprefix("path:pkglibdir:")
    return [path for path in Path(folder).glob("mca_*.so") if libraries_of(path).keys() <= libraries.keys()]


def copy(path, place):
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def collect(folder, bin_folder, programs):
    carried = [bin_folder / name for name in (BACKEND, *programs)]
    libraries = libraries_of(*carried)
    for path in carried:
        copy(path, folder / "bin" / path.name)
    for name, path in libraries.items():
        copy(path, folder / "lib" / name)
    if any(name.startswith("libmpi.so") for name in libraries):
        for path in mpi_plugins(libraries):
            copy(path, folder / "lib/openmpi" / path.name)
    for name in SCRIPTS:
        copy(TOOLS / name, folder / name)
    (folder / "source").write_text(output_of("git", "-C", TOOLS, "describe", "--always", "--dirty"))


def readable_by_all(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.isdir():
        entry.mode = 0o755
    return entry


def pack(folder, archive, level):
    with tarfile.open(archive, "w:xz", preset=level) as tar:
        tar.add(folder, FOLDER, filter=readable_by_all)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True)
    parser.add_argument("--largest-mib", type=float, default=64)
    parser.add_argument("--level", type=int, default=6)
    parser.add_argument("archive", type=Path)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        collect(Path(folder), options.bin, options.programs)
        pack(folder, options.archive, options.level)
    mebibytes = options.archive.stat().st_size / 2**20
    if mebibytes > options.largest_mib:
        options.archive.unlink()
        sys.exit(f"carry.py: {options.archive} has {mebibytes:.1f} MiB, more than {options.largest_mib:g}")
    print(f"{options.archive}: {mebibytes:.1f} MiB")


main()
