#include "support/replicated_matrix.hpp"

#include "support/matrices.hpp"

namespace alphahill {

namespace {

class ReplicatedMatrix final : public TeamMatrix {
 public:
  ReplicatedMatrix(std::int64_t rows, std::int64_t cols) : values_(rows, cols) {}

  void set_rows(std::int64_t first, const MatrixRows& rows) override {
    for (std::int64_t i = 0; i < rows.count; ++i) {
      for (std::int64_t j = 0; j < values_.cols(); ++j)
        values_(first + i, j) = rows.values[i * rows.row_stride + j * rows.col_stride];
    }
  }

  void factor(std::int64_t rows) override {
    const Eigen::MatrixXd r = triangular_factor(values_.topRows(rows));
    values_.topRows(rows).setZero();
    values_.topRows(values_.cols()) = r;
  }

  /// The diagonal matrix of the singular values, which is bidiagonal.
  Bidiagonal reduce_to_bidiagonal(std::int64_t rows) override {
    const Eigen::VectorXd diagonal = singular_values_by_eigen(values_.topRows(rows));
    return {{diagonal.begin(), diagonal.end()},
            std::vector<double>(static_cast<std::size_t>(diagonal.size()))};
  }

 private:
  Eigen::MatrixXd values_;
};

}  // namespace

std::unique_ptr<TeamMatrix> make_replicated_matrix(std::int64_t rows, std::int64_t cols) {
  return std::make_unique<ReplicatedMatrix>(rows, cols);
}

}  // namespace alphahill
