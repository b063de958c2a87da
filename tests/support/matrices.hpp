/// Matrices for tests: of known spectrum, random, and as the stored weights of a layer.
#pragma once

#include <Eigen/Dense>
#include <cstring>
#include <random>
#include <vector>

#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline RowMajor random_matrix(std::int64_t rows, std::int64_t cols, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  return RowMajor::NullaryExpr(rows, cols, [&] { return normal(engine); });
}

/// A matrix with these singular values between random orthogonal factors.
inline RowMajor matrix_of(std::int64_t rows, std::int64_t cols, const Eigen::VectorXd& singular_values,
                          unsigned seed) {
  const std::int64_t order = singular_values.size();
  const Eigen::MatrixXd left = random_matrix(rows, order, seed).householderQr().householderQ() *
                               Eigen::MatrixXd::Identity(rows, order);
  const Eigen::MatrixXd right = random_matrix(cols, order, seed + 1).householderQr().householderQ() *
                                Eigen::MatrixXd::Identity(cols, order);
  return left * singular_values.asDiagonal() * right.transpose();
}

/// The matrix as a layer stored in fp64 (the load cast to fp32 still applies). The matrix must outlive the
/// result.
inline StoredMatrix stored(const RowMajor& matrix) {
  const auto read = [&matrix](std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols,
                              std::span<std::byte> bytes) {
    const RowMajor block = matrix.block(row, col, rows, cols);
    std::memcpy(bytes.data(), block.data(), bytes.size());
  };
  return {matrix.rows(), matrix.cols(), Format::fp64, read};
}

/// The matrix rounded to fp32, as every analysis sees it.
inline RowMajor rounded_to_fp32(const RowMajor& matrix) {
  return matrix.cast<float>().cast<double>();
}

}  // namespace alphahill
