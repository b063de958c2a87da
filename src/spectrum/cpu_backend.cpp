#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/team_svd.hpp"
#include "band_reduction.hpp"
#include "eigenvalue_checks.hpp"
#include "lapack.hpp"

namespace alphahill {

namespace {

using Computation = std::function<std::vector<double>()>;

class CpuBackend final : public Backend {
 public:
  std::optional<Eigenvalues> gram_eigenvalues(const StoredMatrix& matrix, CastChain chain, CastSurvey* survey,
                                              Team& team) override {
    if (matrix.order() == 0) return [] { return GramSpectrum{}; };
    std::optional<SymmetricShare> gram;
    do_together(team, [&] { gram.emplace(matrix.order(), team); });
    for_each_panel(matrix, chain, survey, team, [&](const Panel& panel) {
      gram->add_gram(panel.values.data(), panel.depth, matrix.wide());
    });
    if (survey != nullptr) survey->sum_over(team);
    if (team.any(!gram->finite_diagonal())) return std::nullopt;
    std::array<double, 1> squared_norm{gram->squared_norm()};
    team.sum(squared_norm);
    return reduce(std::move(*gram), squared_norm[0], team);
  }

 private:
  static Eigenvalues reduce(SymmetricShare gram, double squared_norm, Team& team) {
    if (team.size() == 1 && gram.order() < two_stages_from)
      return by_tridiagonal(std::move(gram), squared_norm);
    SymmetricBand band = reduce_to_band(gram, team);
    Eigenvalues rest;
    do_together(team, [&] {
      const auto kept = std::make_shared<SymmetricBand>(std::move(band));
      rest = checked([kept] { return kept->eigenvalues(); }, squared_norm);
    });
    return rest;
  }

  static Eigenvalues by_tridiagonal(SymmetricShare gram, double squared_norm) {
    const auto matrix = std::make_shared<SymmetricShare>(std::move(gram));
    return checked(
        [matrix] {
          const lapack::Result values{matrix->at(0, 0), matrix->leading_dimension()};
          return tridiagonal_eigenvalues(lapack::reduce_to_tridiagonal(matrix->order(), values));
        },
        squared_norm);
  }

  static Eigenvalues checked(Computation compute, double squared_norm) {
    return [compute = std::move(compute), squared_norm] {
      std::vector<double> eigenvalues = compute();
      check_squares(eigenvalues, squared_norm);
      for (double& eigenvalue : eigenvalues) eigenvalue = std::max(eigenvalue, 0.0);
      return GramSpectrum{std::move(eigenvalues), Method::gram_eigen};
    };
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
  Alone alone;
  for_each_panel(matrix, chain, nullptr, alone, [&](Panel& panel) {
    lapack::fold_into_triangle(order, panel.depth, triangle.data(), columns_of(panel, matrix, transposed));
  });
  std::vector<double> values =
      lapack::singular_values(order, {triangle.data(), static_cast<std::size_t>(triangle.size())});
  std::ranges::reverse(values);
  for (double& value : values) value *= value;
  return values;
}

std::int64_t peak_bytes(const StoredMatrix& matrix, int members) {
  const std::int64_t panel = panel_depth(matrix) * matrix.order() * 8;
  const std::int64_t transposed_or_received = matrix.wide() && members == 1 ? 0 : panel;
  const std::int64_t gram =
      (SymmetricShare::most_values(matrix.order(), members) + reduction_values(matrix.order())) * 8 +
      reading_bytes(matrix) + transposed_or_received;
  return members == 1 ? gram : std::max(gram, least_team_svd_bytes(matrix, members));
}

}  // namespace alphahill
