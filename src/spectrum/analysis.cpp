#include "alphahill/spectrum/analysis.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace alphahill {

namespace {

using Clock = std::chrono::steady_clock;

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
  const double relative_error =
      static_cast<double>(eigenvalues.size()) * std::numeric_limits<double>::epsilon();
  HillEstimate estimate = hill(eigenvalues, k_fraction);
  // With N eps lambda_1 / lambda_{k+1} = b, the SVD's 2 N eps sqrt(lambda_1 / lambda_{k+1}) is 2 sqrt(N eps
  // b).
  const double bound = method == Method::gram_eigen ? estimate.error_bound
                                                    : 2 * std::sqrt(relative_error * estimate.error_bound);
  return {std::move(eigenvalues), std::move(estimate), method, bound, 0};
}

bool needs_svd(const Spectrum& spectrum) {
  const bool zero = spectrum.eigenvalues.empty() || spectrum.eigenvalues.back() == 0;
  return !zero && spectrum.error_bound > largest_gram_error;
}

std::optional<Spectrum> decompose(const StoredMatrix& matrix, CastChain chain, double k_fraction,
                                  CastSurvey* survey, Backend& backend) {
  const auto start = Clock::now();
  auto eigenvalues = backend.gram_eigenvalues(matrix, chain, survey);
  if (!eigenvalues) return std::nullopt;
  Spectrum spectrum = estimate(std::move(*eigenvalues), Method::gram_eigen, k_fraction);
  if (needs_svd(spectrum)) {
    spectrum = estimate(squared_singular_values(matrix, chain), Method::svd_full, k_fraction);
  }
  spectrum.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return spectrum;
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

std::string_view name_of(Method method) {
  return method == Method::gram_eigen ? "gram_eigen" : "svd_full";
}

std::vector<PrecisionFigures> analyse(const StoredMatrix& matrix, const AnalysisSettings& settings,
                                      Backend& backend) {
  CastSurvey survey(settings.precisions, matrix.rows, matrix.cols);
  std::vector<PrecisionFigures> figures(settings.precisions.size());
  for (std::size_t p = 0; p < figures.size(); ++p) {
    figures[p].shares = find_share(p, figures, survey, settings);
    if (!figures[p].shares && (p == 0 || survey.nonfinite(p) == 0)) {
      figures[p].spectrum = decompose(matrix, {settings.load, settings.precisions[p]}, settings.k_fraction,
                                      p == 0 ? &survey : nullptr, backend);
    }
    figures[p].nonfinite = survey.nonfinite(p);
    figures[p].cast_error = survey.relative_error(p);
    figures[p].squared_norm = survey.squared_norm(p);
  }
  return figures;
}

std::int64_t expected_decompositions(Format stored, const AnalysisSettings& settings) {
  const Format loaded = holds(settings.load, stored) ? stored : settings.load;
  const auto shares = settings.share_tolerance > 0 ? holds_digits : holds;
  const auto sharing =
      std::ranges::count_if(settings.precisions, [&](Format p) { return shares(p, loaded); });
  return static_cast<std::int64_t>(settings.precisions.size()) - std::max<std::int64_t>(sharing - 1, 0);
}

}  // namespace alphahill
