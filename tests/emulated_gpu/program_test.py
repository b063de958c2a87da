"""alpha-hill with --device cuda on a GPU that the CPU emulates: the CPU's figures on any number of ranks, and whatever
call fails."""

import math
import os
import unittest

import numpy as np

from support.models import model_of, write_fp8
from support.programs import RESULTS, ProgramTest, read_csv, run

LIBRARY = os.environ["ALPHAHILL_EMULATED_GPU"]
PRECISIONS = ("--precisions", "fp64,fp32,fp16,bf16")
# Both kinds of small layers, and one that goes alone.
SHAPES = [(40, 60), (60, 40), (40, 41), (33, 90), (90, 33), (520, 530)]
ILLEGAL_ADDRESS, OUT_OF_MEMORY, INVALID_VALUE = 700, 2, 1
ALWAYS = 1000000
# By what calls it first, before it releases page-locked memory.
UNSEEN = ("cudaStreamSynchronize", ILLEGAL_ADDRESS)
# Those without which there is no device to begin with.
SEARCHING = ("cudaGetDeviceCount", "cudaSetDevice", "cudaGetDeviceProperties", "cudaMemGetInfo")
WORKING = ("cublasCreate", "cublasDdot", "cublasDsyrk", "cublasSetMathMode", "cublasSetStream",
           "cudaDeviceGetAttribute", "cudaDeviceGetDefaultMemPool", "cudaEventCreateWithFlags",
           "cudaEventRecord", "cudaEventSynchronize", "cudaFreeAsync", "cudaFreeHost",
           "cudaLaunchKernelExC", "cudaMallocAsync", "cudaMallocHost", "cudaMemPoolSetAttribute", "cudaMemcpy2DAsync",
           "cudaMemcpyAsync", "cudaMemsetAsync", "cudaStreamCreateWithFlags", "cudaStreamSynchronize",
           "cusolverDnCreate", "cusolverDnCreateParams", "cusolverDnSetDeterministicMode", "cusolverDnSetStream",
           "cusolverDnXsyevBatched",
           "cusolverDnXsyevBatched_bufferSize", "cusolverDnXsyevd", "cusolverDnXsyevd_bufferSize")


def methods_of_equal(rows, others):
    """@return the methods by which the others were had"""
    methods = set()
    for row, other in zip(rows, others, strict=True):
        for method in (name for name in row if name.startswith("method_")):
            alpha = "alpha" + method.removeprefix("method")
            assert math.isclose(float(row[alpha]), float(other[alpha]), rel_tol=1e-9), (row, other)
            methods.add(other[method])
    return methods


class EmulatedGpuTest(ProgramTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(11)
        self.model = model_of([random.standard_t(3, shape) for shape in SHAPES], "bf16").write(self.folder / "model")
        self.of_cpu = self.analyse(self.model, self.folder / "cpu", *PRECISIONS)

    def on_gpu(self, output, ranks=None, **settings):
        """@return rows of the table, and the log"""
        settings = {f"EMULATED_{name}": str(value) for name, value in settings.items()}
        done = self.succeed("alpha-hill", "--model", self.model, "--output-dir", self.folder / output, "--restart",
                            "--individual-plots", "never", "--plot-format", "svg", "--device", "cuda", *PRECISIONS,
                            ranks=ranks, environment=settings | {"LD_PRELOAD": LIBRARY})
        return read_csv(self.folder / output / RESULTS), done.stderr

    def expect_figures_of_cpu(self, rows):
        """@return the methods that they were had by"""
        return methods_of_equal(self.of_cpu, rows)

    def test_figures_of_the_cpu_byte_for_byte_on_any_number_of_ranks(self):
        tables = set()
        for ranks in (1, 2, 3):
            rows, _ = self.on_gpu(f"on {ranks}", ranks)
            self.assertEqual(self.expect_figures_of_cpu(rows), {"gram_eigen_gpu"})
            tables.add((self.folder / f"on {ranks}" / RESULTS).read_bytes())
        self.assertEqual(len(tables), 1)

    def test_what_the_gpu_does_not_cast_is_cast_on_the_host(self):
        """Formats with scales, of plain weights and of those that are stored as codes."""
        random = np.random.default_rng(12)
        codes = write_fp8(self.folder / "codes", random.integers(0, 0x70, (256, 300), np.uint8),
                          random.uniform(0.5, 2, (2, 3)))
        for model in (codes, self.model):
            of_cpu, of_gpu = (
                self.analyse(model, self.folder / f"{model.name} {device}", "--precisions",
                             "bf16,fp8_e4m3,nvfp4,int4_g128", "--device", device, environment={"LD_PRELOAD": LIBRARY})
                for device in ("cpu", "cuda"))
            self.assertEqual(methods_of_equal(of_cpu, of_gpu), {"gram_eigen_gpu"})

    def test_ranks_take_the_gpus_in_turn(self):
        _, log = self.on_gpu("out", ranks=3, GPUS=2)
        self.assertRegex(log, r"emulated GPU \(cuda:0, 8 GiB\) is shared by 2 ranks")
        self.assertNotRegex(log, r"cuda:1, 8 GiB\) is shared")

    def test_a_gpu_that_is_not_there_is_named(self):
        done = run("alpha-hill", "--model", self.model, "--output-dir", self.folder / "out", "--device", "cuda:2",
                   environment={"LD_PRELOAD": LIBRARY, "EMULATED_GPUS": "2"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("--device cuda:2: the last GPU of this node is cuda:1", done.stderr)

    def test_a_layer_too_large_for_the_gpu_is_done_on_the_cpu(self):
        rows, log = self.on_gpu("out", GPU_MEMORY=5 << 20)
        self.assertEqual(self.expect_figures_of_cpu(rows), {"gram_eigen", "gram_eigen_gpu"})
        self.assertIn("a 520 x 530 layer is computed on the CPU instead of the GPU: memory of the GPU", log)

    def test_memory_in_fragments_is_put_together(self):
        rows, log = self.on_gpu("out", GPU_FAULT=f"cudaMallocAsync 3 {OUT_OF_MEMORY} 1")
        self.assertIn("cudaMallocAsync fails", log)
        self.assertEqual(self.expect_figures_of_cpu(rows), {"gram_eigen_gpu"})

    def test_a_gpu_without_memory_pools_gives_the_same_figures(self):
        rows, log = self.on_gpu("out", GPU_POOLS=0)
        self.assertEqual(self.expect_figures_of_cpu(rows), {"gram_eigen_gpu"})
        self.assertNotIn("on the CPU", log)

    def test_where_fp64_is_emulated_the_cpu_computes(self):
        rows, log = self.on_gpu("out", GPU_MATH=1)
        self.assertEqual(self.expect_figures_of_cpu(rows), {"gram_eigen"})
        self.assertIn("cublasSetMathMode: the mode stays 8 instead of 0", log)

    def test_whatever_call_fails_the_run_ends_with_the_same_figures(self):
        for function in WORKING:
            for error in (ILLEGAL_ADDRESS, OUT_OF_MEMORY, INVALID_VALUE):
                with self.subTest(function=function, error=error):
                    rows, log = self.on_gpu("out", GPU_FAULT=f"{function} 1 {error} {ALWAYS}")
                    self.assertIn(f"emulated GPU: {function} fails", log)
                    if function.startswith("cusolver") and error == INVALID_VALUE:
                        self.assertIn("CUSOLVER_STATUS_INVALID_VALUE", log)
                    methods = self.expect_figures_of_cpu(rows)
                    self.assertEqual("gram_eigen" in methods, "on the CPU" in log or "the CPU alone" in log, log)
                    if not function.startswith("cudaFree"):
                        self.assertIn("gram_eigen", methods)
                    if not function.startswith("cudaFree") and (function, error) != UNSEEN:
                        call = "launch_cast" if function == "cudaLaunchKernelExC" else function
                        self.assertIn(f": {call}: ", log, "its status is looked at where it is called")

    def test_a_gpu_that_fails_in_the_middle_is_given_up(self):
        rows, log = self.on_gpu("out", GPU_FAULT=f"cudaLaunchKernelExC 7 {ILLEGAL_ADDRESS} {ALWAYS}")
        self.assertIn("gram_eigen", self.expect_figures_of_cpu(rows))
        self.assertEqual(log.count("the GPU has failed, this rank goes on with the CPU alone"), 1)

    def test_without_a_usable_gpu_one_line_says_why(self):
        for function in SEARCHING:
            with self.subTest(function=function):
                fault = {"EMULATED_GPU_FAULT": f"{function} 1 {ILLEGAL_ADDRESS} {ALWAYS}"}
                done = run("alpha-hill", "--model", self.model, "--output-dir", self.folder / "out", "--device", "cuda",
                           ranks=2, environment=fault | {"LD_PRELOAD": LIBRARY})
                self.assertEqual(done.returncode, 1)
                errors = [line for line in done.stderr.splitlines() if "error" in line and "mpirun" not in line]
                self.assertEqual(len(errors), 1, done.stderr)
                self.assertRegex(errors[0], "--device cuda|" + function)


if __name__ == "__main__":
    unittest.main()
