/// Matrices for tests: of known spectrum, random, and as the stored weights of a layer.
#pragma once

#include <Eigen/Core>
#include <cstring>
#include <limits>
#include <span>

#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

inline constexpr double eps = std::numeric_limits<double>::epsilon();

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Standard normal entries.
RowMajor random_matrix(std::int64_t rows, std::int64_t cols, unsigned seed);

/// A matrix with these singular values between random orthogonal factors.
RowMajor matrix_of(std::int64_t rows, std::int64_t cols, const Eigen::VectorXd& singular_values,
                   unsigned seed);

/// By Eigen's own solver, descending: the upper half of the eigenvalues of [0 R^T; R 0] (Jordan and Wielandt) for the
/// factor R of a matrix that is not empty. As those of an SVD they are off by a few n eps of the largest; Eigen's SVD takes
/// three times as long to compile.
Eigen::VectorXd singular_values_by_eigen(const Eigen::MatrixXd& matrix);
/// Of W W^T for a matrix W, by Eigen's own solver, ascending; those that rounding leaves below zero are zero.
Eigen::VectorXd gram_eigenvalues_by_eigen(const RowMajor& matrix);
/// Of a symmetric matrix, by Eigen's own solver, ascending.
Eigen::VectorXd eigenvalues_by_eigen(const Eigen::MatrixXd& matrix);
/// R of the QR factorization of a matrix that is no wider than high; zero below the diagonal.
Eigen::MatrixXd triangular_factor(const Eigen::MatrixXd& matrix);
/// singular_values_by_eigen, squared, ascending.
Eigen::VectorXd squared_singular_values_by_eigen(const RowMajor& matrix);

/// The matrix as a layer stored in fp64 (the load cast to fp32 still applies). The matrix must outlive the
/// result.
inline PlainWeights stored(const RowMajor& matrix) {
  const auto read = [&matrix](const Block& block, std::span<std::byte> bytes) {
    const RowMajor values = matrix.block(block.row, block.col, block.rows, block.cols);
    std::memcpy(bytes.data(), values.data(), bytes.size());
  };
  return {plain_shape(matrix.rows(), matrix.cols(), ElementFormat::fp64), read};
}

/// The matrix rounded to fp32, as every analysis sees it.
inline RowMajor rounded_to_fp32(const RowMajor& matrix) {
  return matrix.cast<float>().cast<double>();
}

}  // namespace alphahill
