/// alpha-hill-metrics: how long the metrics of 4,096 eigenvalues take on one core.
///
/// Prints JSON: milliseconds of the fit of the power law and of all metrics by the kind of spectrum, the least of several
/// turns.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"

namespace alphahill {

namespace {

constexpr std::size_t order = 4096;
constexpr std::int64_t larger_side = 14336;

struct Kind {
  const char* name;
  double (*eigenvalue)(double part, double normal);  ///< of a uniform and of a normal number
};

/// A power law takes longest: all of its tails fit.
constexpr std::array kinds{
    Kind{"power law", [](double part, double) { return std::pow(part, -2.0 / 3); }},
    Kind{"log-normal", [](double, double normal) { return std::exp(2 * normal); }},
    Kind{"bulk", [](double part, double) { return 0.2 + 4 * part * part; }},
};

std::vector<double> spectrum_of(const Kind& kind) {
  std::minstd_rand random(1);
  std::uniform_real_distribution<double> uniform(1e-9, 1);
  std::normal_distribution<double> normal;
  std::vector<double> eigenvalues(order);
  for (double& eigenvalue : eigenvalues) {
    const double part = uniform(random);
    eigenvalue = kind.eigenvalue(part, normal(random));
  }
  std::ranges::sort(eigenvalues);
  return eigenvalues;
}

template <class Action>
double least_milliseconds(Action action) {
  constexpr int turns = 10;
  double least = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn < turns; ++turn) {
    const std::clock_t start = std::clock();
    action();
    least = std::min(least, static_cast<double>(std::clock() - start) * 1e3 / CLOCKS_PER_SEC);
  }
  return least;
}

void measure() {
  const std::vector<std::string> all{"all"};
  const std::vector<std::string> names = parse_spectral_metrics(all, "metrics");
  std::vector<std::string> fields;
  for (const Kind& kind : kinds) {
    const std::vector<double> eigenvalues = spectrum_of(kind);
    const double power_law = least_milliseconds([&] { fit_power_law(eigenvalues); });
    const double metrics = least_milliseconds([&] { spectral_metrics(eigenvalues, larger_side, names); });
    fields.push_back(
        fmt::format(R"("{}": {{"power_law": {:.4g}, "all": {:.4g}}})", kind.name, power_law, metrics));
  }
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
