/// alpha-hill-gpu-benchmark: rates of the GPU's stages and layers, and their figures against the CPU's, as
/// tables.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <exception>

#include "alphahill/spectrum/cuda.hpp"
#include "gpu/measurements.hpp"
#include "spectrum/device/cuda_queue.hpp"

namespace alphahill {

namespace {

constexpr int device = 0;
constexpr int repetitions = 3;
/// The layers of a block of Llama-3.1-8B.
constexpr std::array block{MatrixShape{4096, 4096}, MatrixShape{1024, 4096},  MatrixShape{1024, 4096},
                           MatrixShape{4096, 4096}, MatrixShape{14336, 4096}, MatrixShape{14336, 4096},
                           MatrixShape{4096, 14336}};

void print_stages() {
  fmt::print(
      "| n | dgemm TFLOP/s | Gram s | solver s | band s | its end on a core s | solver / dgemm rate | band / "
      "dgemm rate |\n"
      "|---|---|---|---|---|---|---|---|\n");
  const auto queue = make_cuda_queue(device);
  for (const std::int64_t n : {1024, 2048, 4096, 8192, 16384}) {
    const StageTimes times = measure_stages(*queue, {n, n}, repetitions);
    const double reduction =
        4.0 / 3 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
    fmt::print("| {} | {:.2f} | {:.4f} | {:.4f} | {:.4f} | {:.4f} | {:.3f} | {:.3f} |\n", n,
               times.product_rate / 1e12, times.gram, times.solver, times.band, times.band_end,
               reduction / times.solver / times.product_rate, reduction / times.band / times.product_rate);
    std::fflush(stdout);
  }
}

/// @return seconds on the device
double print_layer(const MatrixShape& shape, bool by_band) {
  const LayerTimes times = measure_layer(make_cuda_queue(device), shape, repetitions, by_band);
  fmt::print("| {} x {} | {} | {:.4f} | {:.2f} | {:.3f} | {:.1e} | {:.1e} |\n", shape.rows, shape.cols,
             by_band ? "band" : "solver", times.device, flops(shape) / times.device / 1e12, times.cpu,
             times.eigenvalues, times.alpha);
  std::fflush(stdout);
  return times.device;
}

void print_layers() {
  fmt::print(
      "| layer, bf16 | way | GPU s | TFLOP/s | CPU core s | eigenvalues differ by | alpha differs by |\n"
      "|---|---|---|---|---|---|---|\n");
  for (const std::int64_t n : {1024, 2048, 4096, 8192}) {
    for (const bool by_band : {false, true}) print_layer({n, n}, by_band);
  }
  for (const bool by_band : {false, true}) {
    double seconds = 0;
    for (const MatrixShape& shape : block) seconds += print_layer(shape, by_band);
    fmt::print("| block of Llama-3.1-8B, one after another | {} | {:.4f} | | | | |\n",
               by_band ? "band" : "solver", seconds);
  }
}

}  // namespace

}  // namespace alphahill

int main() {
  try {
    fmt::print("{}\n\n", alphahill::find_cuda_device(alphahill::device).name);
    alphahill::print_stages();
    fmt::print("\n");
    alphahill::print_layers();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "alpha-hill-gpu-benchmark: error: {}\n", error.what());
    return 1;
  }
}
