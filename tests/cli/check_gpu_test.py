"""What can be said of tools/check-gpu without a GPU, where programs play their parts: what it makes of what they print
and how they end, what is left of it when it is killed, and how it compares runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from support.programs import REPOSITORY, ProgramTest

sys.path.insert(0, str(REPOSITORY / "tools"))
from gpu.compare_runs import compare  # noqa: E402
from gpu.switches import first_order  # noqa: E402

PARTS = ["versions", "casts", "figures", "sanitizer", "probes", "ways", "block", "torch"]
PASSING = """echo "[ RUN      ] Gpu.One"; echo "[       OK ] Gpu.One (1500 ms)" """
SANITIZER = """while [ "${1#/}" = "$1" ]; do shift; done
case $1 in */alpha-hill-gpu-planted-faults) exit 9 ;; esac
exec "$@" """
ALPHA_HILL = """while [ "$1" != --device ]; do shift; done
[ $2 = cpu ] && method=gram_eigen || method=gram_eigen_gpu
while [ "$1" != --output-dir ]; do shift; done
mkdir -p "$2"
printf "layer_name,alpha_fp32,method_fp32\\na,2.0,$method\\n" >"$2/precision_alpha_hill_results.csv" """
MANY_LINES = """for i in $(seq 400); do echo '{"part": "block", "lanes": 1, "first_by_band": 2048, "seconds": '$i'}'
sleep 0.005; done"""


class CheckGpuTest(ProgramTest):
    """The scripts lie as in an archive, the programs beside them."""

    def setUp(self):
        super().setUp()
        (self.folder / "gpu").mkdir()
        for script in (REPOSITORY / "tools/gpu").glob("*.py"):
            shutil.copy(script, self.folder / "gpu")
        for script in ("check-gpu", "mpi-environment"):
            shutil.copy(REPOSITORY / "tools" / script, self.folder)
        self.alter("libraries.py", "/usr/local/cuda", str(self.folder / "cuda"))
        self.alter("sanitizer.py", "/usr/local/cuda", str(self.folder / "cuda"))
        (self.folder / "benchmarks").mkdir()
        self.torch("print('{\"part\": \"torch\"}')")
        self.program("nvidia-smi", "echo 'GPU 0: one (UUID: GPU-1)'")
        self.program("ldd", "echo '	libcudart.so.13 => /there/libcudart.so.13 (0x1)'")
        self.program("compute-sanitizer", f"echo sanitizer $@ >>{self.folder}/called\n{SANITIZER}")
        self.program("bin/libalphahill-cuda.so", "")
        self.program("bin/test_gpu", f"echo test_gpu $@ >>{self.folder}/called\n{PASSING}")
        self.program("bin/alpha-hill-gpu-planted-faults", "")
        self.program("bin/alpha-hill-gpu-benchmark", "echo '{\"part\": \"'$3'\", \"alpha\": 1e-12}'; echo aside >&2")
        self.program("bin/alpha-hill-gpu-probe", """[ $1 = --list ] && { echo gram; echo copy; exit; }
echo '{"part": "'$3'", "largest": '$2'}'""")
        self.out = self.folder / "out"

    def alter(self, script, old, new):
        path = self.folder / "gpu" / script
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def program(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def torch(self, text):
        (self.folder / "benchmarks/torch_cuda.py").write_text(text)

    def begin(self, *options, **variables):
        environment = os.environ | {"PATH": f"{self.folder}:/usr/bin:/bin", "LD_LIBRARY_PATH": "/given"} | variables
        return subprocess.Popen([sys.executable, self.folder / "check-gpu", *options], cwd=self.folder, text=True,
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check_gpu(self, *options, **variables):
        process = self.begin(*options, **variables)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess([], process.returncode, output, errors)

    def check(self, *parts, code=0):
        """@return what it prints"""
        done = self.check_gpu("--out", self.out, *(word for part in parts for word in ("--only", part)))
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        return done.stdout

    def lines(self, **expected):
        figures = [json.loads(line) for line in (self.out / "figures.jsonl").read_text().splitlines()]
        return [line for line in figures if expected.items() <= line.items()]

    def called(self, name):
        return [line for line in (self.folder / "called").read_text().splitlines() if line.startswith(name)]

    def test_a_machine_without_a_gpu_is_told_so(self):
        self.program("nvidia-smi", "echo 'No devices were found'; exit 6")
        done = self.check_gpu()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "check-gpu: this machine has no GPU that nvidia-smi can see: nothing was "
                                      "checked\n")

    def test_all_parts_in_order_each_finding_in_the_file_and_printed(self):
        printed = self.check()
        text = (self.out / "figures.jsonl").read_text()
        self.assertTrue(printed.startswith(text))
        self.assertIn("check-gpu: all parts passed; see ", printed)
        self.assertEqual([line["part"] for line in self.lines() if "begins" in line], PARTS)
        self.assertEqual([line["part"] for line in self.lines(ends="passed")], PARTS)
        for line in map(json.loads, text.splitlines()):
            self.assertEqual((list(line)[0], list(line)[-1]), ("part", "at"))
        self.assertEqual((self.out / "ways.stderr").read_text(), "aside\n" * 3)

    def test_what_is_here(self):
        self.check("versions")
        self.assertIn("GPU 0: one (UUID: GPU-1)", self.lines(part="versions")[3]["nvidia_smi"])
        self.assertEqual(self.lines(name="test_gpu")[0]["libraries"], ["/there/libcudart.so.13"])
        self.program("ldd", "echo '	libfmt.so.9 => not found'")
        self.assertIn("test_gpu: failed", self.check("versions", code=1))
        self.assertEqual(self.lines(name="test_gpu")[-1]["not_found"], ["libfmt.so.9"])

    def test_libraries_of_cuda_are_found_in_a_toolkit_or_a_python_package(self):
        self.program("ldd", """for name in cudart cublas; do
for folder in $(echo "$LD_LIBRARY_PATH" | tr : ' '); do
[ -e $folder/lib$name.so.13 ] && { echo "	lib$name.so.13 => $folder/lib$name.so.13 (0x1)"; continue 2; }; done
echo "	lib$name.so.13 => not found"; done""")
        for path in ("cuda-13.0/lib64/libcudart.so.13", "cuda-12.4/lib64/libcudart.so.12",
                     "packages/nvidia/cu13/lib/libcublas.so.13", "packages/nvidia/cu13/lib/libcudart.so.13"):
            self.program(path, "")
        done = self.check_gpu("--out", self.out, "--only", "versions", PYTHONPATH=str(self.folder / "packages"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([line["library_path"] for line in self.lines() if "library_path" in line],
                         [[f"{self.folder}/bin", "/given", f"{self.folder}/cuda-13.0/lib64",
                           f"{self.folder}/packages/nvidia/cu13/lib"]])

    def test_cases_are_findings(self):
        self.check("casts", "figures")
        self.assertEqual(len(self.lines(name="Gpu.One", state="passed", seconds=1.5)), 3)
        self.assertEqual(self.called("test_gpu"), ["test_gpu --gtest_filter=Gpu.Casts*",
                                                   "test_gpu --gtest_filter=-Gpu.Casts*:GpuLost.*",
                                                   "test_gpu --gtest_filter=GpuLost.*"])

    def test_cases_that_do_not_pass(self):
        begin = 'echo "[ RUN      ] Gpu.One"; '
        for program, name, state, why in (
                (begin + 'echo "[  SKIPPED ] Gpu.One (0 ms)"', "Gpu.One", "skipped", None),
                (begin + 'echo "[  FAILED  ] Gpu.One, where GetParam() = 1 (0 ms)"; exit 1', "Gpu.One", "failed", None),
                (begin + "kill -SEGV $$", "Gpu.One", "failed", "signal 11"),
                (PASSING + "; exit 3", "test_gpu Gpu.Casts*", "failed", "exit code 3"),
                (PASSING + "; exit 1", "test_gpu Gpu.Casts*", "failed", "exit code 1"),
                ("exit 1", "test_gpu Gpu.Casts*", "failed", "exit code 1"),
                ("echo skipped: no GPU; exit 77", "test_gpu Gpu.Casts*", "failed", "no case has run"),
                ("exit 0", "test_gpu Gpu.Casts*", "failed", "no case has run")):
            with self.subTest(program=program):
                self.program("bin/test_gpu", program)
                printed = self.check("casts", code=1)
                line = next(line for line in self.lines() if line.get("state", "passed") != "passed")
                self.assertEqual((line["name"], line["state"], line.get("why")), (name, state, why))
                self.assertIn(f"{name}: {state}", printed)
                self.assertIn("check-gpu: failed: casts", printed)
                (self.out / "figures.jsonl").unlink()

    def test_what_the_sanitizer_is_given(self):
        self.check("sanitizer")
        calls = self.called("sanitizer")
        for i, (tool, fault) in enumerate((("memcheck", "out_of_bounds"), ("racecheck", "race"),
                                           ("initcheck", "uninitialized"), ("synccheck", "barrier"))):
            planted, tests = calls[2 * i:2 * i + 2]
            self.assertRegex(planted, rf"--tool {tool} --error-exitcode 9 .*/alpha-hill-gpu-planted-faults {fault}$")
            self.assertRegex(tests, rf"--tool {tool} --error-exitcode 9 .*/test_gpu "
                                    r"--gtest_filter=-\*AllocatingMore\*:GpuLost\.\*$")
            for call in (planted, tests):
                self.assertEqual("--kernel-name kernel_substring=alphahill " in call, tool != "memcheck", call)
            self.assertEqual(len(self.lines(name=tool, state="passed")), 1)

    def test_a_sanitizer_that_misses_the_planted_fault_is_not_believed(self):
        self.program("compute-sanitizer", f"echo sanitizer >>{self.folder}/called; exit 0")
        self.assertIn("racecheck, planted race: not believed", self.check("sanitizer", code=1))
        self.assertEqual(len(self.called("sanitizer")), 4)
        self.assertEqual(len(self.lines(state="not believed")), 4)

    def test_errors_that_the_sanitizer_finds_are_failures(self):
        self.program("bin/test_gpu", f"{PASSING}; exit 9")
        self.assertIn("memcheck: failed (errors, in sanitizer.stderr)", self.check("sanitizer", code=1))

    def test_without_a_sanitizer_or_torch_the_check_is_incomplete(self):
        (self.folder / "compute-sanitizer").unlink()
        self.torch("import sys; print('no torch here', file=sys.stderr); sys.exit(77)")
        printed = self.check(code=1)
        self.assertRegex(printed, "sanitizer +not run +compute-sanitizer is not there\n")
        self.assertIn("check-gpu: incomplete; not run: sanitizer torch; see ", printed)
        self.assertEqual((self.out / "torch.stderr").read_text(), "no torch here\n")

    def test_probes_one_by_one(self):
        self.check("probes")
        self.assertEqual([line["part"] for line in self.lines(largest=16384)], ["gram", "copy"])
        self.program("bin/alpha-hill-gpu-probe", """[ $1 = --list ] && { echo gram; echo copy; exit; }
[ $3 = gram ] && exit 4; echo '{"part": "copy", "second": 1}'""")
        self.assertIn("gram: failed (exit code 4)", self.check("probes", code=1))
        self.assertEqual(len(self.lines(part="copy", second=1)), 1)

    def test_figures_that_are_wrong_fail_their_part(self):
        compared = '{"part": "compared", "rows": 8, "cols": 9, "way": "band", "alpha": %s}'
        for alpha, code in (("1e-9", 0), ("2e-9", 1), ("null", 1)):
            self.program("bin/alpha-hill-gpu-benchmark", f"[ $3 = compared ] && echo '{compared % alpha}'; exit 0")
            self.assertEqual("alpha of 8 x 9 by the band: failed" in self.check("ways", code=code), code == 1)
        self.program("bin/alpha-hill-gpu-probe", """[ $1 = --list ] && { echo batched; exit; }
echo '{"part": "batched", "n": 64, "count": 8, "same_bits_as_alone": false}'""")
        self.assertIn("batched, order 64, 8 at a time: same_bits_as_alone: failed", self.check("probes", code=1))

    def test_an_endless_part_is_cut_off_and_the_next_one_runs(self):
        self.alter("parts.py", '"probes", 300', '"probes", 1')
        self.program("bin/alpha-hill-gpu-probe", "[ $1 = --list ] && { echo gram; exit; }; "
                                                 "echo '{\"part\": \"gram\"}'; sleep 30")
        printed = self.check("probes", "block", code=1)
        self.assertRegex(printed, r"probes +cut off +after 1 s")
        self.assertEqual([line["part"] for line in self.lines(ends="passed")], ["block"])
        self.assertEqual(len(self.lines(part="gram")), 1)

    def test_no_part_begins_when_the_time_is_over(self):
        self.program("bin/alpha-hill-gpu-benchmark", "sleep 30")
        done = self.check_gpu("--out", self.out, "--seconds", "2", "--only", "block", "--only", "torch")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"block +cut off +after 2 s\n +torch +not run +no time was left")

    def test_killed_at_any_moment_all_lines_but_one_are_there(self):
        self.program("bin/alpha-hill-gpu-benchmark", MANY_LINES)
        for seconds in (0.3, 0.5, 0.8, 1.2):
            process = self.begin("--out", self.out, "--only", "block")
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            printed = process.communicate(timeout=60)[0].splitlines()
            text = (self.out / "figures.jsonl").read_text() if self.out.exists() else ""
            self.assertTrue(text.endswith("\n") or not text)
            self.assertEqual([line for line in printed if line not in text], [])
            for line in text.splitlines():
                json.loads(line)
        self.check("casts")
        done = self.check_gpu("--summary", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout,
                         r"(?s)versions +not run\n.*casts +passed\n.*block +cut off +in the middle\n.*lanes = 1")

    def test_a_torn_line_is_left_out_and_not_gone_on_with(self):
        self.check("block")
        with (self.out / "figures.jsonl").open("a") as file:
            file.write('{"part": "block", "lan')
        self.assertRegex(self.check_gpu("--summary", self.out).stdout, r"block +passed")
        self.check("casts")
        self.assertEqual((self.out / "figures.jsonl").read_text().count('"lan\n{"part": "check"'), 1)

    def test_parts_by_name_are_added_to_the_figures(self):
        self.check("casts")
        self.assertRegex(self.check("block"), r"(?s)casts +passed\n.*block +passed\n")
        self.check()
        self.assertEqual(len(self.lines(part="casts", ends="passed")), 2)

    def expect_end_of_program(self, pid):
        """Of one that nobody may have waited for yet."""
        state = Path(f"/proc/{pid}/stat")
        for _ in range(500):
            try:
                if state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    return
            except OSError:
                return
            time.sleep(0.01)
        self.fail("the benchmark goes on")

    def test_ended_by_a_signal_or_killed_it_leaves_nothing_on_the_gpu(self):
        self.program("bin/alpha-hill-gpu-benchmark", f"echo $$ >{self.folder}/pid; exec sleep 30")
        for end, code in ((signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 128 + signal.SIGHUP),
                          (signal.SIGKILL, -signal.SIGKILL)):
            process = self.begin("--out", self.out, "--only", "block")
            pid = self.folder / "pid"
            while not pid.exists() or not pid.read_text():
                time.sleep(0.01)
            process.send_signal(end)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, code)
            self.expect_end_of_program(int(pid.read_text()))
            pid.unlink()

    def test_the_summary_says_what_to_set_the_switches_to(self):
        self.program("bin/alpha-hill-gpu-benchmark", """case $3 in
small) for line in '256, "together": 1, "alone": 2' '512, "together": 3, "alone": 2' '1024, "together": 9, "alone": 5'
do echo '{"part": "small", "order": '$line'}'; done ;;
ways) for line in '2048, "solver": 1, "band": 0.8, "band_end": 0.3' '4096, "solver": 6, "band": 4, "band_end": 1'
do echo '{"part": "ways", "order": '$line'}'; done ;;
block) for line in '4, "first_by_band": 2048, "seconds": 0.7' '8, "first_by_band": 4096, "seconds": 0.5'
do echo '{"part": "block", "lanes": '$line'}'; done ;;
esac""")
        printed = self.check("ways", "block")
        for said in ("DeviceWays::first_alone = 512: ", "DeviceWays::first_by_band = 4096: ",
                     "lanes = 8 with first_by_band = 4096: 0.5 s"):
            self.assertIn(said, printed)
        self.program("bin/alpha-hill-gpu-probe", """[ $1 = --list ] && { echo rank_2k; exit; }
for line in '2048, "first_over_second": 1.254' '4096, "first_over_second": 0.8'
do echo '{"part": "rank_2k", "n": '$line'}'; done""")
        self.assertIn("rank_2k: Dsyr2k's time in parts of two Dgemms': 1.25 at 2048, 0.80 at 4096", self.check("probes"))

    def test_the_first_order_from_which_a_way_stays_the_fastest(self):
        slower = {64: 1, 128: 1, 256: 1}
        for faster, expected in (({64: 1, 128: 0.5, 256: 0.5}, 64), ({64: 0.5, 128: 2, 256: 0.5}, 256),
                                 ({64: 0.5, 128: 0.5, 256: 2}, None)):
            self.assertEqual(first_order(slower, faster), expected)

    def test_whole_runs_where_the_program_is_there(self):
        self.program("bin/alpha-hill", ALPHA_HILL)
        self.program("bin/alpha-hill-sample", "exit 0")
        done = self.check_gpu("--out", self.out, "--only", "figures", "a/model")
        self.assertIn("casts      not run", done.stdout)
        self.assertEqual([line["name"] for line in self.lines(figures=1, state="passed")],
                         ["runs, bf16", "runs, fp32", "runs, large", "runs, block"])
        self.program("bin/alpha-hill", "exit 5")
        self.assertIn("runs, fp32: failed (alpha-hill --device cpu: exit code 5)", self.check("figures", code=1))

    def test_wrong_options(self):
        for options, expected in ((("--only", "bild"), "invalid choice: 'bild'"), (("--onyl", "casts"), "--onyl"),
                                  (("--bin", "/nowhere"), "expected a folder with libalphahill-cuda.so")):
            done = self.check_gpu(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(expected, done.stderr)
        self.assertIn("there is no nowhere/figures.jsonl", self.check_gpu("--summary", "nowhere").stderr)

    def test_a_folder_that_cannot_be_written_is_named(self):
        for out in ("/proc/nowhere", "/dev/full/x"):
            done = self.check_gpu("--out", out)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, rf"\Acheck-gpu: .*{out}'\n\Z")

    def test_a_full_disk_is_named(self):
        """Where no file may grow: Python is told so as of a full disk."""
        environment = os.environ | {"PATH": f"{self.folder}:/usr/bin:/bin"}
        done = subprocess.run(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, self.folder / "check-gpu",
                               "--out", self.out], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "check-gpu: [Errno 27] File too large\n")

    def test_help_names_each_part(self):
        text = self.check_gpu("--help").stdout
        for part in PARTS:
            self.assertRegex(text, rf"\n  {part} +\d+ s")


class CompareRunsTest(ProgramTest):
    def compare(self, *rows):
        for name, (alpha, method) in zip(("one", "other"), rows):
            (self.folder / name).write_text(f"layer_name,alpha_fp32,method_fp32\na,{alpha},{method}\n"
                                            f"b,,failed\n")
        agree, found = compare(self.folder / "one", self.folder / "other")
        self.assertEqual(found["figures"], 1)
        return agree

    def test_runs_agree_to_1e_9(self):
        self.assertTrue(self.compare((2.0, "gram_eigen"), (2.0 + 1e-9, "gram_eigen_gpu")))
        self.assertFalse(self.compare((2.0, "gram_eigen"), (2.0 + 4e-9, "gram_eigen_gpu")))
        self.assertFalse(self.compare((2.0, "gram_eigen"), ("", "failed")))

    def test_figures_of_the_cpu_are_not_taken_for_the_gpus(self):
        self.assertFalse(self.compare((2.0, "gram_eigen"), (2.0, "gram_eigen")))


if __name__ == "__main__":
    unittest.main()
