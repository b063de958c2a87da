#include "alphahill/analysis/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/base/stopwatch.hpp"
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

Analysis::Analysis(const WeightSource& matrix, const AnalysisSettings& settings, Backend& backend, Team& team,
                   std::size_t stored)
    : matrix_(matrix),
      settings_(settings),
      backend_(backend),
      team_(team),
      leader_suffices_(team.size() == 1 || peak_bytes(matrix.shape()) <= settings.memory),
      survey_(settings.all_precisions(), decompositions(), matrix.shape()),
      figures_(settings.all_precisions().size()),
      stored_(stored),
      next_(stored) {}

bool Analysis::step() {
  finish();
  if (!surveyed_ && (stored_ > 0 || decompositions() == 0)) survey_first();
  if (next_ == decompositions()) return false;
  if (any_together(team_, [&] { return leads() && needs_decomposition(next_); })) reduce(next_);
  ++next_;
  return true;
}

std::vector<PrecisionFigures> Analysis::figures() && {
  for (std::size_t p = 0; p < figures_.size(); ++p) {
    figures_[p].nonfinite = survey_.nonfinite(p);
    figures_[p].cast_error = survey_.relative_error(p);
    figures_[p].squared_norm = survey_.squared_norm(p);
    const CastSums& sums = survey_.sums(p);
    figures_[p].largest_error = sums.largest_error;
    figures_[p].zeroed = static_cast<std::int64_t>(sums.zeroed);
    figures_[p].clipped = static_cast<std::int64_t>(sums.clipped);
    figures_[p].stored = p < stored_;
    figures_[p].surveyed = p >= decompositions();
  }
  return std::move(figures_);
}

bool Analysis::needs_decomposition(std::size_t p) {
  figures_[p].shares = find_share(p, figures_, survey_, settings_);
  return !figures_[p].shares && survey_.nonfinite(p) == 0;
}

/// Does a new precision share a stored one's spectrum, or may it, as far as can be told without that?
bool Analysis::needs_stored_spectra() const {
  for (std::size_t p = stored_; p < decompositions(); ++p) {
    for (std::size_t q = 0; q < stored_; ++q) {
      const CastDifference& difference = survey_.difference(p, q);
      const bool may_share = settings_.share_tolerance > 0 && std::isfinite(difference.norm_bound());
      if (difference.equal_bits() || may_share) return true;
    }
  }
  return false;
}

/// The survey by itself, before it is decided what to decompose. Collective.
void Analysis::survey_first() {
  const Stopwatch watch;
  survey_only();
  surveyed_ = true;
  if (any_together(team_, [&] { return leads() && needs_stored_spectra(); })) stored_ = next_ = 0;
  if (decompositions() < figures_.size()) figures_[decompositions()].survey_seconds = watch.seconds();
}

/// Tries a method; what it throws is noted, but for what ends the run.
/// @param compute  returns the seconds that it counts; one that throws counts all that it took
template <class Compute>
void Analysis::attempt(Method method, Compute compute) {
  const Stopwatch watch;
  const auto note = [&](std::string_view reason) {
    current_->seconds += watch.seconds();
    note_failure(figures_[current_->precision], method, reason);
  };
  try {
    current_->seconds += compute();
  } catch (const Error& error) {
    if (error.fault() != Fault::internal) throw;
    note(error.what());
  } catch (const std::bad_alloc&) {
    note("not enough memory for this layer");
  }
}

/// Collective.
void Analysis::reduce(std::size_t p) {
  current_.emplace(Decomposition{.precision = p, .reduction = nullptr, .inexact = {}});
  attempt(Method::gram_eigen, [&] {
    auto reduction = backend_.reduce(matrix_, chain(p), surveyed_ ? nullptr : &survey_, team_);
    if (!reduction && survey_.nonfinite(p) == 0)
      note_failure(figures_[p], Method::gram_eigen, "NaN or Inf in the Gram matrix");
    const double seconds = reduction ? reduction->seconds : 0;
    if (leads()) current_->reduction = std::move(reduction);
    return seconds;
  });
  if (!surveyed_ && team_.any(!survey_.complete())) {
    const Stopwatch watch;
    survey_only();
    current_->seconds += watch.seconds();
  }
  surveyed_ = true;
  if (survey_.nonfinite(p) > 0) current_.reset();
}

/// The survey, where there is no reduction to make it in passing, or it has failed. Collective.
void Analysis::survey_only() {
  do_together(team_,
              [&] { survey_ = CastSurvey(settings_.all_precisions(), decompositions(), matrix_.shape()); });
  for_each_panel(matrix_, chain(0), &survey_, team_, [](const Panel&) {});
  survey_.sum_over(team_);
}

/// Collective, but for the last decomposition where the leader suffices: the other members are free then.
void Analysis::finish() {
  const bool last = next_ == decompositions();
  if (leader_suffices_ && last) {
    if (leads()) finish_by_leader();
  } else if (any_together(team_, [&] { return leads() && !finish_by_leader(); })) {
    finish_by_team();
  }
}

/// What is left to do of the current decomposition, as far as the leader can do it alone.
/// @return false where the team has to go on, with an SVD
bool Analysis::finish_by_leader() {
  if (!current_) return true;
  const std::size_t p = current_->precision;
  if (current_->reduction) {
    attempt(Method::gram_eigen, [&] {
      GramSpectrum gram = std::exchange(current_->reduction, nullptr)->finish();
      if (!gram.failure.empty()) note_failure(figures_[p], Method::gram_eigen, gram.failure);
      keep(std::move(gram.eigenvalues), gram.method);
      return gram.seconds;
    });
  }
  if (!figures_[p].spectrum && leader_suffices_) {
    attempt(Method::gram_eigen_dsyevd, [&] {
      const Stopwatch watch;
      keep(gram_eigenvalues_by_lapack(matrix_, chain(p)), Method::gram_eigen_dsyevd);
      return watch.seconds();
    });
  }
  if (needs_svd(figures_[p].spectrum)) {
    if (figures_[p].spectrum) current_->inexact = std::move(figures_[p].spectrum->eigenvalues);
    figures_[p].spectrum.reset();
    if (!leader_suffices_) return false;
    attempt(Method::svd_full, [&] {
      const Stopwatch watch;
      keep(squared_singular_values(matrix_, chain(p)), Method::svd_full);
      return watch.seconds();
    });
  }
  end_decomposition();
  return true;
}

/// Collective.
void Analysis::finish_by_team() {
  attempt(Method::svd_scalapack, [&] {
    const Stopwatch watch;
    auto values = squared_singular_values(matrix_, chain(current_->precision), team_, settings_.memory);
    if (leads()) keep(std::move(values), Method::svd_scalapack);
    return watch.seconds();
  });
  end_decomposition();
}

/// Takes eigenvalues that add up. @throws Error(internal) where they do not
void Analysis::keep(std::vector<double> eigenvalues, Method method) {
  const std::size_t p = current_->precision;
  check_trace(eigenvalues, survey_.squared_norm(p), matrix_.rows(), matrix_.cols());
  if (!current_->inexact.empty()) {
    check_against_gram(eigenvalues, current_->inexact, matrix_.rows(), matrix_.cols());
  }
  figures_[p].spectrum = estimate(std::move(eigenvalues), method, settings_.k_fraction);
}

void Analysis::end_decomposition() {
  auto& spectrum = figures_[current_->precision].spectrum;
  if (spectrum) spectrum->seconds = current_->seconds;
  current_.reset();
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
