"""Where the programs find their libraries: those carried beside them, and CUDA's, wherever this machine has them."""

import glob
import importlib.util
import os
import re
import subprocess
from pathlib import Path

BACKEND = "libalphahill-cuda.so"


def loaded(program, folders):
    """What ldd says: the path of each library that the program loads, None where it is not found."""
    environment = os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(map(str, folders))}
    said = subprocess.run(["ldd", program], env=environment, capture_output=True, text=True)
    if said.returncode != 0:
        raise OSError(f"ldd {program}: {said.stderr.strip()}")
    found = re.findall(r"^\s*(\S+) => (not found|\S+)", said.stdout, re.MULTILINE)
    return {name: None if path == "not found" else path for name, path in found}


def missing(program, folders):
    return [name for name, path in loaded(program, folders).items() if path is None]


def toolkits(folder):
    """Those of CUDA here, the usual one first."""
    return [Path(path) / folder for path in sorted(glob.glob("/usr/local/cuda*"))]


def python_packages():
    """Folders of libraries in the Python package `nvidia`."""
    spec = importlib.util.find_spec("nvidia")
    places = spec.submodule_search_locations if spec else []
    return [Path(path) for place in places for path in sorted(glob.glob(f"{place}/*/lib"))]


def library_folders(bin_folder):
    """Folders for LD_LIBRARY_PATH: the programs' own, those given, and as many others as the backend needs."""
    given = [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    carried = [folder for folder in (bin_folder.parent / "lib",) if folder.is_dir()]
    folders = [bin_folder, *carried, *given]
    for folder in toolkits("lib64") + python_packages():
        absent = missing(bin_folder / BACKEND, folders)
        if any((folder / name).exists() for name in absent):
            folders.append(folder)
    return folders


def variables(path):
    """Of a file with a variable a line."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment_of(bin_folder, root):
    """That of all programs that come from here. A carried Open MPI finds its plugins beside its libraries."""
    environment = os.environ | variables(root / "mpi-environment")
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, library_folders(bin_folder)))
    plugins = bin_folder.parent / "lib/openmpi"
    if plugins.is_dir():
        environment |= {"OMPI_MCA_mca_base_component_path": str(plugins), "OMPI_MCA_ess_singleton_isolated": "1"}
    return environment
