"""Times the method of the script that alphahill replaces: for each layer and precision a cast, then an SVD in fp32.

    torch_svdvals.py MODEL.safetensors [--full]

Prints JSON: the seconds that all layers take at fp32, fp16 and bf16, on all cores. Without --full one layer of each shape
is measured at one precision and counts for the others, since the time depends on the shape alone.
"""

import json
import mmap
import os
import struct
import sys
import time
from collections import Counter

import torch

DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16}
PRECISIONS = (torch.float32, torch.float16, torch.bfloat16)


def layers_of(path):
    with open(path, "rb") as file:
        stored = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    begin = 8 + struct.unpack("<Q", stored[:8])[0]
    for entry in json.loads(stored[8:begin]).values():
        rows, cols = entry["shape"]
        weights = torch.frombuffer(stored, dtype=DTYPES[entry["dtype"]], count=rows * cols,
                                   offset=begin + entry["data_offsets"][0])
        yield weights.reshape(rows, cols)


def seconds_of(weights, precision):
    start = time.perf_counter()
    torch.linalg.svdvals(weights.to(torch.float32).to(precision).to(torch.float32))
    return time.perf_counter() - start


def main():
    layers = list(layers_of(sys.argv[1]))
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if "--full" in sys.argv:
        seconds = sum(seconds_of(weights, precision) for weights in layers for precision in PRECISIONS)
    else:
        of_shape = {weights.shape: weights for weights in layers}
        times = Counter(weights.shape for weights in layers)
        seconds = sum(len(PRECISIONS) * times[shape] * seconds_of(of_shape[shape], torch.float32) for shape in of_shape)
    print(json.dumps({"seconds": seconds, "torch": torch.__version__}))


main()
