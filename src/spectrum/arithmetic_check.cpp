#include "alphahill/spectrum/arithmetic_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/vector_level.hpp"
#include "alphahill/numeric/cast.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/blas.hpp"

namespace alphahill {

namespace {

/// fp32 weights that every precision with 8 significant bits or more, but fp32 and fp64, rounds to integers.
constexpr float above_integer = 1 + 0x1p-13F;

/// Circulant matrices of order n, entry (i, j) of each c[(i - j) mod n] for integers c, on top of each other
/// or side by side. The eigenvalues of the smaller Gram matrix are the sums of |DFT(c)|^2 over the matrices.
class CirculantMatrix {
 public:
  CirculantMatrix(std::int64_t order, std::int64_t blocks, bool wide)
      : order_(order), blocks_(blocks), wide_(wide) {
    std::minstd_rand random(1);
    std::uniform_int_distribution<int> integers(-127, 127);
    for (std::int64_t i = 0; i < blocks * order; ++i)
      columns_.push_back(static_cast<float>(integers(random)));
    for (std::int64_t i = 0; i < order; ++i) {
      roots_.push_back(
          std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(order)));
    }
  }

  StoredMatrix stored() const {
    const std::int64_t longer = order_ * blocks_;
    return {wide_ ? order_ : longer, wide_ ? longer : order_, Format::fp32,
            [this](std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
                   std::span<std::byte> bytes) {
              std::byte* to = bytes.data();
              for (std::int64_t i = row; i < row + rows; ++i) {
                for (std::int64_t j = col; j < col + cols; ++j, to += sizeof(float)) {
                  const float weight = entry(i, j) * above_integer;
                  std::memcpy(to, &weight, sizeof weight);
                }
              }
            }};
  }

  /// Of the integers, ascending.
  std::vector<double> eigenvalues() const {
    std::vector<double> values;
    for (std::int64_t frequency = 0; frequency < order_; ++frequency) {
      double value = 0;
      for (std::int64_t block = 0; block < blocks_; ++block) value += power(block, frequency);
      values.push_back(value);
    }
    std::ranges::sort(values);
    return values;
  }

  double squared_norm() const {
    double sum = 0;
    for (const float entry : columns_) sum += static_cast<double>(entry) * static_cast<double>(entry);
    return sum * static_cast<double>(order_);
  }

 private:
  float entry(std::int64_t row, std::int64_t col) const {
    const std::int64_t block = (wide_ ? col : row) / order_;
    const std::int64_t shift = (row - col + blocks_ * order_) % order_;
    return columns_[static_cast<std::size_t>(block * order_ + shift)];
  }

  /// |DFT(c)|^2 of a block at a frequency.
  double power(std::int64_t block, std::int64_t frequency) const {
    std::complex<double> sum = 0;
    for (std::int64_t i = 0; i < order_; ++i) {
      const double entry = columns_[static_cast<std::size_t>(block * order_ + i)];
      sum += entry * roots_[static_cast<std::size_t>(i * frequency % order_)];
    }
    return std::norm(sum);
  }

  std::int64_t order_;
  std::int64_t blocks_;
  bool wide_;
  std::vector<float> columns_;               ///< the first one of each circulant matrix
  std::vector<std::complex<double>> roots_;  ///< of unity, of that order
};

void expect(bool right, const std::string& what) {
  if (!right) throw Error(Fault::internal, "known matrix", what);
}

bool close(double found, double expected, double tolerance) {
  return std::abs(found - expected) <= tolerance;
}

void expect_eigenvalues(const std::vector<double>& found, const std::vector<double>& expected,
                        std::string_view method) {
  constexpr double c = 10;
  const double tolerance =
      c * static_cast<double>(expected.size()) * std::numeric_limits<double>::epsilon() * expected.back();
  expect(found.size() == expected.size(), fmt::format("{}: {} eigenvalues", method, found.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expect(close(found[i], expected[i], tolerance),
           fmt::format("{}: an eigenvalue is {}, expected {}", method, found[i], expected[i]));
  }
}

void check_gram(const CirculantMatrix& matrix, Format precision) {
  const StoredMatrix stored = matrix.stored();
  CastSurvey survey({precision}, stored.rows, stored.cols);
  Alone alone;
  const auto eigenvalues =
      make_cpu_backend()->gram_eigenvalues(stored, {Format::fp32, precision}, &survey, alone);
  expect(eigenvalues.has_value(), "finite weights are NaN or Inf");
  GramSpectrum spectrum = (*eigenvalues)();
  expect(spectrum.failure.empty(), spectrum.failure);
  expect_eigenvalues(spectrum.eigenvalues, matrix.eigenvalues(), name_of(precision));
  constexpr double tolerance = 1e-12;  // of sums of a million equal signs
  const double norm = matrix.squared_norm();
  expect(close(survey.squared_norm(0), norm, tolerance * norm),
         "the squares of the weights add up to another sum");
  expect(close(survey.relative_error(0), 1 - 1 / double{above_integer}, tolerance),
         "the error of a cast is another one");
}

void check_svd(const CirculantMatrix& matrix) {
  expect_eigenvalues(squared_singular_values(matrix.stored(), {Format::bf16, Format::fp32}),
                     matrix.eigenvalues(), "SVD");
}

/// Bit patterns over the whole range, NaN and Inf among them.
void check_casts(Format precision, float (*round)(float)) {
  std::vector<float> from(4099);
  for (std::uint32_t i = 0; i < from.size(); ++i) from[i] = std::bit_cast<float>(i * 1048583U);
  std::vector<float> to(from.size());
  cast(precision, from, to);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const float expected = round(from[i]);
    const bool equal = std::bit_cast<std::uint32_t>(to[i]) == std::bit_cast<std::uint32_t>(expected);
    expect(equal || (std::isnan(to[i]) && std::isnan(expected)),
           fmt::format("{} is cast to {} {}, expected {}", from[i], name_of(precision), to[i], expected));
  }
}

/// @throws Error(system) with the remedy where a check fails
void explain_failure(const std::string& remedy, const std::function<void()>& check) {
  try {
    check();
  } catch (const Error& error) {
    if (error.fault() != Fault::internal) throw;
    throw Error(Fault::system, "arithmetic of this processor",
                fmt::format("it computes wrong figures ({}); {}", error.what(), remedy));
  }
}

}  // namespace

void check_arithmetic() {
  const std::string our_level =
      fmt::format("set ALPHAHILL_VECTOR_LEVEL=baseline (now {})", name_of(vector_level()));
  explain_failure(our_level, [] {
    check_casts(Format::fp16, round_to_fp16);
    check_casts(Format::bf16, round_to_bf16);
  });
  explain_failure(
      fmt::format("OpenBLAS uses its {} kernels: set OPENBLAS_CORETYPE to others (Haswell, Sandybridge, "
                  "Nehalem); where that does not help, {}",
                  blas_kernels(), our_level),
      [] {
        check_gram({648, 1, false}, Format::bf16);
        check_gram({200, 2, false}, Format::fp16);
        check_svd({120, 3, true});
      });
}

}  // namespace alphahill
