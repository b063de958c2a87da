"""Layers that could break the arithmetic: every kind of matrix in many shapes, the same ones in every run."""

import zlib
from dataclasses import dataclass

import numpy as np

from support.models import with_singular_values
from support.programs import REPOSITORY
from support.safetensors_files import read_safetensors

MODELS = REPOSITORY.parent / "shared/models"


@dataclass
class HostileLayer:
    kind: str
    weights: np.ndarray  # not yet rounded to `stored`
    stored: str = "fp32"

    def __str__(self):
        rows, cols = self.weights.shape
        return f"{self.kind}, {rows} x {cols} in {self.stored}"


# The smaller side is the order. 12: from there on four QL sweeps at a time. 24: the band. 32 x 64: blocks of thin
# products. 96: updates that the band reduction holds back. 192: the block columns of teams. (5500, 400): more than one
# panel of 16 MiB.
SMALL_SHAPES = [(1, 9), (2, 2), (3, 70), (11, 30), (12, 12), (40, 13), (24, 31), (130, 65), (97, 96), (128, 300),
                (191, 200), (193, 193)]
MEDIUM_SHAPES = [(256, 500), (384, 384)]
# One stage up to 639, two from 640 on; 641, 648 and 672 leave 17, none and none of the 24 columns of a panel.
LARGE_SHAPES = [(639, 650), (640, 640), (700, 641), (648, 660), (672, 680), (1024, 1030)]


def low_rank(random, rows, cols, rank):
    return random.standard_normal((rows, rank)) @ random.standard_normal((rank, cols))


def rank_of_part(divisor):
    return lambda random, rows, cols: low_rank(random, rows, cols, max(min(rows, cols) // divisor, 1))


def integers_of_low_rank(random, rows, cols):
    rank = max(min(rows, cols) // 4, 1)
    return random.integers(-3, 4, (rows, rank)) @ random.integers(-3, 4, (rank, cols)) * 1.0


def repeated_rows(random, rows, cols):
    distinct = random.standard_normal((rows // 3 + 1, cols))
    return distinct[np.arange(rows) % len(distinct)]


def with_zeros(zero):
    """Random, but for what `zero(rows, cols)` selects."""
    def matrix(random, rows, cols):
        weights = random.standard_normal((rows, cols))
        weights[zero(rows, cols)] = 0
        return weights
    return matrix


def two_of_four(random, rows, cols):
    """The two largest of each four entries of a row stay."""
    weights = random.standard_normal((rows, cols))
    fours = weights[:, :cols // 4 * 4].reshape(rows, -1, 4)
    np.put_along_axis(fours, np.abs(fours).argsort(axis=2)[:, :, :2], 0, axis=2)
    weights[:, :cols // 4 * 4] = fours.reshape(rows, -1)
    return weights


def random_times(factors):
    """A random matrix times `factors(rows, cols)`."""
    return lambda random, rows, cols: random.standard_normal((rows, cols)) * factors(rows, cols)


def with_spectrum(singular_values):
    """Random singular vectors, singular values as a function of their number."""
    def matrix(random, rows, cols):
        tall = with_singular_values(singular_values(min(rows, cols)), max(rows, cols), random)
        return tall if rows > cols else tall.T
    return matrix


def of_positions(entry):
    """`entry(i, j, random)`, a function of all row numbers and column numbers at once."""
    return lambda random, rows, cols: entry(*np.indices((rows, cols), sparse=True), random)


def adapter(random, rows, cols):
    return 0.02 * random.standard_normal((rows, cols)) + 0.1 * low_rank(random, rows, cols, 4)


KINDS = {
    "random": random_times(lambda rows, cols: 1),
    "rank n/2": rank_of_part(2),
    "rank n/8": rank_of_part(8),
    "rank n/32": rank_of_part(32),
    "rank 1": lambda random, rows, cols: low_rank(random, rows, cols, 1),
    "integers of rank n/4": integers_of_low_rank,
    "repeated rows": repeated_rows,
    "zero rows": with_zeros(lambda rows, cols: np.s_[rows // 3:2 * rows // 3]),
    "zero columns": with_zeros(lambda rows, cols: np.s_[:, ::2]),
    "zero block": with_zeros(lambda rows, cols: np.s_[rows // 2:, cols // 4:]),
    "all zero": with_zeros(lambda rows, cols: np.s_[:]),
    "one entry": with_zeros(lambda rows, cols: np.s_[np.arange(rows * cols).reshape(rows, cols) != cols]),
    "2:4 sparse": two_of_four,
    "98% sparse": lambda random, *shape: random.standard_normal(shape) * (random.random(shape) < 0.02),
    "rows over 6 decades": random_times(lambda rows, cols: np.logspace(0, -6, rows)[:, None]),
    "rows and columns over 6 decades": random_times(
        lambda rows, cols: np.logspace(0, -3, rows)[:, None] * np.logspace(-3, 0, cols)),
    "geometric": with_spectrum(lambda n: np.logspace(0, -4, n)),
    "steep geometric": with_spectrum(lambda n: np.logspace(0, -8, n)),
    "clustered": with_spectrum(lambda n: np.where(np.arange(n) < n // 2, 1, 1e-3)),
    "flat": with_spectrum(np.ones),
    "spiked": with_spectrum(lambda n: np.where(np.arange(n) < 2, 100.0, 1)),
    "diagonal": of_positions(lambda i, j, random: (i == j) * np.cosh(i % 7)),
    "block-diagonal": of_positions(lambda i, j, random: (i // 16 == j // 16) * random.random((len(i), j.size))),
    "Toeplitz": of_positions(lambda i, j, random: 1 / (1 + np.abs(i - j))),
    "shifted": of_positions(lambda i, j, random: 1.0 * (j == i + 1)),
    "Hilbert": of_positions(lambda i, j, random: 1 / (1 + i + j)),
    "triangle of ones": of_positions(lambda i, j, random: 1.0 * (i >= j)),
    "periodic": of_positions(lambda i, j, random: np.sin(2 * np.pi * (i + 3 * j) / 16)),
    "+-1": lambda random, *shape: random.choice([-1.0, 1.0], shape),
    "constant": lambda random, *shape: np.full(shape, 0.1),
    "merged adapter": adapter,
    "scale 1e-20": random_times(lambda rows, cols: 1e-20),
    "scale 1e-40": random_times(lambda rows, cols: 1e-40),
    "scale 1e15": random_times(lambda rows, cols: 1e15),
    "Student t": lambda random, *shape: 0.02 * random.standard_t(1.5, shape),
    "Cauchy": lambda random, *shape: random.standard_cauchy(shape),
}
# Kinds that leave few eigenvalues above zero or many that agree: what a tridiagonal iteration can stumble over.
MOST_HOSTILE = ("rank n/8", "rank n/32", "integers of rank n/4", "repeated rows", "zero rows", "zero columns",
                "zero block", "98% sparse", "rows over 6 decades", "clustered", "block-diagonal", "Toeplitz",
                "periodic", "Student t")


def make(kind, shape, stored="fp32"):
    random = np.random.default_rng([zlib.crc32(kind.encode()), *shape])
    return HostileLayer(kind, KINDS[kind](random, *shape), stored)


def combinations(kinds, shapes):
    return [make(kind, shape) for kind in kinds for shape in shapes]


def groups():
    """All kinds in all shapes, in large ones the most hostile kinds."""
    yield combinations(KINDS, SMALL_SHAPES)
    yield combinations(KINDS, MEDIUM_SHAPES)
    yield [make(kind, (150, 210), "bf16") for kind in KINDS]
    yield [make(kind, (140, 96), "fp16") for kind in KINDS]
    yield combinations(MOST_HOSTILE, LARGE_SHAPES)


def groups_for_teams():
    """Of one shape each, with columns for both members of a team of two; tall, so that a team saves memory."""
    for shape in ((650, 641), (900, 770), (1030, 1000)):
        yield combinations(MOST_HOSTILE, [shape])


def most_hostile_group():
    return combinations(MOST_HOSTILE, [(12, 12), (193, 193), (256, 500), (384, 384), (648, 660)])


def noisy_groups(rounds):
    """Two layers at whose spectra the program has failed, then all of a real model, so many times, with noise of 1% of
    their standard deviation: as the two have."""
    yield [HostileLayer(name, weights) for name, weights in linear_weights(MODELS / "noisy-minilm")]
    for seed in range(rounds):
        noise = np.random.default_rng(seed)
        yield [HostileLayer(f"{name} with noise {seed}", weights + noise.normal(0, 0.01 * weights.std(), weights.shape))
               for name, weights in linear_weights(MODELS / "all-MiniLM-L6-v2")]


def linear_weights(model):
    return [(name, weights) for name, weights in read_safetensors(model / "model.safetensors").items()
            if weights.ndim == 2 and "embeddings" not in name]
