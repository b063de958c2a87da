/// alpha-hill-casts: how long the cast of a weight to each precision takes on one core, its scale included, of blocks of
/// rows that stay in the caches.
///
/// Prints JSON: nanoseconds a weight by the precision's name, the least of several turns.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/precision_cast.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t rows = 16;
constexpr std::int64_t cols = 4096;

std::vector<float> weights() {
  std::minstd_rand random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * cols);
  std::ranges::generate(values, [&] { return normal(random); });
  return values;
}

double nanoseconds_to_cast(const Precision& precision, const std::vector<float>& values) {
  constexpr int times = 20;
  PrecisionCast cast(precision, plain_shape(rows, cols, ElementFormat::fp32));
  const PanelPlace place{0, 0, cols};
  std::vector<float> rounded(values.size());
  const std::clock_t start = std::clock();
  for (int i = 0; i < times; ++i) {
    if (cast.needs_first_pass()) cast.observe(values, place, 0);
    cast.cast(values, place, 0, rounded);
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return seconds / times / static_cast<double>(values.size()) * 1e9;
}

void measure() {
  constexpr int turns = 5;
  const std::vector<float> values = weights();
  std::map<std::string_view, double> least;
  for (int turn = 0; turn < turns; ++turn) {
    for (const Precision& precision : all_precisions()) {
      const double taken = nanoseconds_to_cast(precision, values);
      const auto [found, first] = least.try_emplace(precision.name, taken);
      if (!first) found->second = std::min(found->second, taken);
    }
  }
  std::vector<std::string> fields;
  for (const auto& [name, taken] : least) fields.push_back(fmt::format(R"("{}": {:.4g})", name, taken));
  fmt::print("{{{}}}\n", fmt::join(fields, ", "));
}

}  // namespace

}  // namespace alphahill

int main() {
  try {
    alphahill::measure();
  } catch (const alphahill::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
