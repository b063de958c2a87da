"""What can be said of tools/check-gpu without a GPU: that it says so, what it makes of its steps where programs play
theirs, and how it compares runs."""

import os
import shutil
import subprocess
import sys
import unittest

from support.programs import REPOSITORY, ProgramTest

ALPHA_HILL = """while [ "$1" != --device ]; do shift; done
[ $2 = cpu ] && method=gram_eigen || method=gram_eigen_gpu
while [ "$1" != --output-dir ]; do shift; done
mkdir -p "$2"
printf "layer_name,alpha_fp32,method_fp32\\na,2.0,$method\\n" >"$2/precision_alpha_hill_results.csv"
"""


class CheckGpuTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for tool in ("tools/check-gpu", "tools/mpi-environment", "tools/gpu/compare_runs.py"):
            (self.folder / tool).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / tool, self.folder / tool)
        self.alter("/usr/local/cuda/bin", str(self.folder))
        self.program("nvidia-smi", "echo 'GPU 0: one'")
        for name in ("nvcc", "cmake", "build/cuda/bin/alpha-hill-sample"):
            self.program(name, "exit 0")
        for name in ("ctest", "compute-sanitizer"):
            self.program(name, f"echo {name} $@ >>{self.folder}/called; echo as {name} says")
        self.program("tools/benchmark", "echo '| figure |'")
        self.program("build/cuda/bin/alpha-hill", ALPHA_HILL)

    def alter(self, old, new):
        script = self.folder / "tools/check-gpu"
        text = script.read_text()
        self.assertIn(old, text)
        script.write_text(text.replace(old, new))

    def program(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def check_gpu(self, *arguments, stdout=subprocess.PIPE):
        environment = os.environ | {"PATH": f"{self.folder}:/usr/bin:/bin"}
        return subprocess.run([self.folder / "tools/check-gpu", *arguments], env=environment, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=60)

    def report(self):
        return (self.folder / "build/check-gpu/report.md").read_text()

    def called(self, name):
        return [line for line in (self.folder / "called").read_text().splitlines() if line.startswith(name)]

    def test_a_machine_without_a_gpu_is_told_so(self):
        self.program("nvidia-smi", "echo 'No devices were found'; exit 6")
        done = self.check_gpu()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "tools/check-gpu: this machine has no GPU that nvidia-smi can see: "
                                      "nothing was checked\n")

    def test_all_steps_are_printed_and_in_the_report(self):
        done = self.check_gpu("a/model")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report, last = self.report(), "tools/check-gpu: passed: build tests unit sanitizer figures benchmark; see " \
                                      "build/check-gpu/report.md\n"
        self.assertEqual(done.stdout, report + last)
        self.assertEqual(report.count("\npassed after "), 11)
        for said in ("    as ctest says", "    as compute-sanitizer says", "\n| figure |\n", "First block of a/model"):
            self.assertIn(said, report)
        self.assertEqual(report.count("1 figures, methods of the second run {'gram_eigen_gpu': 1}"), 4)

    def test_each_part_is_printed_and_in_the_report_as_it_ends(self):
        so_far, printed = self.folder / "so_far", self.folder / "printed"
        self.program("ctest", f"cp {self.folder}/build/check-gpu/report.md {so_far}; cp {printed} {printed}_so_far")
        with printed.open("w") as output:
            self.check_gpu("--only", "build", "--only", "unit", stdout=output)
        for text in (so_far.read_text(), (self.folder / "printed_so_far").read_text()):
            self.assertIn("## Build", text)
            self.assertNotIn("## Unit tests", text)

    def test_steps_by_name_are_added_to_the_report(self):
        self.check_gpu("--only", "build")
        done = self.check_gpu("--only", "unit", "--only", "benchmark")
        self.assertRegex(done.stdout,
                         r"(?s)\A# alphahill on a GPU.*## Unit tests.*## Benchmark.*passed: unit benchmark; see")
        self.assertIn("## Build", self.report())
        self.check_gpu()
        self.assertEqual(self.report().count("## Build"), 1)

    def test_wrong_options(self):
        for options, expected in ((("--only", "bild"), "expected one of build tests .*, found 'bild'"),
                                  (("--only",), "found ''"), (("--onyl", "build"), "there is no option '--onyl'")):
            done = self.check_gpu(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, expected)

    def test_help_names_each_step(self):
        text = self.check_gpu("--help").stdout
        for step in ("build", "tests", "unit", "sanitizer", "figures", "benchmark"):
            self.assertRegex(text, rf"\n  {step} +\d  ")
        self.assertIn("tools/install-packages", text)
        self.assertNotIn("set -u", text)

    def test_an_endless_part_is_cut_off_and_the_next_one_runs(self):
        self.alter("[unit]=300", "[unit]=5")
        self.program("ctest", "echo begun; exec sleep 30")
        done = self.check_gpu("--only", "unit", "--only", "benchmark")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(self.report(), r"(?s)begun\n\n\*\*FAILED\*\*: cut off after \d+ s.*\| figure \|")
        self.assertIn("tools/check-gpu: failed: Unit tests; see", done.stderr)

    def test_failed_parts_are_named_at_the_end(self):
        self.program("ctest", "echo '1 - gpu (Skipped)'")
        self.program("tools/benchmark", "exit 3")
        done = self.check_gpu()
        self.assertEqual(done.returncode, 1)
        self.assertIn("**FAILED** with exit code 3", self.report())
        self.assertTrue(done.stderr.endswith("tools/check-gpu: failed: Tests of the GPU backend; Benchmark; not "
                                             "checked: a real checkpoint, as none was named; see "
                                             "build/check-gpu/report.md\n"), done.stderr)

    def test_no_step_follows_a_build_that_failed(self):
        self.program("cmake", "exit 1")
        done = self.check_gpu()
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("tools/check-gpu: failed: Build; see build/check-gpu/report.md\n"),
                        done.stderr)
        self.assertEqual(self.report().count("\n## "), 1)

    def test_what_the_sanitizer_is_given(self):
        self.check_gpu("--only", "sanitizer")
        memcheck, racecheck, initcheck = self.called("compute-sanitizer")
        self.assertNotIn("--kernel-name", memcheck)
        for tool, call in (("memcheck", memcheck), ("racecheck", racecheck), ("initcheck", initcheck)):
            self.assertRegex(call, rf" --tool {tool} .*--error-exitcode 1 ")
            self.assertTrue(call.endswith(" --gtest_filter=-*AllocatingMore*:GpuLost.*"), call)
        for call in (racecheck, initcheck):
            self.assertIn(" --kernel-name kernel_substring=alphahill ", call)

    def test_without_a_sanitizer_the_check_is_incomplete(self):
        (self.folder / "compute-sanitizer").unlink()
        for steps, passed in ((("sanitizer",), "nothing"), (("unit", "sanitizer", "tests"), "unit tests")):
            done = self.check_gpu(*(word for step in steps for word in ("--only", step)))
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.endswith(f"tools/check-gpu: incomplete: passed: {passed}; not checked: "
                                                 "kernels by compute-sanitizer, which is not there; see "
                                                 "build/check-gpu/report.md\n"), done.stderr)
            self.assertIn("\nnot checked: kernels by compute-sanitizer", self.report())

    def test_a_checkpoint_or_torch_that_was_not_there_is_named_at_the_end(self):
        self.program("tools/benchmark", "echo 'torch: not measured: no torch here'")
        done = self.check_gpu("--only", "figures", "--only", "benchmark")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.endswith("tools/check-gpu: passed: figures benchmark; not checked: a real "
                                             "checkpoint, as none was named; not checked: the speed of torch, as the "
                                             "benchmark says; see build/check-gpu/report.md\n"), done.stdout)

    def test_unit_tests_run_side_by_side_and_those_of_the_gpu_do_not(self):
        self.check_gpu("--only", "tests", "--only", "unit")
        gpu, unit = self.called("ctest")
        self.assertIn("--label-regex ^gpu$", gpu)
        self.assertNotIn("--parallel", gpu)
        self.assertRegex(unit, r"--label-regex \^unit\$ --parallel \d+")

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
