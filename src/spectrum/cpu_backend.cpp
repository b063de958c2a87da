#include <cblas.h>

#include <Eigen/Core>
#include <algorithm>
#include <chrono>
#include <cmath>

#include "alphahill/spectrum/backend.hpp"
#include "lapack.hpp"

namespace alphahill {

namespace {

/// From this order on, two stages measure faster than one.
constexpr std::int64_t two_stages_from = 1536;
constexpr std::int64_t band_width = 64;

/// The lower triangle of the smaller Gram matrix, summed panel by panel.
class GramMatrix {
 public:
  explicit GramMatrix(std::int64_t order) : values_(order, order) {}

  void add(const Panel& panel, bool wide) {
    lapack::add_gram(values_.rows(), panel.depth, panel.values.data(), wide, empty_ ? 0.0 : 1.0,
                     values_.data());
    empty_ = false;
  }

  /// A NaN or Inf weight leaves its mark on the diagonal; sums of finite fp32 values cannot overflow fp64.
  bool finite() const { return values_.diagonal().allFinite(); }

  /// Overwrites the matrix.
  std::vector<double> eigenvalues() {
    const std::int64_t order = values_.rows();
    const std::span<double> values(values_.data(), static_cast<std::size_t>(values_.size()));
    return order >= two_stages_from ? lapack::two_stage_eigenvalues(order, band_width, values)
                                    : lapack::one_stage_eigenvalues(order, values);
  }

 private:
  Eigen::MatrixXd values_;
  bool empty_ = true;
};

class CpuBackend final : public Backend {
 public:
  std::optional<std::vector<double>> gram_eigenvalues(const StoredMatrix& matrix, CastChain chain,
                                                      CastSurvey* survey) override {
    if (matrix.order() == 0) return std::vector<double>{};
    GramMatrix gram(matrix.order());
    for_each_panel(matrix, chain, survey, [&](const Panel& panel) { gram.add(panel, matrix.wide()); });
    if (!gram.finite()) return std::nullopt;
    std::vector<double> eigenvalues = gram.eigenvalues();
    for (double& eigenvalue : eigenvalues) eigenvalue = std::max(eigenvalue, 0.0);
    return eigenvalues;
  }
};

/// The panel as a depth x n column-major matrix, as LAPACK wants it.
double* columns_of(Panel& panel, const StoredMatrix& matrix, Eigen::MatrixXd& transposed) {
  if (matrix.wide()) return panel.values.data();
  transposed = Eigen::Map<Eigen::MatrixXd>(panel.values.data(), matrix.order(), panel.depth).transpose();
  return transposed.data();
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() {
  return std::make_unique<CpuBackend>();
}

std::vector<double> squared_singular_values(const StoredMatrix& matrix, CastChain chain) {
  const std::int64_t order = matrix.order();
  Eigen::MatrixXd triangle = Eigen::MatrixXd::Zero(order, order);
  Eigen::MatrixXd transposed;
  for_each_panel(matrix, chain, nullptr, [&](Panel& panel) {
    lapack::fold_into_triangle(order, panel.depth, triangle.data(), columns_of(panel, matrix, transposed));
  });
  std::vector<double> values =
      lapack::singular_values(order, {triangle.data(), static_cast<std::size_t>(triangle.size())});
  std::ranges::reverse(values);
  for (double& value : values) value *= value;
  return values;
}

std::int64_t peak_bytes(const StoredMatrix& matrix) {
  const std::int64_t order = matrix.order();
  return order * (order * 8 + panel_depth(matrix) * (2 * 8 + bytes_of(matrix.format)));
}

double measured_flops_per_second() {
  constexpr std::int64_t order = 512;
  constexpr double flops = (1 + 4.0 / 3) * order * order * order;
  // bf16 codes 0x3C00 ... 0x3C7E: weights about 0.01.
  const auto read = [](std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::span<std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(i % 2 == 0 ? i * i % 127 : 0x3C);
  };
  const auto start = std::chrono::steady_clock::now();
  make_cpu_backend()->gram_eigenvalues({order, order, Format::bf16, read}, {Format::fp32, Format::fp32},
                                       nullptr);
  return flops / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void set_blas_threads(int threads) {
  openblas_set_num_threads(threads);
}

}  // namespace alphahill
