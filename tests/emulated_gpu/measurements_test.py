"""What measures a GPU, on one that the CPU emulates: every probe and part says something, a line of JSON each."""

import json
import os
import unittest

from support.programs import ProgramTest, run

EMULATED = {"LD_PRELOAD": os.environ["ALPHAHILL_EMULATED_GPU"]}
LARGEST = ("--largest", "48")


class MeasurementsTest(ProgramTest):
    def lines(self, program, *arguments, **settings):
        done = run(program, *arguments, environment=EMULATED | settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[0]["part"], "device")
        return lines[1:]

    def test_every_probe_has_findings(self):
        names = run("alpha-hill-gpu-probe", "--list").stdout.split()
        self.assertEqual(len(names), 9)
        lines = self.lines("alpha-hill-gpu-probe", *LARGEST)
        for name in names:
            self.assertTrue(any(line["part"].startswith(name) for line in lines), name)
        for line in lines:
            self.assertNotIn("skipped", line)
            self.assertTrue(all(value > 0 for name, value in line.items() if name.endswith("seconds")), line)
            if line["part"] == "batched_solver":
                self.assertTrue(line["same_bits_as_alone"] and line["same_bits_beside_others"], line)

    def test_too_little_memory_is_a_finding(self):
        lines = self.lines("alpha-hill-gpu-probe", *LARGEST, "gram", "solver_workspace", EMULATED_GPU_MEMORY="65536")
        self.assertEqual(lines[0]["part"], "gram")
        self.assertIn("cudaMalloc", lines[0]["skipped"])
        self.assertEqual(lines[1]["part"], "solver_workspace")

    def test_every_part_of_the_benchmark_has_figures(self):
        lines = self.lines("alpha-hill-gpu-benchmark", *LARGEST, "--lanes", "1,2", "--first-by-band", "32")
        self.assertEqual([(line["lanes"], line["first_by_band"]) for line in lines if line["part"] == "block"],
                         [(1, 32), (2, 32)])
        self.assertEqual({line["part"] for line in lines}, {"small", "ways", "compared", "block", "block_layer"})
        for line in lines:
            self.assertLess(line.get("alpha", 0), 1e-9)

    def test_what_is_not_known_is_named(self):
        for program, words, expected in (("alpha-hill-gpu-probe", ("gramm",), "there is no 'gramm'; see --help"),
                                         ("alpha-hill-gpu-benchmark", ("--lanes", "0"), "--lanes: expected numbers"),
                                         ("alpha-hill-gpu-benchmark", ("--largest",), "--largest: expected numbers")):
            done = run(program, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
