"""What is here: the GPU and its driver, CUDA's libraries, and whether each program finds what it loads."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from gpu.libraries import BACKEND, loaded

PROGRAMS = ("test_gpu", "alpha-hill-gpu-benchmark", "alpha-hill-gpu-probe", "alpha-hill-gpu-planted-faults",
            "alpha-hill", "alpha-hill-sample")
NVIDIA_SMI = (("--list-gpus",),
              ("--query-gpu=index,uuid,name,driver_version,memory.total,clocks.sm,clocks.max.sm,clocks.max.mem,"
               "power.limit,mig.mode.current", "--format=csv"))
CUDA = re.compile(r"lib(cudart|cublas|cublasLt|cusolver|cusparse|nvJitLink)\.so")


def source(root):
    """The commit that the programs are of."""
    carried = root / "source"
    if carried.exists():
        return carried.read_text().strip()
    done = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip()


def packages():
    found = ((one.metadata["Name"] or "", one.version) for one in importlib.metadata.distributions() if one.version)
    return {name: version for name, version in sorted(found) if name in ("torch", "numpy") or name.startswith("nvidia")}


def processor():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.machine()


def check_programs(work):
    folders = work.check.environment["LD_LIBRARY_PATH"].split(os.pathsep)
    cuda = {}
    for name in (BACKEND, *PROGRAMS):
        path = work.check.options.bin / name
        if not path.exists():
            continue
        libraries = loaded(path, folders)
        cuda |= {library: os.path.realpath(at) for library, at in libraries.items() if at and CUDA.match(library)}
        absent = [library for library, at in libraries.items() if at is None]
        work.found(name, "failed" if absent else "passed", not_found=absent,
                   libraries=sorted(at for at in libraries.values() if at))
    work.line(cuda=cuda, library_path=folders, python_packages=packages())


def check_versions(work):
    work.line(source=source(work.check.root), processor=processor(), cores=os.cpu_count(), libc=platform.libc_ver()[1],
              system=platform.platform(), python=platform.python_version())
    work.line(variables={name: value for name, value in sorted(os.environ.items())
                         if name.startswith(("CUDA_", "CUBLAS_", "CUSOLVER_", "NVIDIA_"))})
    for options in NVIDIA_SMI:
        said = []
        work.run(["nvidia-smi", *options], lambda line, said=said: said.append(line.decode(errors="replace").strip()))
        work.line(nvidia_smi=said)
    check_programs(work)
