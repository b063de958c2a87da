"""The archives for a machine with a GPU, unpacked where there is nothing but libc, python3 and a shell: every program
starts, the checks run, and an emulated GPU stands in for CUDA's libraries."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from support.programs import BIN, REPOSITORY

EMULATED_GPU = Path(os.environ["ALPHAHILL_EMULATED_GPU"])
CARRY = REPOSITORY / "tools/gpu/carry.py"
CHECKS = ["test_gpu", "alpha-hill-gpu-benchmark", "alpha-hill-gpu-probe", "alpha-hill-gpu-planted-faults"]
# GoogleTest: of all cases the first, as the emulated GPU takes minutes for all; test emulated_gpu_backend runs them.
FIRST_CASES = {"GTEST_TOTAL_SHARDS": "100", "GTEST_SHARD_INDEX": "0"}
GPU = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/gpu", "LD_PRELOAD": f"/gpu/{EMULATED_GPU.name}"}
LIBC = re.compile(r"ld-linux|lib(c|m|dl|pthread|rt|util|resolv|anl)\.so")
NVIDIA_SMI = "#!/bin/sh\necho 'GPU 0: emulated (UUID: GPU-1)'\n"
# The real one cannot be joined with an emulated GPU: it finds the planted faults, and one test to run.
SANITIZER = """#!/bin/sh
case $* in *planted-faults*) exit 9 ;; esac
echo '[ RUN      ] Gpu.One'; echo '[       OK ] Gpu.One (1 ms)'
"""


def copy(path, place):
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def libraries_of(path):
    """Paths of all that it loads, by name."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^\s*(\S+) => (/\S+)", said, re.MULTILINE))


def make_script(path, text):
    path.write_text(text)
    path.chmod(0o755)


def make_root(root):
    """A system that a program finds nothing on."""
    python = Path(sys.executable).resolve()
    library = Path(os.__file__).parent
    shutil.copytree(library, root / library.relative_to("/"), symlinks=True, ignore=shutil.ignore_patterns(
        "test", "idlelib", "lib2to3", "ensurepip", "tkinter", "dist-packages", "site-packages", "__pycache__"))
    tools = {"usr/bin/python3": python, "bin/sh": "/bin/sh", "bin/bash": "/bin/bash", "usr/bin/ldd": "/usr/bin/ldd"}
    for name, path in tools.items():
        copy(path, root / name)
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    copy(loader, root / loader.relative_to("/"))
    for path in {path for tool in tools.values() if tool != "/usr/bin/ldd" for path in libraries_of(tool).values()}:
        copy(path, root / path.lstrip("/"))
    for path in Path(libraries_of("/bin/sh")["libc.so.6"]).parent.iterdir():
        if LIBC.match(path.name):
            copy(path, root / path.relative_to("/"))
    for folder in ("dev", "tmp"):
        (root / folder).mkdir()
    (root / "dev/null").touch()
    make_script(root / "usr/bin/nvidia-smi", NVIDIA_SMI)
    make_script(root / "usr/bin/compute-sanitizer", SANITIZER)


def make_gpu(folder):
    """What stands in for CUDA's libraries, with what it loads itself. It has all of their calls that are made; loaded
    before libcudart, which has the few besides that nvcc asks for."""
    copy(EMULATED_GPU, folder / EMULATED_GPU.name)
    for name, path in libraries_of(BIN / "libalphahill-cuda.so").items():
        if name.startswith("libcudart"):
            copy(path, folder / name)
        elif name.startswith(("libcublas.", "libcusolver")):
            (folder / name).symlink_to(EMULATED_GPU.name)
    for name, path in libraries_of(EMULATED_GPU).items():
        if not LIBC.match(name):
            copy(path, folder / name)


def pack(archive, *programs, mebibytes=64):
    return subprocess.run([CARRY, "--bin", BIN, "--level", "0", "--largest-mib", str(mebibytes), archive, *programs],
                          capture_output=True, text=True)


@unittest.skipIf(os.geteuid() != 0, "chroot is root's alone")
class CarriedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="alphahill-")
        cls.addClassCleanup(temporary.cleanup)
        cls.root = Path(temporary.name)
        make_root(cls.root)
        make_gpu(cls.root / "gpu")

    def carry(self, *programs, mebibytes=64):
        """The programs in an archive, unpacked in the root."""
        archive = self.root / "archive.tar.xz"
        packed = pack(archive, *programs, mebibytes=mebibytes)
        self.assertEqual(packed.returncode, 0, packed.stderr)
        with tarfile.open(archive) as tar:
            tar.extractall(self.root)
        self.addCleanup(shutil.rmtree, self.root / "alphahill-gpu-check")

    def start(self, *options):
        self.addCleanup(shutil.rmtree, self.root / "out", ignore_errors=True)
        return subprocess.Popen(["/usr/bin/python3", "/alphahill-gpu-check/check-gpu", *options], env=GPU | FIRST_CASES,
                                preexec_fn=lambda: (os.chroot(self.root), os.chdir("/")), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def check_gpu(self, *options):
        """@return the lines, those that are not JSON apart"""
        printed, errors = self.start("--out", "/out", *options).communicate(timeout=300)
        self.assertEqual(errors, "")
        lines = printed.splitlines()
        figures = [json.loads(line) for line in lines if line.startswith("{")]
        return figures, "\n".join(line for line in lines if not line.startswith("{"))

    def expect_passed(self, figures, text, *parts):
        self.assertEqual([line["part"] for line in figures if line.get("ends") == "passed"], list(parts), text)

    def expect_own_libraries(self, figures):
        """No program finds anything but libc on the system."""
        for line in (line for line in figures if "libraries" in line):
            for path in line["libraries"]:
                self.assertTrue(path.startswith(("/alphahill-gpu-check/", "/gpu/")) or LIBC.match(Path(path).name),
                                f"{line['name']} loads {path}")

    def test_the_checks_run_in_the_order_of_their_worth(self):
        self.carry(*CHECKS, mebibytes=16)
        figures, text = self.check_gpu("--largest", "32")
        self.expect_passed(figures, text, "versions", "casts", "figures", "sanitizer", "probes", "ways", "block")
        self.assertIn("incomplete; not run: torch", text)
        self.expect_own_libraries(figures)
        for switch in ("DeviceWays::first_alone = ", "DeviceWays::first_by_band = ", "lanes = "):
            self.assertIn(switch, text)

    def test_what_was_printed_before_a_kill_is_in_the_file_and_in_the_summary(self):
        self.carry(*CHECKS)
        check = self.start("--out", "/out", "--largest", "32", "--only", "casts", "--only", "probes")
        printed = [next(check.stdout) for _ in range(12)]
        check.kill()
        printed += check.communicate()[0].splitlines(keepends=True)
        kept = (self.root / "out/figures.jsonl").read_text().splitlines(keepends=True)
        self.assertEqual(kept[:len(printed)], printed)
        summary = self.start("--summary", "/out").communicate()[0]
        self.assertRegex(summary, r"casts +passed")
        self.assertRegex(summary, r"probes +cut off")

    def test_whole_runs(self):
        self.carry("test_gpu", "alpha-hill", "alpha-hill-sample")
        figures, text = self.check_gpu("--only", "versions", "--only", "figures", "--largest", "64")
        self.expect_passed(figures, text, "versions", "figures")
        self.expect_own_libraries(figures)
        runs = [line for line in figures if line.get("name", "").startswith("runs, ")]
        self.assertEqual([line["name"] for line in runs], ["runs, bf16", "runs, fp32", "runs, large"])

    def test_an_archive_that_is_too_large_is_an_error(self):
        packed = pack(self.root / "large.tar.xz", "alpha-hill-sample", mebibytes=1)
        self.assertNotEqual(packed.returncode, 0)
        self.assertRegex(packed.stderr, r"has \d+\.\d MiB, more than 1")
        self.assertFalse((self.root / "large.tar.xz").exists())


if __name__ == "__main__":
    unittest.main()
