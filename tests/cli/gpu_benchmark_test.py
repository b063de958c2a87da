"""What can be said of tools/benchmark --device cuda without a GPU: that it says so, and what it makes of figures."""

import io
import os
import subprocess
import sys
import unittest
from contextlib import redirect_stdout
from unittest import mock

from support.programs import REPOSITORY, ProgramTest

sys.path.insert(0, str(REPOSITORY / "tools"))
from benchmarks import gpu  # noqa: E402
from benchmarks.python_packages import Unavailable  # noqa: E402


def layer(rows, cols, path=0.5):
    return {"rows": rows, "cols": cols, "flops": 1e12, "gram": 0.25, "solver": 0.75, "band": 0.5, "band_end": 0.1,
            "path": path}


MEASURED = {"device": [{"name": "A GPU"}], "ways": [layer(1024, 1024), layer(16384, 16384, path=3.0)],
            "block_layer": [layer(4096, 4096) | {"in_block": 1}, layer(1024, 4096) | {"in_block": 1}],
            "block": [{"lanes": 2, "first_by_band": 2048, "seconds": 0.7},
                      {"lanes": 4, "first_by_band": 4096, "seconds": 0.5}],
            "small": [{"order": 64, "count": 32, "together": 0.001, "alone": 0.03}],
            "compared": [{"rows": 1024, "cols": 4096, "way": "band", "seconds": 0.1, "cpu": 1.5, "eigenvalues": 1e-13,
                          "alpha": 1e-14}]}
TORCH = {"torch": "2.0", "seconds": {"1024x1024": {"svdvals": 0.4, "eigvalsh": 0.3},
                                     "16384x16384": {"svdvals": None, "eigvalsh": 30.0},
                                     "4096x4096": {"svdvals": 2.0, "eigvalsh": 0.3},
                                     "1024x4096": {"svdvals": 0.1, "eigvalsh": 0.2}}}


class GpuBenchmarkTest(ProgramTest):
    def benchmark(self, *options):
        fake = self.folder / "nvidia-smi"
        fake.write_text("#!/bin/sh\necho 'No devices were found'; exit 6\n")
        fake.chmod(0o755)
        environment = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run([REPOSITORY / "tools/benchmark", "--device", "cuda", *options], env=environment,
                              capture_output=True, text=True, timeout=60)

    def figures(self, **torch):
        output = io.StringIO()
        with (mock.patch.object(gpu, "require_gpu"), mock.patch.object(gpu, "measured", return_value=MEASURED),
              mock.patch.object(gpu, "torch_times", **torch), redirect_stdout(output)):
            found = list(gpu.figures(True))
        return found, output.getvalue()

    def test_a_machine_without_a_gpu_is_told_so(self):
        done = self.benchmark()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr,
                         "tools/benchmark: --device cuda: this machine has no GPU that nvidia-smi can see\n")

    def test_figures_of_the_cpu_are_not_asked_of_the_gpu(self):
        done = self.benchmark("layer")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--device cuda takes neither FIGURE nor --full", done.stderr)

    def test_the_block_is_compared_with_the_best_of_the_others_for_each_layer_at_each_precision(self):
        [figure, _], _ = self.figures(return_value=TORCH)
        self.assertAlmostEqual(figure.ratio, 3 * (0.3 + 0.1) / 0.5)
        self.assertIn("0.5000 s by 4 lanes, by the band from 4096 on, against one caller: ", figure.detail)
        self.assertIn("without shared casts 0.80", figure.detail)
        self.assertIn("Gram and Xsyevd 6.0000 s, torch svdvals 6.3000 s, torch eigvalsh 1.5000 s, the best for "
                      "each layer 1.2000 s", figure.detail)
        self.assertFalse(figure.holds())

    def test_without_torch_it_is_compared_with_cusolver(self):
        [figure, _], output = self.figures(side_effect=Unavailable("no torch here"))
        self.assertAlmostEqual(figure.ratio, 3 * (1 + 1) / 0.5)
        self.assertTrue(figure.holds())
        self.assertIn("torch: not measured: no torch here", output)

    def test_lines_are_sorted_by_their_part(self):
        self.assertEqual(gpu.by_part('{"part": "a", "n": 1}\n{"part": "b"}\n{"part": "a", "n": 2}\n'),
                         {"a": [{"part": "a", "n": 1}, {"part": "a", "n": 2}], "b": [{"part": "b"}]})

    def test_alpha_may_differ_from_the_cpus_by_1e_9(self):
        for alpha, holds in ((1e-9, True), (1.1e-9, False)):
            layers = [MEASURED["compared"][0], MEASURED["compared"][0] | {"rows": 8192, "alpha": alpha}]
            figure = gpu.alpha_figure(layers)
            self.assertEqual(figure.holds(), holds)
            self.assertIn("8192x4096, band", figure.detail)

    def test_tables_give_seconds_and_parts_of_the_rate_of_dgemm(self):
        _, output = self.figures(return_value=TORCH)
        part = (1 + 4 / 3) * 1024 ** 3 / 1e12 / 0.5
        self.assertIn(f"| 1024 | 1.00 | 0.5000 | {part:.3f} | 1.0000 | 0.4000 | 0.3000 |", output)
        self.assertIn("| 16384 | 1.00 | 3.0000 | 3.421 | 1.0000 |  | 30.0000 |", output)
        self.assertIn("| 64 | 32 | 0.0010 | 0.0300 |", output)
        self.assertIn("| 1024x4096 | band | 0.1000 | 1.50 | 1.0e-13 | 1.0e-14 |", output)


if __name__ == "__main__":
    unittest.main()
