/// alpha-hill-gpu-benchmark: seconds of the GPU's stages, of layers and of a block, and how far their figures are from
/// the CPU's. Each is a line of JSON, printed as soon as it is known.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "alphahill/spectrum/cuda.hpp"
#include "gpu/command_line.hpp"
#include "gpu/measurements.hpp"
#include "gpu/probes/finding.hpp"
#include "spectrum/backends/device/cuda_library.hpp"

namespace alphahill {

namespace {

using probes::Finding;

constexpr int device = 0;
constexpr int repetitions = 3;
/// From here on once is enough: it takes many seconds.
constexpr std::int64_t first_measured_once = 8192;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::array way_names{"solver", "band"};
constexpr std::array ways{DeviceWays{.first_alone = 0, .first_by_band = never},
                          DeviceWays{.first_alone = 0, .first_by_band = 0}};
constexpr std::array<std::int64_t, 6> squares{512, 1024, 2048, 4096, 8192, 16384};
/// Compared with the CPU, which takes half a minute for the last.
constexpr std::array compared{MatrixShape{1024, 1024},  MatrixShape{1024, 4096},  MatrixShape{4096, 4096},
                              MatrixShape{14336, 4096}, MatrixShape{4096, 14336}, MatrixShape{8192, 8192}};
/// The layers of a block of Llama-3.1-8B, and how many there are of each.
struct BlockLayer {
  MatrixShape shape;
  int count;
};
constexpr std::array block{BlockLayer{{4096, 4096}, 2}, BlockLayer{{1024, 4096}, 2},
                           BlockLayer{{14336, 4096}, 2}, BlockLayer{{4096, 14336}, 1}};
/// Matrices that are decomposed together, and their orders.
constexpr std::int64_t count = 32;
constexpr std::array<std::int64_t, 5> small_orders{64, 128, 256, 512, 1024};

struct Request {
  std::vector<std::string> parts;
  std::int64_t largest = 16384;
  std::vector<std::int64_t> lanes{1, 2, 4, 8};
  std::vector<std::int64_t> first_by_band{1024, 4096, 16384};  // all layers of the block, those of 4096, none
};

std::unique_ptr<DeviceQueue> make_queue() {
  return cuda_library().make_queue(device);
}

MatrixShape at_most(const MatrixShape& shape, std::int64_t largest) {
  return {std::min(shape.rows, largest), std::min(shape.cols, largest)};
}

/// The stages of a decomposition one by one, then all of them.
Finding stages_of(const char* part, const MatrixShape& shape) {
  const int times_measured = std::min(shape.rows, shape.cols) < first_measured_once ? repetitions : 1;
  const StageTimes times = measure_stages(*make_queue(), shape, times_measured);
  return Finding(part)
      .with("rows", shape.rows)
      .with("cols", shape.cols)
      .with("flops", times.product_rate)
      .with("gram", times.gram)
      .with("solver", times.solver)
      .with("band", times.band)
      .with("band_end", times.band_end)
      .with("path", measure_path(make_queue, shape, times_measured, DeviceWays{}));
}

void print_ways(const Request& request) {
  for (const std::int64_t order : squares) {
    if (order > request.largest && order > squares.front()) continue;
    const std::int64_t n = std::min(order, request.largest);
    stages_of("ways", {n, n}).with("order", n).print();
  }
}

void print_small(const Request& request) {
  for (const std::int64_t order : small_orders) {
    if (order > request.largest && order > small_orders.front()) continue;
    const SolverTimes times = measure_small(*make_queue(), order, count, repetitions);
    Finding("small")
        .with("order", order)
        .with("count", count)
        .with("together", times.together)
        .with("alone", times.alone)
        .print();
  }
}

void print_compared(const Request& request) {
  for (const MatrixShape& whole : compared) {
    const MatrixShape shape = at_most(whole, request.largest);
    const auto times = measure_layer(make_queue, shape, repetitions, ways);
    for (std::size_t i = 0; i < times.size(); ++i) {
      Finding("compared")
          .with("rows", shape.rows)
          .with("cols", shape.cols)
          .with("way", way_names[i])
          .with("seconds", times[i].device)
          .with("cpu", times[i].cpu)
          .with("eigenvalues", times[i].eigenvalues)
          .with("alpha", times[i].alpha)
          .print();
    }
  }
}

void print_block(const Request& request) {
  std::vector<MatrixShape> shapes;
  for (const BlockLayer& layer : block)
    shapes.insert(shapes.end(), static_cast<std::size_t>(layer.count), at_most(layer.shape, request.largest));
  std::vector<BlockSetting> settings;
  for (const std::int64_t lanes : request.lanes) {
    for (const std::int64_t first_by_band : request.first_by_band)
      settings.push_back({static_cast<int>(lanes), {.first_by_band = first_by_band}});
  }
  measure_block(make_queue, shapes, repetitions, settings, [](const BlockSetting& setting, double seconds) {
    Finding("block")
        .with("lanes", setting.lanes)
        .with("first_by_band", setting.ways.first_by_band)
        .with("seconds", seconds)
        .print();
  });
  for (const BlockLayer& layer : block)
    stages_of("block_layer", at_most(layer.shape, request.largest)).with("in_block", layer.count).print();
}

struct Part {
  const char* name;
  const char* measures;
  void (*print)(const Request&);
};
constexpr std::array parts{
    Part{"small", "matrices of orders 64 to 1024 by one call of the solver, and by a call each", print_small},
    Part{"ways", "the stages of squares of 512 to 16384: Gram matrix, solver, band and its end", print_ways},
    Part{"compared", "layers by the solver and by the band against one core of the CPU", print_compared},
    Part{"block", "a block of Llama-3.1-8B by numbers of lanes and orders of the band; its layers",
         print_block}};

void print_help() {
  fmt::print(
      "alpha-hill-gpu-benchmark [options] [PART...]\n\n"
      "Measures the GPU backend; prints a line of JSON for each figure.\n\n"
      "  --largest N             sides of matrices are cut to this (16384)\n"
      "  --lanes LIST            layers of the block at a time (1,2,4,8)\n"
      "  --first-by-band LIST    orders from which its layers go by the band (1024,4096,16384)\n\n"
      "Parts (default: all):\n");
  for (const Part& part : parts) fmt::print("  {:<10} {}\n", part.name, part.measures);
}

Request parse(const Words& words) {
  Request request;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--largest") {
      request.largest = numbers_of_option(words, i).front();
    } else if (words[i] == "--lanes") {
      request.lanes = numbers_of_option(words, i);
    } else if (words[i] == "--first-by-band") {
      request.first_by_band = numbers_of_option(words, i);
    } else {
      request.parts.emplace_back(entry_of(parts, words[i]).name);
    }
  }
  if (request.parts.empty()) {
    for (const Part& part : parts) request.parts.emplace_back(part.name);
  }
  return request;
}

void run(const Words& words) {
  if (asks_for_help(words)) return print_help();
  const Request request = parse(words);
  Finding("device").with("name", std::string_view(find_cuda_device(device).name)).print();
  for (const std::string& name : request.parts) entry_of(parts, name).print(request);
}

}  // namespace

}  // namespace alphahill

int main(int argc, char** argv) {
  return alphahill::run_program("alpha-hill-gpu-benchmark", argc, argv, alphahill::run);
}
