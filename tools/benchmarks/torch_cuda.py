"""Times torch on a GPU: fp32 singular values, and fp64 eigenvalues of the Gram matrix (its summing included).

    torch_cuda.py ROWSxCOLS...

Prints JSON, a line for each shape as it is measured: seconds for weights that are on the device, the best of three
where one does not take over 5 s; null for an SVD that would take minutes. Exit code 77 where there is no torch that finds a GPU.
"""

import json
import sys
import time

NOT_HERE = 77


def end_without(reason):
    print(reason, file=sys.stderr)
    sys.exit(NOT_HERE)


try:
    import torch
except ImportError:
    end_without("no torch here")
if not torch.cuda.is_available():
    end_without("this torch finds no GPU")

SLOWEST_SVD = 4096  # of the smaller side
LONG = 5  # seconds


def best_of_three(work):
    times = []
    while len(times) < 3 and max(times, default=0) <= LONG:
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def gram_eigenvalues(weights):
    wide = weights.double() if weights.shape[0] <= weights.shape[1] else weights.double().T
    return torch.linalg.eigvalsh(wide @ wide.T)


def seconds(rows, cols):
    weights = torch.randn(rows, cols, device="cuda", generator=torch.Generator("cuda").manual_seed(1))
    svd = best_of_three(lambda: torch.linalg.svdvals(weights)) if min(rows, cols) <= SLOWEST_SVD else None
    return {"svdvals": svd, "eigvalsh": best_of_three(lambda: gram_eigenvalues(weights))}


print(json.dumps({"part": "device", "device": torch.cuda.get_device_name(), "torch": torch.__version__}), flush=True)
for shape in dict.fromkeys(sys.argv[1:]):
    rows, cols = map(int, shape.split("x"))
    print(json.dumps({"part": "torch", "rows": rows, "cols": cols} | seconds(rows, cols)), flush=True)
