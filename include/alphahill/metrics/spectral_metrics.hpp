/// The table of metrics: figures that follow from the spectrum and the shape of a layer alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/metrics/hill_plateau.hpp"
#include "alphahill/metrics/marchenko_pastur.hpp"
#include "alphahill/metrics/power_law.hpp"

namespace alphahill {

/// A spectrum, and the fits that several metrics take figures of, made when the first of them asks.
class FittedSpectrum {
 public:
  /// @param eigenvalues  M values, ascending, >= 0, finite; they must outlive this object
  /// @param larger_side  N >= M, of W
  FittedSpectrum(std::span<const double> eigenvalues, std::int64_t larger_side);

  std::span<const double> eigenvalues() const { return eigenvalues_; }
  double count() const { return static_cast<double>(eigenvalues_.size()); }
  double largest() const { return eigenvalues_.empty() ? 0 : eigenvalues_.back(); }
  /// sum (lambda / lambda_1)^power; NaN where all are zero. It does not overflow where the sum of powers would.
  double relative_sum(double power = 1) const;
  /// Eigenvalues that can be told from zero: > N eps lambda_1.
  std::int64_t rank() const;

  const PowerLawFit& power_law();
  const MarchenkoPasturFit& marchenko_pastur();
  const HillPlateau& plateau();

 private:
  std::span<const double> eigenvalues_;
  std::int64_t larger_side_;
  std::optional<PowerLawFit> power_law_;
  std::optional<MarchenkoPasturFit> marchenko_pastur_;
  std::optional<HillPlateau> plateau_;
};

struct SpectralMetric {
  std::string_view name;
  std::string_view unit;
  std::string_view meaning;
  std::string_view source;
  double (*value)(FittedSpectrum&);  ///< not finite where there is none
};

/// WeightWatcher's by its names, then ours.
std::span<const SpectralMetric> all_spectral_metrics();

/// "all", or a list of names in letters of either case. @return their names, each once, in the order of the table
/// @throws Error(usage) naming `option` and the nearest names that there are
std::vector<std::string> parse_spectral_metrics(std::span<const std::string> names, std::string_view option);

/// The metrics of these names, in their order; NaN where the spectrum has none.
/// @param eigenvalues, larger_side  as of FittedSpectrum
/// @throws Error(usage) as parse_spectral_metrics
std::vector<double> spectral_metrics(std::span<const double> eigenvalues, std::int64_t larger_side,
                                     std::span<const std::string> names);

/// The table for people, in lines: name, unit, meaning, source.
std::string spectral_metrics_table();

}  // namespace alphahill
