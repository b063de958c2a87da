"""No stage of a decomposition has become much slower: CPU time against that of dgemm for as many flops, measured together.

The bounds are one and a half times to twice what stages take; what else the machine does changes little of it.
"""

import json
import unittest

from support.programs import run

ORDER = 1024
GRAM_FLOPS = ORDER ** 3
REDUCTION_FLOPS = 4 / 3 * ORDER ** 3


class StagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = run("alpha-hill-stages", 0.5, f"{ORDER}x{ORDER}")
        done.check_returncode()
        cls.shape = json.loads(done.stdout)["shapes"][0]

    def floors(self, stage, flops):
        return self.shape["seconds"][stage] * self.shape["flops"] / flops

    def test_gram_matrix_runs_at_the_rate_of_dgemm(self):
        self.assertLess(self.floors("gram", GRAM_FLOPS), 1.7)

    def test_band_reduction_runs_near_the_rate_of_dgemm(self):
        self.assertLess(self.floors("band", REDUCTION_FLOPS), 2)

    def test_what_follows_the_band_takes_less_than_the_reduction(self):
        self.assertLess(self.floors("chase", REDUCTION_FLOPS) + self.floors("eigenvalues", REDUCTION_FLOPS), 1)


if __name__ == "__main__":
    unittest.main()
