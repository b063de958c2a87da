/// alpha-hill-stages: measures each stage of a decomposition on one core, beside the rate of BLAS's dgemm.
///
///   alpha-hill-stages SECONDS ROWSxCOLS...
///
/// Prints JSON: the kernels that OpenBLAS uses, and for each shape the flops a second of dgemm and the CPU
/// seconds of every stage, the best of as many turns as fit into SECONDS, of three at least.
#include <cblas.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/blas.hpp"
#include "spectrum/reduce/band_reduction.hpp"

namespace alphahill {

namespace {

/// Weights in the host's memory, as the file holds them.
class Weights {
 public:
  Weights(std::int64_t rows, std::int64_t cols)
      : values_(static_cast<std::size_t>(rows * cols)),
        matrix_(plain_shape(rows, cols, ElementFormat::fp32),
                [this](const Block& block, std::span<std::byte> bytes) { read(block, bytes.data()); }) {
    std::mt19937_64 random(1);
    std::normal_distribution<float> normal(0, 0.02F);
    for (float& value : values_) value = normal(random);
  }
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const WeightSource& matrix() const { return matrix_; }

 private:
  void read(const Block& block, std::byte* to) const {
    const std::size_t row_bytes = static_cast<std::size_t>(block.cols) * sizeof(float);
    for (std::int64_t row = block.row; row < block.row + block.rows; ++row, to += row_bytes) {
      std::memcpy(to, values_.data() + row * matrix_.cols() + block.col, row_bytes);
    }
  }

  std::vector<float> values_;
  PlainWeights matrix_;
};

double cpu_seconds_of(const std::function<void()>& stage) {
  const std::clock_t start = std::clock();
  stage();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// The least seconds that each stage has taken.
class Stages {
 public:
  void measure(std::string_view stage, const std::function<void()>& run) { note(stage, cpu_seconds_of(run)); }

  void note(std::string_view stage, double seconds) {
    const auto [found, first] = least_.try_emplace(stage, seconds);
    if (!first) found->second = std::min(found->second, seconds);
  }

  double operator[](std::string_view stage) const { return least_.at(stage); }

  std::string json() const {
    std::vector<std::string> fields;
    for (const auto& [stage, seconds] : least_)
      fields.push_back(fmt::format(R"("{}": {:.6g})", stage, seconds));
    return fmt::format("{}", fmt::join(fields, ", "));
  }

 private:
  std::map<std::string_view, double> least_;
};

constexpr int product_order = 1024;

void multiply_squares() {
  constexpr int n = product_order;
  static const std::vector<double> factor(std::size_t{n} * n, 1.5);
  static std::vector<double> product(factor.size());
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, factor.data(), n, factor.data(), n, 0,
              product.data(), n);
}

/// The Gram matrix, from a reading that compares the three usual casts as it goes.
SymmetricShare gram_of(const WeightSource& matrix, Stages& stages) {
  SingleRank alone;
  CastSurvey survey({ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, matrix.shape());
  SymmetricShare gram(matrix.order(), alone);
  double products = 0;
  const double all = cpu_seconds_of([&] {
    for_each_panel(
        matrix, {ElementFormat::fp32, ElementFormat::fp32}, &survey, alone, [&](const Panel& panel) {
          products += cpu_seconds_of([&] { gram.add_gram(panel.values.data(), panel.depth, matrix.wide()); });
        });
  });
  stages.note("casts", all - products);
  stages.note("gram", products);
  return gram;
}

/// To tridiagonal form, the way that one rank takes at this order.
Tridiagonal reduced(SymmetricShare gram, Stages& stages) {
  Tridiagonal result;
  if (gram.order() < two_stages_from) {
    const lapack::Result values{gram.at(0, 0), gram.leading_dimension()};
    stages.measure("one_stage", [&] { result = lapack::reduce_to_tridiagonal(gram.order(), values); });
    return result;
  }
  SingleRank alone;
  std::optional<SymmetricBand> band;
  stages.measure("band", [&] { band.emplace(reduce_to_band(gram, alone)); });
  stages.measure("chase", [&] { result = band->tridiagonal(); });
  return result;
}

void take_turn(const WeightSource& matrix, Stages& stages) {
  stages.measure("product", multiply_squares);
  Tridiagonal tridiagonal = reduced(gram_of(matrix, stages), stages);
  stages.measure("eigenvalues", [&] { tridiagonal_eigenvalues(std::move(tridiagonal)); });
}

/// Like a run of many layers, whose memory the first large one that is freed makes the allocator keep.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 16 << 20);
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

/// A turn has every stage once, so that a machine whose speed changes does so for all of them.
std::string measured(std::int64_t rows, std::int64_t cols, double seconds) {
  constexpr double product_flops = 2.0 * product_order * product_order * product_order;
  const Weights weights(rows, cols);
  Stages stages;
  constexpr int fewest_turns = 3;
  double spent = 0;
  for (int turn = 0; turn < fewest_turns || spent < seconds; ++turn) {
    spent += cpu_seconds_of([&] { take_turn(weights.matrix(), stages); });
  }
  return fmt::format(R"({{"rows": {}, "cols": {}, "flops": {:.6g}, "seconds": {{{}}}}})", rows, cols,
                     product_flops / stages["product"], stages.json());
}

std::vector<std::string> measured(std::span<char*> shapes, double seconds) {
  std::vector<std::string> found;
  for (const std::string shape : shapes) {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    if (std::sscanf(shape.c_str(), "%ldx%ld", &rows, &cols) != 2 || rows < 1 || cols < 1) {
      throw Error(Fault::usage, shape, "expected ROWSxCOLS");
    }
    found.push_back(measured(rows, cols, seconds));
  }
  return found;
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  using namespace alphahill;
  set_blas_threads(1);
  keep_freed_memory();
  try {
    if (argc < 3) throw Error(Fault::usage, "arguments", "expected SECONDS ROWSxCOLS...");
    const auto shapes = measured(std::span(argv + 2, argv + argc), std::stod(argv[1]));
    fmt::print("{{\"openblas\": \"{}\", \"kernels\": \"{}\", \"shapes\": [\n{}]}}\n", openblas_get_config(),
               openblas_get_corename(), fmt::join(shapes, ",\n"));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "alpha-hill-stages: error: {}\n", error.what());
    return 1;
  }
}
