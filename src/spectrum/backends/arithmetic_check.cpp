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
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/vector_level.hpp"
#include "alphahill/formats/cast.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/blas.hpp"
#include "spectrum/reduce/band_reduction.hpp"

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

  PlainWeights stored() const {
    const std::int64_t longer = order_ * blocks_;
    return {plain_shape(wide_ ? order_ : longer, wide_ ? longer : order_, ElementFormat::fp32),
            [this](const Block& block, std::span<std::byte> bytes) {
              std::byte* to = bytes.data();
              for (std::int64_t i = block.row; i < block.row + block.rows; ++i) {
                for (std::int64_t j = block.col; j < block.col + block.cols; ++j, to += sizeof(float)) {
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

/// @param what  gives the text: most checks are so many that to write what each would say takes longer than they
template <class What>
void expect(bool right, What what) {
  if (!right) throw Error(Fault::internal, "known matrix", what());
}

bool close(double found, double expected, double tolerance) {
  return std::abs(found - expected) <= tolerance;
}

void expect_eigenvalues(const std::vector<double>& found, const std::vector<double>& expected,
                        std::string_view method) {
  constexpr double c = 10;
  const double tolerance =
      c * static_cast<double>(expected.size()) * std::numeric_limits<double>::epsilon() * expected.back();
  expect(found.size() == expected.size(),
         [&] { return fmt::format("{}: {} eigenvalues", method, found.size()); });
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expect(close(found[i], expected[i], tolerance), [&] {
      return fmt::format("{}: an eigenvalue is {}, expected {}", method, found[i], expected[i]);
    });
  }
}

void check_gram(const CirculantMatrix& matrix, ElementFormat precision) {
  const PlainWeights stored = matrix.stored();
  CastSurvey survey({precision}, stored.shape());
  SingleRank alone;
  const auto reduction = make_cpu_backend()->reduce(stored, {ElementFormat::fp32, precision}, &survey, alone);
  expect(reduction != nullptr, [] { return "finite weights are NaN or Inf"; });
  const GramSpectrum spectrum = reduction->finish();
  expect_eigenvalues(spectrum.eigenvalues, matrix.eigenvalues(), name_of(precision));
  constexpr double tolerance = 1e-12;  // of sums of a million equal signs
  const double norm = matrix.squared_norm();
  expect(close(survey.squared_norm(0), norm, tolerance * norm),
         [] { return "the squares of the weights add up to another sum"; });
  expect(close(survey.relative_error(0), 1 - 1 / double{above_integer}, tolerance),
         [] { return "the error of a cast is another one"; });
}

void check_svd(const CirculantMatrix& matrix) {
  expect_eigenvalues(squared_singular_values(matrix.stored(), {ElementFormat::bf16, ElementFormat::fp32}),
                     matrix.eigenvalues(), "SVD");
}

bool same(double found, double expected) {
  return std::bit_cast<std::uint64_t>(found) == std::bit_cast<std::uint64_t>(expected) ||
         (std::isnan(found) && std::isnan(expected));
}

/// What vectors make of values against what is made of each on its own.
template <class From, class To, class One>
void expect_each(const std::vector<From>& from, const std::vector<To>& to, std::string_view format, One one) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double expected = one(from[i]);
    expect(same(to[i], expected),
           [&] { return fmt::format("{} is {} in {}, expected {}", from[i], to[i], format, expected); });
  }
}

/// Every code of a 16-bit format.
void check_decoding(ElementFormat stored, float (*one)(std::uint16_t)) {
  std::vector<std::uint16_t> codes(1 << 16);
  std::iota(codes.begin(), codes.end(), std::uint16_t{0});
  std::vector<double> values(codes.size());
  decode(stored, std::as_bytes(std::span(codes)), values);
  expect_each(codes, values, name_of(stored), one);
}

/// Bit patterns over the whole range, NaN and Inf among them.
void check_rounding(ElementFormat format, float (*one)(float)) {
  std::vector<float> from(4099);
  for (std::uint32_t i = 0; i < from.size(); ++i) from[i] = std::bit_cast<float>(i * 1048583U);
  std::vector<float> to(from.size());
  cast(format, from, to);
  expect_each(from, to, name_of(format), one);
  std::vector<double> stored(from.begin(), from.end());
  for (double& value : stored) value *= 1 + 0x1p-30;
  cast_loaded(format, stored, to);
  expect_each(stored, to, name_of(format), [one](double value) { return one(round_to_odd_fp32(value)); });
}

void check_casts() {
  check_decoding(ElementFormat::fp16, decode_fp16);
  check_decoding(ElementFormat::bf16, decode_bf16);
  check_rounding(ElementFormat::fp16, round_to_fp16);
  check_rounding(ElementFormat::bf16, round_to_bf16);
}

/// Of a layer that is reduced in two stages, with a last panel that is not full.
constexpr std::int64_t two_stages = 655;
static_assert(two_stages >= two_stages_from && two_stages % SymmetricBand::width != 0);

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
  explain_failure(our_level, check_casts);
  explain_failure(
      fmt::format("OpenBLAS uses its {} kernels: set OPENBLAS_CORETYPE to others (Haswell, Sandybridge, "
                  "Nehalem); where that does not help, {}",
                  blas_kernels(), our_level),
      [] {
        check_gram({two_stages, 1, false}, ElementFormat::bf16);
        check_gram({200, 2, false}, ElementFormat::fp16);
        check_svd({120, 3, true});
      });
}

}  // namespace alphahill
