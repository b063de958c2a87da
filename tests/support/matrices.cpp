#include "support/matrices.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <random>

namespace alphahill {

namespace {

Eigen::MatrixXd random_orthogonal(std::int64_t rows, std::int64_t cols, unsigned seed) {
  const Eigen::MatrixXd random = random_matrix(rows, cols, seed);
  return Eigen::HouseholderQR<Eigen::MatrixXd>(random).householderQ() * Eigen::MatrixXd::Identity(rows, cols);
}

}  // namespace

RowMajor random_matrix(std::int64_t rows, std::int64_t cols, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  return RowMajor::NullaryExpr(rows, cols, [&] { return normal(engine); });
}

RowMajor matrix_of(std::int64_t rows, std::int64_t cols, const Eigen::VectorXd& singular_values,
                   unsigned seed) {
  const std::int64_t order = singular_values.size();
  return random_orthogonal(rows, order, seed) * singular_values.asDiagonal() *
         random_orthogonal(cols, order, seed + 1).transpose();
}

Eigen::VectorXd eigenvalues_by_eigen(const Eigen::MatrixXd& matrix) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix, Eigen::EigenvaluesOnly).eigenvalues();
}

Eigen::VectorXd gram_eigenvalues_by_eigen(const RowMajor& matrix) {
  return eigenvalues_by_eigen(matrix * matrix.transpose()).cwiseMax(0);
}

Eigen::MatrixXd triangular_factor(const Eigen::MatrixXd& matrix) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(matrix);
  return qr.matrixQR().topRows(matrix.cols()).triangularView<Eigen::Upper>();
}

Eigen::VectorXd singular_values_by_eigen(const Eigen::MatrixXd& matrix) {
  if (matrix.rows() < matrix.cols()) return singular_values_by_eigen(matrix.transpose());
  const Eigen::Index order = matrix.cols();
  Eigen::MatrixXd jordan_wielandt = Eigen::MatrixXd::Zero(2 * order, 2 * order);
  // Of which only the lower triangle is read.
  jordan_wielandt.bottomLeftCorner(order, order) = triangular_factor(matrix);
  return eigenvalues_by_eigen(jordan_wielandt).tail(order).reverse().cwiseMax(0);
}

Eigen::VectorXd squared_singular_values_by_eigen(const RowMajor& matrix) {
  return singular_values_by_eigen(matrix).reverse().array().square();
}

}  // namespace alphahill
