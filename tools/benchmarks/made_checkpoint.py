"""Writes checkpoints of random weights in safetensors format.

The weights are normal, about 0.02, and each row has a factor of its own from a Pareto distribution, which gives the
spectrum its heavy tail. A row is a piece of a pool of random numbers, so that a gigabyte takes seconds; no two rows of a
matrix are the same piece.
"""

import json
import random
import shutil
import struct
from array import array

BYTES = {"F32": 4, "BF16": 2}
POOL = 1 << 20  # where a row can begin
FACTORS = 16


def encoded(values, dtype):
    stored = array("f", values).tobytes()
    if dtype == "F32":
        return stored
    return array("H", stored)[1::2].tobytes()  # the upper half of an fp32


def pools(longest_row, dtype):
    """The same numbers, times each quantile of the factor."""
    numbers = [random.gauss(0, 0.02) for _ in range(POOL + longest_row)]
    factors = [((part + 0.5) / FACTORS) ** -0.4 for part in range(FACTORS)]
    return [encoded([factor * number for number in numbers], dtype) for factor in factors]


def header_of(shapes, dtype):
    header, end = {}, 0
    for name, (rows, cols) in shapes.items():
        begin, end = end, end + rows * cols * BYTES[dtype]
        header[f"{name}.weight"] = {"dtype": dtype, "shape": [rows, cols], "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def write_checkpoint(folder, shapes, dtype):
    """@param shapes  rows and columns of each layer by name; dtype "F32" or "BF16" """
    random.seed(1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    numbers = pools(max(cols for _, cols in shapes.values()), dtype)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(header_of(shapes, dtype))
        for rows, cols in shapes.values():
            for begin in random.sample(range(POOL), rows):
                first = begin * BYTES[dtype]
                file.write(random.choice(numbers)[first:first + cols * BYTES[dtype]])
    return folder
