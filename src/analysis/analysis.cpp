#include "alphahill/analysis/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/metrics/error_bounds.hpp"
#include "alphahill/spectrum/eigenvalue_checks.hpp"
#include "alphahill/spectrum/team_svd.hpp"

namespace alphahill {

namespace {

Spectrum estimate(std::vector<double> eigenvalues, Method method, double k_fraction) {
  HillEstimate estimate = hill(eigenvalues, k_fraction);
  const double bound = error_bound_by(name_of(method), estimate.error_bound, std::ssize(eigenvalues));
  return {std::move(eigenvalues), std::move(estimate), method, bound, 0};
}

/// Is there no spectrum of a Gram matrix, or too inexact a one?
bool needs_svd(const std::optional<Spectrum>& spectrum) {
  if (!spectrum) return true;
  const std::vector<double>& eigenvalues = spectrum->eigenvalues;
  const bool zero = eigenvalues.empty() || eigenvalues.back() == 0;
  return !zero && expected_gram_error(spectrum->error_bound, std::ssize(eigenvalues)) > largest_gram_error;
}

void note_failure(PrecisionFigures& figures, Method method, std::string_view reason) noexcept {
  try {
    if (!figures.failed_methods.empty()) figures.failed_methods += "; ";
    figures.failed_methods += fmt::format("{}: {}", name_of(method), reason);
  } catch (const std::bad_alloc&) {
    figures.failed_methods =
        "no memory";  // short enough to need none: a member of a team must not fail alone
  }
}

/// The first precision before `precision` whose spectrum serves as this one's too. Never one that shares
/// itself: equal bits with that one are within the bound of the one before it, too.
std::optional<Share> find_share(std::size_t precision, const std::vector<PrecisionFigures>& earlier,
                                const CastSurvey& survey, const AnalysisSettings& settings) {
  for (std::size_t q = 0; q < precision; ++q) {
    const CastDifference& difference = survey.difference(precision, q);
    if (difference.equal_bits()) return Share{q, 0};
    if (settings.share_tolerance == 0 || !earlier[q].spectrum) continue;
    const Spectrum& spectrum = *earlier[q].spectrum;
    const double bound = alpha_change_bound(spectrum.eigenvalues, settings.k_fraction, spectrum.error_bound,
                                            difference.norm_bound());
    if (bound <= settings.share_tolerance) return Share{q, bound};
  }
  return std::nullopt;
}

}  // namespace

Analysis::Analysis(const WeightSource& matrix, const AnalysisSettings& settings, Backend& backend, Team& team)
    : matrix_(matrix),
      settings_(settings),
      backend_(backend),
      team_(team),
      leader_suffices_(team.size() == 1 || peak_bytes(matrix.shape()) <= settings.memory),
      survey_(settings.precisions, matrix.shape()),
      figures_(settings.precisions.size()) {}

bool Analysis::step() {
  const bool last = next_ == figures_.size();
  if (!leader_suffices_) {
    if (any_together(team_, [&] { return leads() && !finish(); })) finish_by_team();
  } else if (last && leads()) {
    finish();
  }
  if (last) return false;
  if (any_together(team_, [&] { return leads() && needs_decomposition(next_); })) reduce(next_);
  ++next_;
  return true;
}

std::vector<PrecisionFigures> Analysis::figures() && {
  for (std::size_t p = 0; p < figures_.size(); ++p) {
    figures_[p].nonfinite = survey_.nonfinite(p);
    figures_[p].cast_error = survey_.relative_error(p);
    figures_[p].squared_norm = survey_.squared_norm(p);
  }
  return std::move(figures_);
}

bool Analysis::needs_decomposition(std::size_t p) {
  finish();
  figures_[p].shares = find_share(p, figures_, survey_, settings_);
  return !figures_[p].shares && (p == 0 || survey_.nonfinite(p) == 0);
}

/// Excludes the time spent in calls for several matrices.
double Analysis::seconds_now() const {
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  return now.count() - backend_.seconds_together();
}

/// Tries a method; what it throws is noted, but for what ends the run.
template <class Compute>
void Analysis::attempt(Method method, Compute compute) {
  const auto note = [&](std::string_view reason) {
    note_failure(figures_[under_way_->precision], method, reason);
  };
  try {
    compute();
  } catch (const Error& error) {
    if (error.fault() != Fault::internal) throw;
    note(error.what());
  } catch (const std::bad_alloc&) {
    note("not enough memory for this layer");
  }
}

/// Collective.
void Analysis::reduce(std::size_t p) {
  const double start = seconds_now();
  under_way_.emplace(Decomposition{.precision = p, .rest = {}, .inexact = {}});
  bool surveyed = p > 0;
  attempt(Method::gram_eigen, [&] {
    auto rest = backend_.gram_eigenvalues(matrix_, chain(p), surveyed ? nullptr : &survey_, team_);
    surveyed = true;
    if (!rest && survey_.nonfinite(p) == 0)
      note_failure(figures_[p], Method::gram_eigen, "NaN or Inf in the Gram matrix");
    if (rest && leads()) under_way_->rest = *std::move(rest);
  });
  if (!surveyed) survey_only();
  under_way_->seconds = seconds_now() - start;
  if (survey_.nonfinite(p) > 0) under_way_.reset();
}

/// The survey, where the reduction that should have made it has failed. Collective.
void Analysis::survey_only() {
  do_together(team_, [&] { survey_ = CastSurvey(settings_.precisions, matrix_.shape()); });
  for_each_panel(matrix_, chain(0), &survey_, team_, [](const Panel&) {});
  survey_.sum_over(team_);
}

/// What is left to do of the decomposition under way, as far as the leader can do it alone.
/// @return false where the team has to go on, with an SVD
bool Analysis::finish() {
  if (!under_way_) return true;
  const std::size_t p = under_way_->precision;
  const double start = seconds_now();
  finish_gram();
  if (!figures_[p].spectrum && leader_suffices_) {
    attempt(Method::gram_eigen_dsyevd,
            [&] { keep(gram_eigenvalues_by_lapack(matrix_, chain(p)), Method::gram_eigen_dsyevd); });
  }
  const bool by_svd = needs_svd(figures_[p].spectrum);
  if (by_svd && figures_[p].spectrum) under_way_->inexact = std::move(figures_[p].spectrum->eigenvalues);
  if (by_svd) figures_[p].spectrum.reset();
  if (by_svd && leader_suffices_) {
    attempt(Method::svd_full, [&] { keep(squared_singular_values(matrix_, chain(p)), Method::svd_full); });
  }
  under_way_->seconds += seconds_now() - start;
  if (by_svd && !leader_suffices_) return false;
  end_decomposition();
  return true;
}

void Analysis::finish_gram() {
  if (!under_way_->rest) return;
  attempt(Method::gram_eigen, [&] {
    GramSpectrum gram = std::exchange(under_way_->rest, {})();
    under_way_->seconds += gram.seconds_together;
    if (!gram.failure.empty())
      note_failure(figures_[under_way_->precision], Method::gram_eigen, gram.failure);
    keep(std::move(gram.eigenvalues), gram.method);
  });
}

/// Collective.
void Analysis::finish_by_team() {
  const double start = seconds_now();
  attempt(Method::svd_scalapack, [&] {
    auto values = squared_singular_values(matrix_, chain(under_way_->precision), team_, settings_.memory);
    if (leads()) keep(std::move(values), Method::svd_scalapack);
  });
  under_way_->seconds += seconds_now() - start;
  end_decomposition();
}

/// Takes eigenvalues that add up. @throws Error(internal) where they do not
void Analysis::keep(std::vector<double> eigenvalues, Method method) {
  const std::size_t p = under_way_->precision;
  check_trace(eigenvalues, survey_.squared_norm(p), matrix_.rows(), matrix_.cols());
  if (!under_way_->inexact.empty()) {
    check_against_gram(eigenvalues, under_way_->inexact, matrix_.rows(), matrix_.cols());
  }
  figures_[p].spectrum = estimate(std::move(eigenvalues), method, settings_.k_fraction);
}

void Analysis::end_decomposition() {
  auto& spectrum = figures_[under_way_->precision].spectrum;
  if (spectrum) spectrum->seconds = under_way_->seconds;
  under_way_.reset();
}

std::vector<PrecisionFigures> analyse(const WeightSource& matrix, const AnalysisSettings& settings,
                                      Backend& backend, Team& team) {
  std::optional<Analysis> analysis;
  do_together(team, [&] { analysis.emplace(matrix, settings, backend, team); });
  while (analysis->step()) {
  }
  return std::move(*analysis).figures();
}

}  // namespace alphahill
