/// Figures of a layer by one backend against those of the CPU.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "alphahill/analysis/analysis.hpp"
#include "alphahill/formats/cast.hpp"
#include "support/matrices.hpp"

namespace alphahill {

inline const AnalysisSettings every_precision{
    ElementFormat::fp32,
    {ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16},
    0.1,
    1e-5};
/// Relative difference that backends may have.
inline constexpr double across_backends = 1e-9;

inline std::vector<PrecisionFigures> figures_of(const WeightSource& matrix, Backend& backend,
                                                const AnalysisSettings& settings = every_precision) {
  SingleRank alone;
  return analyse(matrix, settings, backend, alone);
}

inline void expect_close(double found, double expected) {
  if (!std::isfinite(expected)) {
    EXPECT_EQ(std::isnan(found), std::isnan(expected));
  } else {
    EXPECT_NEAR(found, expected, across_backends * expected);
  }
}

/// The figures of the CPU, with spectra by this method where it takes none by SVD.
inline void expect_figures_of_cpu(const std::vector<PrecisionFigures>& found, const WeightSource& matrix,
                                  Method method, const AnalysisSettings& settings = every_precision) {
  const auto expected = figures_of(matrix, *make_cpu_backend(), settings);
  for (std::size_t p = 0; p < expected.size(); ++p) {
    expect_close(found[p].squared_norm, expected[p].squared_norm);
    expect_close(found[p].cast_error, expected[p].cast_error);
    EXPECT_EQ(found[p].nonfinite, expected[p].nonfinite);
    ASSERT_EQ(found[p].shares.has_value(), expected[p].shares.has_value()) << p;
    if (found[p].shares) {
      EXPECT_EQ(found[p].shares->precision, expected[p].shares->precision);
      // What is left of nearly equal alphas: a millionth of them.
      EXPECT_NEAR(found[p].shares->bound, expected[p].shares->bound, 1e-6 * expected[p].shares->bound);
    }
    ASSERT_EQ(found[p].spectrum.has_value(), expected[p].spectrum.has_value()) << p;
    if (!found[p].spectrum) continue;
    expect_close(found[p].spectrum->hill.alpha, expected[p].spectrum->hill.alpha);
    const bool by_svd = expected[p].spectrum->method == Method::svd_full;
    EXPECT_EQ(found[p].spectrum->method, by_svd ? Method::svd_full : method);
  }
}

/// bf16 values, of which some lie below the range of fp16.
inline RowMajor bf16_matrix(std::int64_t rows, std::int64_t cols) {
  const RowMajor fine = random_matrix(rows, cols, 4) * 0.02;
  std::vector<float> values(fine.data(), fine.data() + fine.size());
  cast(ElementFormat::bf16, std::vector<float>(values), values);
  return Eigen::Map<Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(values.data(), rows, cols).cast<double>();
}

}  // namespace alphahill
