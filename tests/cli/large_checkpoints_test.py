"""Headers of checkpoints as large models are published: listed and planned in seconds of one core, in little memory."""

import os
import subprocess
import unittest

from support.programs import ENVIRONMENT, ProgramTest, command

# Layers, and how most of them are stored.
MODELS = {"DeepSeek-V3": (45091, "F8_E4M3 block 128x128"), "Kimi-K2": (69669, "int4 g32"),
          "gpt-oss-120b": (14005, "mxfp4 g32")}
# Several times what they take: what grows with the square of the layers is beyond.
MOST_SECONDS_TO_LIST = 10
MOST_SECONDS_TO_PLAN = 30
MOST_MIB = 200  # beyond what the libraries take


class LargeCheckpointsTest(ProgramTest):
    def setUp(self):
        super().setUp()
        for model in MODELS:
            self.succeed("alpha-hill-large-checkpoint", model, self.folder / model)

    def measured(self, *options):
        """@return standard output, seconds of CPU time, and the most memory in MiB"""
        output = self.folder / "output"
        with output.open("w") as file:
            process = subprocess.Popen(command("alpha-hill", *options), env=ENVIRONMENT, stdout=file,
                                       stderr=subprocess.PIPE)
            errors = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stderr.close()
        self.assertEqual(process.returncode, 0, errors)
        return output.read_text(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def test_layers_are_listed(self):
        _, _, libraries = self.measured("--version")
        for model, (layers, stored) in MODELS.items():
            with self.subTest(model):
                table, seconds, mib = self.measured("--model", self.folder / model, "--list-layers")
                rows = table.splitlines()[1:]
                self.assertEqual(len(rows), layers)
                self.assertGreater(sum(f"  {stored}  " in row for row in rows), 0.98 * layers)
                self.assertLess(seconds, MOST_SECONDS_TO_LIST)
                self.assertLess(mib - libraries, MOST_MIB)

    def test_a_run_on_a_thousand_ranks_is_planned(self):
        for model in MODELS:
            with self.subTest(model):
                plan, seconds, _ = self.measured("--model", self.folder / model, "--dry-run", "--ranks", 1024)
                self.assertIn("on 1024 ranks", plan)
                self.assertIn(", of which 0 cannot be analysed", plan)
                self.assertLess(seconds, MOST_SECONDS_TO_PLAN)


if __name__ == "__main__":
    unittest.main()
