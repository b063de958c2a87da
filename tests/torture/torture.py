"""Runs alpha-hill on hostile layers and compares every eigenvalue and alpha with numpy's.

With the kernels that are in use here, or, with --other-kernels, the most hostile layers with each of the others. With
ALPHAHILL_ALL_KERNELS in the environment all layers either way, and 20 rounds of noise on real ones.
"""

import argparse
import os
import sys
import tempfile
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's, of which several threads make use

import hostile_layers
from checkpoint import Checkpoint, Tally
from kernel_choices import other_choices

ALL = "ALPHAHILL_ALL_KERNELS" in os.environ
LEAST_LAYERS = 500  # of the run with the kernels in use here: fewer are made only by mistake


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=int, default=20 if ALL else 1,
                        help="rounds of noise on all layers of a real model (%(default)s)")
    parser.add_argument("--other-kernels", action="store_true")
    return parser.parse_args()


def all_checks(rounds):
    """(layers of a checkpoint, the check that they are for)"""
    yield from ((layers, Checkpoint.check_ranks) for layers in hostile_layers.groups())
    yield from ((layers, Checkpoint.check_team) for layers in hostile_layers.groups_for_teams())
    if hostile_layers.MODELS.is_dir():
        yield from ((layers, Checkpoint.check_ranks) for layers in hostile_layers.noisy_groups(rounds))
    else:
        print(f"torture: real weights are skipped: {hostile_layers.MODELS} is not there")


def torture(checks, choices):
    """A tally for each choice of kernels, with the seconds that it took."""
    tallies = [Tally() for _ in choices]
    for layers, check in checks:
        with tempfile.TemporaryDirectory(prefix="alphahill-") as folder:
            checkpoint = Checkpoint(layers, folder)
            for environment, tally in zip(choices, tallies):
                start = time.monotonic()
                try:
                    check(checkpoint, tally, environment)
                except RuntimeError as error:
                    tally.defects.append(str(error))
                tally.seconds += time.monotonic() - start
    return tallies


def main():
    arguments = parse_arguments()
    choices = other_choices() if arguments.other_kernels else [{}]
    checks = (all_checks(arguments.noise) if ALL or not arguments.other_kernels
              else [(hostile_layers.most_hostile_group(), Checkpoint.check_ranks)])
    if not choices:
        print("torture: there are no other kernels to choose here")
        return 1
    tallies = torture(checks, choices)
    if not arguments.other_kernels and tallies[0].layers < LEAST_LAYERS:
        tallies[0].defects.append(f"only {tallies[0].layers} layers were checked, fewer than {LEAST_LAYERS}")
    for environment, tally in zip(choices, tallies):
        print("".join(f"  {defect}\n" for defect in tally.defects), end="")
        kernels = " ".join(f"{name}={value}" for name, value in environment.items())
        print(f"torture: {tally}, {kernels or 'with the kernels in use here'}")
    return 1 if any(tally.defects for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
