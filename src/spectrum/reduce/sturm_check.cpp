#include "spectrum/reduce/sturm_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/vector_register.hpp"

namespace alphahill {

namespace {

/// Registers of numbers that are counted side by side, so that several chains of divisions run at a time.
constexpr int registers = 4;
/// The numbers are a multiple of it, whatever the level.
constexpr std::size_t numbers_at_once = registers * lanes_of<Register<64>>;

/// Numbers x, to be replaced by the pivots below zero of T - x I: as many eigenvalues are below x.
struct Counting {
  const double* diagonal;
  const double* squares;  ///< of the coupling to the row before; the first is 0, the others are not
  std::size_t rows;
  double* first;
  double* last;
};

template <class Vector>
[[gnu::always_inline]] inline void count_below(const Counting& counting, double* numbers) {
  Vector x[registers];
  Vector pivots[registers];
  decltype(x[0] < x[0]) below[registers] = {};
#pragma GCC unroll 16
  for (int r = 0; r < registers; ++r) {
    load(x[r], numbers + r * lanes_of<Vector>);
    pivots[r] = Vector{} + 1;
  }
  for (std::size_t row = 0; row < counting.rows; ++row) {
#pragma GCC unroll 16
    for (int r = 0; r < registers; ++r) {
      // A pivot of 0 counts as positive, and the next one is -Inf.
      pivots[r] = (counting.diagonal[row] - x[r]) - counting.squares[row] / pivots[r];
      below[r] -= pivots[r] < 0;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < registers; ++r) {
    for (int lane = 0; lane < lanes_of<Vector>; ++lane) {
      numbers[r * lanes_of<Vector> + lane] = static_cast<double>(below[r][lane]);
    }
  }
}

template <class Vector>
[[gnu::always_inline]] inline void count_all(const Counting& counting) {
  for (double* x = counting.first; x != counting.last; x += registers * lanes_of<Vector>) {
    count_below<Vector>(counting, x);
  }
}

void count_with_baseline(const Counting& counting) {
  count_all<Register<16>>(counting);
}
ALPHAHILL_AVX2 void count_with_avx2(const Counting& counting) {
  count_all<Register<32>>(counting);
}
ALPHAHILL_AVX512 void count_with_avx512(const Counting& counting) {
  count_all<Register<64>>(counting);
}
constexpr std::array count_with{count_with_baseline, count_with_avx2, count_with_avx512};

/// The matrix over a scale, and how many of its eigenvalues lie below given numbers.
class SturmCounts {
 public:
  SturmCounts(const Tridiagonal& matrix, double scale)
      : diagonal_(matrix.diagonal), squares_(diagonal_.size()) {
    for (double& entry : diagonal_) entry /= scale;
    for (std::size_t row = 1; row < squares_.size(); ++row) {
      const double coupling = matrix.off_diagonal[row - 1] / scale;
      squares_[row] = std::max(coupling * coupling, smallest_square);
    }
  }

  /// Replaces each number by the count.
  void operator()(std::vector<double>& numbers) const {
    const std::size_t count = numbers.size();
    numbers.resize((count + numbers_at_once - 1) / numbers_at_once * numbers_at_once);
    count_with[static_cast<std::size_t>(vector_level())]({diagonal_.data(), squares_.data(), diagonal_.size(),
                                                          numbers.data(), numbers.data() + numbers.size()});
    numbers.resize(count);
  }

 private:
  /// Of |T|, far below its rounding.
  static constexpr double smallest_square = 1e-300;

  std::vector<double> diagonal_;
  std::vector<double> squares_;
};

}  // namespace

void check_sturm_counts(const Tridiagonal& matrix, std::span<const double> eigenvalues) {
  if (eigenvalues.empty()) return;
  double norm = std::max(std::abs(eigenvalues.front()), std::abs(eigenvalues.back()));
  if (norm == 0) norm = 1;
  constexpr double c = 10;
  const double tolerance =
      c * static_cast<double>(eigenvalues.size()) * std::numeric_limits<double>::epsilon();
  const SturmCounts count_below(matrix, norm);
  std::vector<double> below;
  std::vector<double> above;
  for (const double eigenvalue : eigenvalues) {
    below.push_back(eigenvalue / norm - tolerance);
    above.push_back(eigenvalue / norm + tolerance);
  }
  count_below(below);
  count_below(above);
  for (std::size_t i = 0; i < eigenvalues.size(); ++i) {
    const auto smaller = static_cast<double>(i);
    if (below[i] <= smaller && above[i] > smaller) continue;
    throw Error(Fault::internal, "eigenvalues",
                fmt::format("{} is not the {}th of {} within {:.1e} of the largest", eigenvalues[i], i + 1,
                            eigenvalues.size(), tolerance));
  }
}

}  // namespace alphahill
