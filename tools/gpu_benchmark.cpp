/// alpha-hill-gpu-benchmark: seconds of the GPU's stages, of layers and of a block, and how far their figures
/// are from the CPU's, as JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "alphahill/spectrum/cuda.hpp"
#include "gpu/measurements.hpp"
#include "spectrum/backends/device/cuda_library.hpp"

namespace alphahill {

namespace {

constexpr int device = 0;
constexpr int repetitions = 3;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::array way_names{"solver", "band"};
constexpr std::array ways{DeviceWays{.first_alone = 0, .first_by_band = never},
                          DeviceWays{.first_alone = 0, .first_by_band = 0}};
constexpr std::array squares{MatrixShape{1024, 1024}, MatrixShape{2048, 2048}, MatrixShape{4096, 4096},
                             MatrixShape{8192, 8192}, MatrixShape{16384, 16384}};
/// Compared with the CPU, which takes half a minute for the last.
constexpr std::array compared{MatrixShape{1024, 1024},  MatrixShape{1024, 4096},  MatrixShape{4096, 4096},
                              MatrixShape{14336, 4096}, MatrixShape{4096, 14336}, MatrixShape{8192, 8192}};
/// The layers of a block of Llama-3.1-8B.
constexpr std::array block{MatrixShape{4096, 4096}, MatrixShape{1024, 4096},  MatrixShape{1024, 4096},
                           MatrixShape{4096, 4096}, MatrixShape{14336, 4096}, MatrixShape{14336, 4096},
                           MatrixShape{4096, 14336}};
/// Matrices that are decomposed together, and their orders.
constexpr std::int64_t count = 32;
constexpr std::array small_orders{64, 128, 256, 512, 1024};

std::string measured_stages(const MatrixShape& shape) {
  const StageTimes times = measure_stages(*cuda_library().make_queue(device), shape, repetitions);
  const double path =
      measure_path([] { return cuda_library().make_queue(device); }, shape, repetitions, DeviceWays{});
  return fmt::format(
      R"({{"rows": {}, "cols": {}, "flops": {:.6g}, "gram": {:.6g}, "solver": {:.6g}, "band": {:.6g}, )"
      R"("band_end": {:.6g}, "path": {:.6g}}})",
      shape.rows, shape.cols, times.product_rate, times.gram, times.solver, times.band, times.band_end, path);
}

/// A shape that was measured before is not measured again.
std::string stages_of(const MatrixShape& shape) {
  static std::map<MatrixShape, std::string> known;
  std::string& stages = known[shape];
  if (stages.empty()) stages = measured_stages(shape);
  return stages;
}

std::string comparisons_of(const MatrixShape& shape) {
  const auto times =
      measure_layer([] { return cuda_library().make_queue(device); }, shape, repetitions, ways);
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < times.size(); ++i) {
    rows.push_back(fmt::format(
        R"({{"rows": {}, "cols": {}, "way": "{}", "seconds": {:.6g}, "cpu": {:.6g}, "eigenvalues": {:.2g}, )"
        R"("alpha": {:.2g}}})",
        shape.rows, shape.cols, way_names[i], times[i].device, times[i].cpu, times[i].eigenvalues,
        times[i].alpha));
  }
  return fmt::format("{}", fmt::join(rows, ",\n"));
}

std::string solver_times_of(std::int64_t order) {
  const SolverTimes times = measure_small(*cuda_library().make_queue(device), order, count, repetitions);
  return fmt::format(R"({{"order": {}, "count": {}, "together": {:.6g}, "alone": {:.6g}}})", order, count,
                     times.together, times.alone);
}

std::string block_times() {
  const int lanes = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 8);
  const double seconds =
      measure_block([] { return cuda_library().make_queue(device); }, lanes, block, repetitions);
  return fmt::format(R"({{"lanes": {}, "seconds": {:.6g}}})", lanes, seconds);
}

template <class Items, class Measure>
std::string each(const Items& items, const Measure& measure) {
  std::vector<std::string> found;
  for (const auto& item : items) found.push_back(measure(item));
  return fmt::format("[{}]", fmt::join(found, ",\n"));
}

void print_all(const std::string& name) {
  fmt::print("{{\"device\": \"{}\",\n", name);
  fmt::print("\"squares\": {},\n", each(squares, stages_of));
  fmt::print("\"block_layers\": {},\n", each(block, stages_of));
  fmt::print("\"block\": {},\n", block_times());
  fmt::print("\"small\": {},\n", each(small_orders, solver_times_of));
  fmt::print("\"compared\": {}}}\n", each(compared, comparisons_of));
}

}  // namespace

}  // namespace alphahill

int main() {
  try {
    alphahill::print_all(alphahill::find_cuda_device(alphahill::device).name);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "alpha-hill-gpu-benchmark: error: {}\n", error.what());
    return 1;
  }
}
