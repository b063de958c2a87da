"""The layers of 1,159 models are those that transformers builds: check_oracle.py, by one process for all models."""

import gzip
import json
import subprocess
import tempfile
import types
import unittest
from pathlib import Path

from support import check_oracle
from support.programs import BIN, ENVIRONMENT

ORACLE = Path(__file__).resolve().parents[1] / "checkpoint/transformers-4.57.jsonl.gz"
MODELS = 1159


class Lister:
    """alpha-hill-list-checkpoints, in the place of check_oracle.listed."""

    def __init__(self):
        self.process = subprocess.Popen([BIN / "alpha-hill-list-checkpoints"], env=ENVIRONMENT, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def listed(self, _, folder):
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        rows = []
        while (line := self.process.stdout.readline()) != "end\n":
            if not line:
                raise ValueError("the program ended")
            if line.startswith("error "):
                return types.SimpleNamespace(returncode=1, stderr=line), [], {}
            rows.append(line.split())
        rows = [row for row in rows if row[0].isdigit()]
        shapes = {row[1]: (int(row[row.index("x") - 1]), int(row[row.index("x") + 1])) for row in rows}
        return types.SimpleNamespace(returncode=0, stderr=""), [row[1] for row in rows], shapes


class OracleTest(unittest.TestCase):
    maxDiff = None

    def test_the_layers_of_every_model_are_those_that_transformers_builds(self):
        with gzip.open(ORACLE, "rt") as file:
            records = [json.loads(line) for line in file]
        self.assertEqual(len(records), MODELS)
        lister = Lister()
        self.addCleanup(lister.close)
        check_oracle.listed = lister.listed
        wrong = {}
        with tempfile.TemporaryDirectory(dir="/dev/shm") as root:
            for record in records:
                record["routers_optional"] = True
                if found := check_oracle.compare(None, root, record):
                    wrong[record["class"], record["variant"]] = found[:5]
        self.assertEqual(wrong, {})


if __name__ == "__main__":
    unittest.main()
