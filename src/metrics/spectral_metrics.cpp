#include "alphahill/metrics/spectral_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/metrics/effective_rank.hpp"
#include "alphahill/metrics/hill.hpp"

namespace alphahill {

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

/// Figures of fits are -1 where they are counts and there is none.
double figure_of(std::int64_t count) {
  return count < 0 ? no_value : static_cast<double>(count);
}

double norm(FittedSpectrum& spectrum) {
  return std::accumulate(spectrum.eigenvalues().begin(), spectrum.eigenvalues().end(), 0.0);
}

double log_spectral_norm(FittedSpectrum& spectrum) {
  return std::log10(spectrum.largest());
}

double log_norm(FittedSpectrum& spectrum) {
  return log_spectral_norm(spectrum) + std::log10(spectrum.relative_sum());
}

double alpha_weighted(FittedSpectrum& spectrum) {
  return spectrum.power_law().alpha * log_spectral_norm(spectrum);
}

double log_alpha_norm(FittedSpectrum& spectrum) {
  return alpha_weighted(spectrum) + std::log10(spectrum.relative_sum(spectrum.power_law().alpha));
}

double smallest_singular_value(FittedSpectrum& spectrum) {
  if (spectrum.eigenvalues().empty()) return no_value;
  const bool is_zero = static_cast<double>(spectrum.rank()) < spectrum.count();
  return is_zero ? 0 : std::sqrt(spectrum.eigenvalues().front());
}

/// Of a rank below 2, over ln(rank) <= 0, there is none.
double entropy(FittedSpectrum& spectrum) {
  constexpr double above_zero = 1e-10;
  const auto rank = static_cast<double>(spectrum.rank());
  if (rank < 2) return no_value;
  const double sum = spectrum.relative_sum();
  double total = 0;
  for (const double eigenvalue : spectrum.eigenvalues()) {
    const double part = eigenvalue / spectrum.largest() / sum + above_zero;
    total -= part * std::log(part);
  }
  return total / std::log(rank + above_zero);
}

double weak_rank_loss(FittedSpectrum& spectrum) {
  constexpr double small = 1e-6;
  return static_cast<double>(
      std::ranges::count_if(spectrum.eigenvalues(), [](double eigenvalue) { return eigenvalue < small; }));
}

double participation_ratio(FittedSpectrum& spectrum) {
  const double sum = spectrum.relative_sum();
  return sum * sum / spectrum.relative_sum(2);
}

template <int percent>
double hill_at(FittedSpectrum& spectrum) {
  return hill(spectrum.eigenvalues(), percent / 100.0).alpha;
}

constexpr auto weightwatcher = "WeightWatcher";
constexpr auto hill_1975 = "Hill 1975";
constexpr auto hill_plot = "after Drees, de Haan and Resnick 2000";

using Of = FittedSpectrum&;

constexpr std::array metrics{
    SpectralMetric{"pl_alpha", "1", "exponent of the power law from xmin on, WeightWatcher's alpha",
                   "WeightWatcher; Clauset et al. 2009", [](Of of) { return of.power_law().alpha; }},
    SpectralMetric{"D", "1", "Kolmogorov-Smirnov distance of the power law", weightwatcher,
                   [](Of of) { return of.power_law().distance; }},
    SpectralMetric{"xmin", "eigenvalue", "where the power law begins", weightwatcher,
                   [](Of of) { return of.power_law().x_min; }},
    SpectralMetric{"sigma", "1", "standard error of pl_alpha", weightwatcher,
                   [](Of of) { return of.power_law().standard_error; }},
    SpectralMetric{"num_pl_spikes", "count", "eigenvalues >= xmin", weightwatcher,
                   [](Of of) { return figure_of(of.power_law().tail_length); }},
    SpectralMetric{"alpha_weighted", "1", "pl_alpha log10(lambda_1)", weightwatcher, alpha_weighted},
    SpectralMetric{"log_alpha_norm", "log10", "log10(sum lambda^pl_alpha)", weightwatcher, log_alpha_norm},
    SpectralMetric{"norm", "eigenvalue", "sum lambda, |W|_F^2", weightwatcher, norm},
    SpectralMetric{"log_norm", "log10", "log10(norm)", weightwatcher, log_norm},
    SpectralMetric{"spectral_norm", "eigenvalue", "lambda_1", weightwatcher,
                   [](Of of) { return of.largest(); }},
    SpectralMetric{"log_spectral_norm", "log10", "log10(lambda_1)", weightwatcher, log_spectral_norm},
    SpectralMetric{"stable_rank", "1", "sum lambda / lambda_1", weightwatcher,
                   [](Of of) { return of.relative_sum(); }},
    SpectralMetric{"matrix_rank", "count", "eigenvalues that can be told from zero", weightwatcher,
                   [](Of of) { return figure_of(of.rank()); }},
    SpectralMetric{"rank_loss", "count", "the other eigenvalues", weightwatcher,
                   [](Of of) { return of.count() - figure_of(of.rank()); }},
    SpectralMetric{"weak_rank_loss", "count", "eigenvalues < 1e-6", weightwatcher, weak_rank_loss},
    SpectralMetric{"sv_max", "singular value", "the largest", weightwatcher,
                   [](Of of) { return std::sqrt(of.largest()); }},
    SpectralMetric{"sv_min", "singular value", "the smallest; 0 where it cannot be told from zero",
                   weightwatcher, smallest_singular_value},
    SpectralMetric{"entropy", "1", "-sum p ln p / ln(matrix_rank), p = lambda / norm + 1e-10", weightwatcher,
                   entropy},
    SpectralMetric{"sigma_mp", "1", "of the Marchenko-Pastur law that fits the bulk", weightwatcher,
                   [](Of of) { return of.marchenko_pastur().sigma; }},
    SpectralMetric{"mp_softrank", "1", "upper edge of that bulk / lambda_1", weightwatcher,
                   [](Of of) { return of.marchenko_pastur().soft_rank; }},
    SpectralMetric{"num_spikes", "count", "eigenvalues above that bulk", weightwatcher,
                   [](Of of) { return figure_of(of.marchenko_pastur().spikes); }},
    SpectralMetric{"effective_rank", "of M", "exp(-sum p ln p) / M, p = lambda / norm",
                   "Roy and Vetterli 2007", [](Of of) { return effective_rank(of.eigenvalues()); }},
    SpectralMetric{"participation_ratio", "count", "(sum lambda)^2 / sum lambda^2", "Gao et al. 2017",
                   participation_ratio},
    SpectralMetric{"hill_1pct", "1", "Hill estimate with k-frac 0.01", hill_1975, hill_at<1>},
    SpectralMetric{"hill_2pct", "1", "the same with 0.02", hill_1975, hill_at<2>},
    SpectralMetric{"hill_5pct", "1", "the same with 0.05", hill_1975, hill_at<5>},
    SpectralMetric{"hill_10pct", "1", "the same with 0.1", hill_1975, hill_at<10>},
    SpectralMetric{"hill_20pct", "1", "the same with 0.2", hill_1975, hill_at<20>},
    SpectralMetric{"hill_50pct", "1", "the same with 0.5", hill_1975, hill_at<50>},
    SpectralMetric{"hill_plateau", "1",
                   "mean over the tails of k ... 2k eigenvalues where the estimate varies least", hill_plot,
                   [](Of of) { return of.plateau().alpha; }},
    SpectralMetric{"hill_plateau_k", "count", "k of these", hill_plot,
                   [](Of of) { return figure_of(of.plateau().first_k); }},
    SpectralMetric{"hill_plateau_spread", "1", "standard deviation / mean of the estimate - 1 there",
                   hill_plot, [](Of of) { return of.plateau().spread; }},
};

const SpectralMetric& metric_called(std::string_view name, std::string_view option) {
  const auto in_any_case = [](const SpectralMetric& metric) { return in_lower_case(metric.name); };
  const auto found = std::ranges::find(metrics, in_lower_case(name), in_any_case);
  if (found != metrics.end()) return *found;
  std::vector<std::string_view> names;
  for (const SpectralMetric& metric : metrics) names.push_back(metric.name);
  throw Error(Fault::usage, std::string(option),
              fmt::format("'{}' is no metric, did you mean {}? --help metrics lists all", name,
                          fmt::join(nearest_to(in_lower_case(name), names), " or ")));
}

}  // namespace

FittedSpectrum::FittedSpectrum(std::span<const double> eigenvalues, std::int64_t larger_side)
    : eigenvalues_(eigenvalues), larger_side_(larger_side) {}

double FittedSpectrum::relative_sum(double power) const {
  if (largest() == 0) return no_value;
  double sum = 0;
  for (const double eigenvalue : eigenvalues_) sum += std::pow(eigenvalue / largest(), power);
  return sum;
}

std::int64_t FittedSpectrum::rank() const {
  const double noise = static_cast<double>(larger_side_) * std::numeric_limits<double>::epsilon() * largest();
  return eigenvalues_.end() - std::ranges::upper_bound(eigenvalues_, noise);
}

const PowerLawFit& FittedSpectrum::power_law() {
  if (!power_law_) power_law_ = fit_power_law(eigenvalues_);
  return *power_law_;
}

const MarchenkoPasturFit& FittedSpectrum::marchenko_pastur() {
  if (!marchenko_pastur_) {
    marchenko_pastur_ = fit_marchenko_pastur(eigenvalues_, static_cast<double>(larger_side_) / count());
  }
  return *marchenko_pastur_;
}

const HillPlateau& FittedSpectrum::plateau() {
  if (!plateau_) plateau_ = hill_plateau(eigenvalues_);
  return *plateau_;
}

std::span<const SpectralMetric> all_spectral_metrics() {
  return metrics;
}

std::vector<std::string> parse_spectral_metrics(std::span<const std::string> names, std::string_view option) {
  const bool all = names.size() == 1 && in_lower_case(names.front()) == "all";
  std::vector<std::string_view> wanted;
  if (!all) {
    for (const std::string& name : names) wanted.push_back(metric_called(name, option).name);
  }
  std::vector<std::string> parsed;
  for (const SpectralMetric& metric : metrics) {
    if (all || std::ranges::find(wanted, metric.name) != wanted.end()) parsed.emplace_back(metric.name);
  }
  return parsed;
}

std::vector<double> spectral_metrics(std::span<const double> eigenvalues, std::int64_t larger_side,
                                     std::span<const std::string> names) {
  if (eigenvalues.empty()) return std::vector<double>(names.size(), no_value);
  FittedSpectrum spectrum(eigenvalues, larger_side);
  std::vector<double> values;
  for (const std::string& name : names) {
    const double value = metric_called(name, "metrics").value(spectrum);
    values.push_back(std::isfinite(value) ? value : no_value);
  }
  return values;
}

std::string spectral_metrics_table() {
  std::string text = fmt::format("{:20} {:15} {:78} {}\n", "metric", "unit", "what it is", "source");
  for (const SpectralMetric& metric : metrics) {
    text += fmt::format("{:20} {:15} {:78} {}\n", metric.name, metric.unit, metric.meaning, metric.source);
  }
  return text;
}

}  // namespace alphahill
