/// Spectra for the tests of metrics.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

namespace alphahill {

/// 103 eigenvalues: i^2/1000, i = 1 ... 100, and 40, 60, 95. Of these the tests have figures of WeightWatcher 0.7.7 and
/// numpy.
inline std::vector<double> squares_and_spikes() {
  std::vector<double> eigenvalues;
  for (int i = 1; i <= 100; ++i) eigenvalues.push_back(i * i / 1000.0);
  eigenvalues.insert(eigenvalues.end(), {40, 60, 95});
  return eigenvalues;
}

/// What a layer of zeros, copies, one weight or a wild scale leaves behind.
inline std::vector<std::vector<double>> hostile_spectra() {
  constexpr double denormal = std::numeric_limits<double>::denorm_min();
  constexpr double largest = std::numeric_limits<double>::max();
  std::vector<double> ties(40, 2.0);
  std::fill_n(ties.begin(), 20, 1.0);
  std::vector<double> huge;
  std::vector<double> tiny;
  for (int i = 1; i <= 30; ++i) {
    huge.push_back(i * 1e300);
    tiny.push_back(i * denormal);
  }
  std::vector<double> spike(30, 0.0);
  spike.back() = 1;
  return {{},
          {0},
          {3},
          {0, 0},
          {0, 5},
          {1, 2},
          std::vector<double>(100, 0.0),
          std::vector<double>(100, 7.0),
          std::vector<double>(50, largest),
          std::vector<double>(50, denormal),
          ties,
          huge,
          tiny,
          spike,
          {denormal, 1e-300, 1, 1e300},
          {0, denormal, 1e-6, 1e-5, 2e-5}};
}

}  // namespace alphahill
