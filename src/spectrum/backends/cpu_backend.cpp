#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "alphahill/base/error.hpp"
#include "alphahill/base/stopwatch.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/eigenvalue_checks.hpp"
#include "alphahill/spectrum/team_svd.hpp"
#include "spectrum/reduce/band_reduction.hpp"
#include "spectrum/reduce/gram_check.hpp"
#include "spectrum/reduce/lapack.hpp"
#include "spectrum/reduce/sturm_check.hpp"

namespace alphahill {

namespace {

/// A Gram matrix, as the members of a team hold it, and its check.
struct GramSum {
  GramSum(const WeightSource& weights, const Team& team)
      : matrix(weights.order(), team), check(weights), wide(weights.wide()) {}

  void add(const Panel& panel) {
    matrix.add_gram(panel.values.data(), panel.depth, wide);
    check.add(panel);
  }

  SymmetricShare matrix;
  GramCheck check;
  bool wide;
};

/// A Gram matrix that agrees with its panels.
struct CheckedGram {
  SymmetricShare matrix;
  double squared_norm;  ///< |G|_F^2
};

/// Sums the Gram matrix of the cast weights while the layer is read once. Collective.
/// @return nothing when a cast weight is NaN or Inf
std::optional<CheckedGram> checked_gram(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                        Team& team) {
  std::optional<GramSum> gram;
  do_together(team, [&] { gram.emplace(matrix, team); });
  // One reference: std::function then allocates nothing, which could fail on one member alone.
  for_each_panel(matrix, chain, survey, team, [&gram](const Panel& panel) { gram->add(panel); });
  if (survey != nullptr) survey->sum_over(team);
  if (team.any(!gram->matrix.finite_diagonal())) return std::nullopt;
  gram->check.compare(gram->matrix, team);
  std::array<double, 1> squared_norm{gram->matrix.squared_norm()};
  team.sum(squared_norm);
  return CheckedGram{std::move(gram->matrix), squared_norm[0]};
}

std::vector<double> checked(std::vector<double> eigenvalues, double squared_norm) {
  check_squares(eigenvalues, squared_norm);
  for (double& eigenvalue : eigenvalues) eigenvalue = std::max(eigenvalue, 0.0);
  return eigenvalues;
}

using TridiagonalSolver = std::vector<double> (*)(Tridiagonal);

std::vector<double> eigenvalues_by(TridiagonalSolver solver, const Tridiagonal& matrix, double squared_norm) {
  std::vector<double> eigenvalues = solver(matrix);
  check_sturm_counts(matrix, eigenvalues);
  return checked(std::move(eigenvalues), squared_norm);
}

/// By LAPACK's iteration, where ours has failed.
GramSpectrum spectrum_by_lapack(const Tridiagonal& matrix, double squared_norm, const std::string& failure) {
  try {
    return {.eigenvalues = eigenvalues_by(lapack::tridiagonal_eigenvalues, matrix, squared_norm),
            .method = Method::gram_eigen_dsterf,
            .failure = failure};
  } catch (const Error& error) {
    throw Error(error.fault(), "own iteration", fmt::format("{}; dsterf: {}", failure, error.what()));
  }
}

GramSpectrum spectrum_of(const Tridiagonal& matrix, double squared_norm) {
  try {
    return {.eigenvalues = eigenvalues_by(tridiagonal_eigenvalues, matrix, squared_norm)};
  } catch (const Error& error) {
    if (error.fault() != Fault::internal || !is_finite(matrix)) throw;
    return spectrum_by_lapack(matrix, squared_norm, error.what());
  }
}

/// The spectrum that `compute` returns, with its seconds.
template <class Compute>
GramSpectrum timed(Compute compute) {
  const Stopwatch watch;
  GramSpectrum spectrum = compute();
  spectrum.seconds = watch.seconds();
  return spectrum;
}

class NoWeights final : public Reduction {
  GramSpectrum finish() override { return {}; }
};

/// Below `two_stages_from`: the whole reduction is left to do.
class SummedGram final : public Reduction {
 public:
  explicit SummedGram(CheckedGram gram) : gram_(std::move(gram)) {}
  GramSpectrum finish() override {
    return timed([&] {
      const lapack::Result values{gram_.matrix.at(0, 0), gram_.matrix.leading_dimension()};
      return spectrum_of(lapack::reduce_to_tridiagonal(gram_.matrix.order(), values), gram_.squared_norm);
    });
  }

 private:
  CheckedGram gram_;
};

class ReducedToBand final : public Reduction {
 public:
  ReducedToBand(SymmetricBand band, double squared_norm)
      : band_(std::move(band)), squared_norm_(squared_norm) {}
  GramSpectrum finish() override {
    return timed([&] { return spectrum_of(band_.tridiagonal(), squared_norm_); });
  }

 private:
  SymmetricBand band_;
  double squared_norm_;
};

class CpuBackend final : public Backend {
 public:
  std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                    Team& team) override {
    const Stopwatch watch;
    std::unique_ptr<Reduction> reduction;
    if (matrix.order() == 0) {
      do_together(team, [&] { reduction = std::make_unique<NoWeights>(); });
      return reduction;
    }
    std::optional<CheckedGram> gram = checked_gram(matrix, chain, survey, team);
    if (!gram) return nullptr;
    reduction = reduced(*std::move(gram), team);
    reduction->seconds = watch.seconds();
    return reduction;
  }

 private:
  static std::unique_ptr<Reduction> reduced(CheckedGram gram, Team& team) {
    if (team.size() == 1 && gram.matrix.order() < two_stages_from) {
      return std::make_unique<SummedGram>(std::move(gram));
    }
    SymmetricBand band = reduce_to_band(gram.matrix, team);
    std::unique_ptr<Reduction> reduction;
    do_together(team,
                [&] { reduction = std::make_unique<ReducedToBand>(std::move(band), gram.squared_norm); });
    return reduction;
  }
};

/// The panel as a depth x n column-major matrix, as LAPACK wants it.
double* columns_of(Panel& panel, const WeightSource& matrix, Eigen::MatrixXd& transposed) {
  if (matrix.wide()) return panel.values.data();
  transposed = Eigen::Map<Eigen::MatrixXd>(panel.values.data(), matrix.order(), panel.depth).transpose();
  return transposed.data();
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() {
  return std::make_unique<CpuBackend>();
}

std::vector<double> gram_eigenvalues_by_lapack(const WeightSource& matrix, CastChain chain) {
  SingleRank alone;
  std::optional<CheckedGram> gram = checked_gram(matrix, chain, nullptr, alone);
  if (!gram) throw Error(Fault::internal, "Gram matrix", "it has entries that are NaN or Inf");
  const lapack::Result values{gram->matrix.at(0, 0), gram->matrix.leading_dimension()};
  return checked(lapack::symmetric_eigenvalues(matrix.order(), values), gram->squared_norm);
}

std::vector<double> squared_singular_values(const WeightSource& matrix, CastChain chain) {
  const std::int64_t order = matrix.order();
  Eigen::MatrixXd triangle = Eigen::MatrixXd::Zero(order, order);
  Eigen::MatrixXd transposed;
  GramCheck check(matrix);
  SingleRank alone;
  for_each_panel(matrix, chain, nullptr, alone, [&](Panel& panel) {
    check.add(panel);
    lapack::fold_into_triangle(order, panel.depth, triangle.data(), columns_of(panel, matrix, transposed));
  });
  check.compare(triangle.data());
  std::vector<double> values =
      lapack::singular_values(order, {triangle.data(), static_cast<std::size_t>(triangle.size())});
  std::ranges::reverse(values);
  for (double& value : values) value *= value;
  return values;
}

std::int64_t peak_bytes(const WeightShape& shape, int members) {
  const std::int64_t panel = panel_depth(shape) * shape.order() * 8;
  const std::int64_t transposed_or_received = shape.wide() && members == 1 ? 0 : panel;
  const std::int64_t gram =
      (SymmetricShare::most_values(shape.order(), members) + reduction_values(shape.order())) * 8 +
      reading_bytes(shape) + transposed_or_received;
  return members == 1 ? gram : std::max(gram, least_team_svd_bytes(shape, members));
}

}  // namespace alphahill
