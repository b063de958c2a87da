#include "alphahill/spectrum/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "alphahill/base/text.hpp"
#include "eigenvalue_checks.hpp"

namespace alphahill {

namespace {

/// Does `wide` hold every digit of a value of `narrow` in its own range?
bool holds_digits(Format wide, Format narrow) {
  return significand_bits(wide) >= significand_bits(narrow);
}

/// Does `wide` hold every value of `narrow`? Only fp16 has more bits than bf16 and a smaller range.
bool holds(Format wide, Format narrow) {
  const bool smaller_range = wide == Format::fp16 && narrow == Format::bf16;
  return holds_digits(wide, narrow) && !smaller_range;
}

Spectrum estimate(std::vector<double> eigenvalues, Method method, double k_fraction) {
  HillEstimate estimate = hill(eigenvalues, k_fraction);
  const double bound = error_bound_by(name_of(method), estimate.error_bound, std::ssize(eigenvalues));
  return {std::move(eigenvalues), std::move(estimate), method, bound, 0};
}

bool needs_svd(const Spectrum& spectrum) {
  const bool zero = spectrum.eigenvalues.empty() || spectrum.eigenvalues.back() == 0;
  return !zero &&
         expected_gram_error(spectrum.error_bound, std::ssize(spectrum.eigenvalues)) > largest_gram_error;
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

Analysis::Analysis(const StoredMatrix& matrix, const AnalysisSettings& settings, Backend& backend, Team& team)
    : matrix_(matrix),
      settings_(settings),
      backend_(backend),
      team_(team),
      survey_(settings.precisions, matrix.rows, matrix.cols),
      figures_(settings.precisions.size()) {}

bool Analysis::step() {
  if (next_ < figures_.size()) {
    if (any_together(team_, [&] { return leads() && needs_decomposition(next_); })) reduce(next_);
    ++next_;
    return true;
  }
  if (leads()) finish();
  return false;
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

/// On a clock that stands still during calls for several matrices.
double Analysis::seconds_now() const {
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  return now.count() - backend_.seconds_together();
}

void Analysis::reduce(std::size_t p) {
  const double start = seconds_now();
  pending_ = backend_.gram_eigenvalues(matrix_, chain(p), p == 0 ? &survey_ : nullptr, team_);
  pending_precision_ = p;
  seconds_ = seconds_now() - start;
}

/// What is left to do of the decomposition under way.
void Analysis::finish() {
  if (!pending_) return;
  const std::size_t p = pending_precision_;
  const double start = seconds_now();
  GramSpectrum gram = (*pending_)();
  Spectrum spectrum = estimate(std::move(gram.eigenvalues), gram.method, settings_.k_fraction);
  pending_.reset();
  if (needs_svd(spectrum)) {
    figures_[p].failure = too_large_for_svd();
    if (!figures_[p].failure.empty()) return;
    spectrum = estimate(squared_singular_values(matrix_, chain(p)), Method::svd_full, settings_.k_fraction);
  }
  check_trace(spectrum.eigenvalues, survey_.squared_norm(p), matrix_.rows, matrix_.cols);
  spectrum.seconds = seconds_ + gram.seconds_together + seconds_now() - start;
  figures_[p].spectrum = std::move(spectrum);
}

/// "" where one rank has the memory for an SVD: no more than for a Gram matrix on its own.
std::string Analysis::too_large_for_svd() const {
  const std::int64_t needed = peak_bytes(matrix_);
  if (needed <= settings_.memory) return "";
  return fmt::format(
      "needs an SVD, and {} for it on one rank, which has {} besides the program (--memory-per-rank)",
      human_bytes(static_cast<double>(needed)), human_bytes(static_cast<double>(settings_.memory)));
}

std::string_view name_of(Method method) {
  constexpr std::array names{"gram_eigen", "gram_eigen_gpu", "svd_full"};
  return names.at(static_cast<std::size_t>(method));
}

bool is_svd(std::string_view method) {
  return method.starts_with("svd_");
}

double error_bound_by(std::string_view method, double gram_error_bound, std::int64_t order) {
  if (!is_svd(method)) return gram_error_bound;
  // With N eps lambda_1 / lambda_{k+1} = b, the SVD's 2 N eps sqrt(lambda_1 / lambda_{k+1}) is 2 sqrt(N eps
  // b).
  const double relative_error = static_cast<double>(order) * std::numeric_limits<double>::epsilon();
  return 2 * std::sqrt(relative_error * gram_error_bound);
}

double expected_gram_error(double error_bound, std::int64_t order) {
  return error_bound * std::min(1.0, 4 / std::sqrt(static_cast<double>(order)));
}

std::vector<PrecisionFigures> analyse(const StoredMatrix& matrix, const AnalysisSettings& settings,
                                      Backend& backend, Team& team) {
  std::optional<Analysis> analysis;
  do_together(team, [&] { analysis.emplace(matrix, settings, backend, team); });
  while (analysis->step()) {
  }
  return std::move(*analysis).figures();
}

std::int64_t expected_decompositions(Format stored, const AnalysisSettings& settings) {
  const Format loaded = holds(settings.load, stored) ? stored : settings.load;
  const auto shares = settings.share_tolerance > 0 ? holds_digits : holds;
  const auto sharing =
      std::ranges::count_if(settings.precisions, [&](Format p) { return shares(p, loaded); });
  return static_cast<std::int64_t>(settings.precisions.size()) - std::max<std::int64_t>(sharing - 1, 0);
}

}  // namespace alphahill
