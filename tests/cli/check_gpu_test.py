"""What can be said of tools/check-gpu without a GPU: that it says so, and how it compares runs."""

import os
import subprocess
import sys
import unittest

from support.programs import REPOSITORY, ProgramTest


class CheckGpuTest(ProgramTest):
    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def check_gpu(self):
        environment = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run([REPOSITORY / "tools" / "check-gpu"], env=environment, capture_output=True, text=True,
                              timeout=60)

    def test_a_machine_without_a_gpu_is_told_so(self):
        self.program("nvcc", "exit 0")
        self.program("nvidia-smi", "echo 'No devices were found'; exit 6")
        done = self.check_gpu()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "tools/check-gpu: this machine has no GPU that nvidia-smi can see: "
                                      "nothing was checked\n")

    def compare(self, *rows):
        for name, (alpha, method) in zip(("one", "other"), rows):
            (self.folder / name).write_text(f"layer_name,alpha_fp32,method_fp32\na,{alpha},{method}\n"
                                            f"b,,failed\n")
        done = subprocess.run([sys.executable, REPOSITORY / "tools/gpu/compare_runs.py", self.folder / "one",
                               self.folder / "other"], capture_output=True, text=True, timeout=60)
        self.assertRegex(done.stdout, "1 figures, .*largest relative difference")
        return done.returncode

    def test_runs_agree_to_1e_9(self):
        self.assertEqual(self.compare((2.0, "gram_eigen"), (2.0 + 1e-9, "gram_eigen_gpu")), 0)
        self.assertEqual(self.compare((2.0, "gram_eigen"), (2.0 + 4e-9, "gram_eigen_gpu")), 1)
        self.assertEqual(self.compare((2.0, "gram_eigen"), ("", "failed")), 1)

    def test_figures_of_the_cpu_are_not_taken_for_the_gpus(self):
        self.assertEqual(self.compare((2.0, "gram_eigen"), (2.0, "gram_eigen")), 1)


if __name__ == "__main__":
    unittest.main()
