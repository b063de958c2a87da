"""What torch takes on the same GPU for the layers of alpha-hill-gpu-benchmark: fp32 singular values, and fp64
eigenvalues of the Gram matrix (its summing included). The best of three, in seconds, as a table."""

import sys
import time

try:
    import torch
except ImportError:
    sys.exit("no torch here: nothing to compare with but cuSOLVER, which the benchmark has measured")
if not torch.cuda.is_available():
    sys.exit("this torch finds no GPU: nothing to compare with but cuSOLVER, which the benchmark has measured")

SQUARES = [(n, n) for n in (1024, 2048, 4096, 8192, 16384)]
BLOCK = [(4096, 4096), (1024, 4096), (1024, 4096), (4096, 4096), (14336, 4096), (14336, 4096), (4096, 14336)]
SLOWEST_SVD = 8192  # of the smaller side


def best_of_three(work):
    times = []
    for _ in range(3):
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
    svd = best_of_three(lambda: torch.linalg.svdvals(weights)) if min(rows, cols) <= SLOWEST_SVD else float("nan")
    return svd, best_of_three(lambda: gram_eigenvalues(weights))


print(f"torch {torch.__version__}\n")
print("| layer | svdvals fp32 s | eigvalsh fp64 of the Gram matrix s |\n|---|---|---|")
for shape in SQUARES:
    print("| {} x {} | {:.4f} | {:.4f} |".format(*shape, *seconds(*shape)), flush=True)
known = {shape: seconds(*shape) for shape in set(BLOCK)}
totals = [sum(known[shape][i] for shape in BLOCK) for i in (0, 1)]
print("| block of Llama-3.1-8B | {:.4f} | {:.4f} |".format(*totals))
