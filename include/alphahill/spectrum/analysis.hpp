/// The figures of one layer: its casts, the distinct spectra among them, and the Hill exponent of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alphahill/spectrum/backend.hpp"
#include "alphahill/spectrum/hill.hpp"

namespace alphahill {

/// How a spectrum was had.
enum class Method : std::uint8_t { gram_eigen, svd_full };
/// "gram_eigen", "svd_full".
std::string_view name_of(Method method);

/// A figure whose a-priori bound on the relative error of lambda_{k+1} exceeds this is computed again by SVD.
inline constexpr double largest_gram_error = 1e-9;

struct AnalysisSettings {
  Format load;                     ///< fp32, fp16 or bf16
  std::vector<Format> precisions;  ///< in the order asked for
  double k_fraction;               ///< in (0, 1]
};

/// The spectrum of the weights at one precision, and what follows from it.
struct Spectrum {
  std::vector<double> eigenvalues;  ///< ascending
  HillEstimate hill;
  Method method;
  double error_bound;  ///< bound on the relative error of lambda_{k+1} by the method used
  double seconds;
};

struct PrecisionFigures {
  std::optional<std::size_t>
      shares;  ///< index of the precision with the same cast bits, whose spectrum this is too
  std::optional<Spectrum> spectrum;  ///< nothing where shared, or where a cast weight is NaN or Inf
  std::int64_t nonfinite;            ///< cast weights that are NaN or Inf
  double cast_error;                 ///< |W_p - W|_F / |W|_F against the stored weights
  double squared_norm;               ///< |W_p|_F^2
};

/// Figures at each precision, in the order asked for. Precisions whose cast weights agree bit for bit share
/// one decomposition. The layer is read once for each distinct cast, and once more for each SVD.
std::vector<PrecisionFigures> analyse(const StoredMatrix& matrix, const AnalysisSettings& settings,
                                      Backend& backend);

/// Distinct casts that a layer is expected to have, from the formats alone: a cast that holds every loaded
/// value changes nothing, any other is taken to change something.
std::int64_t expected_distinct_casts(Format stored, const AnalysisSettings& settings);

}  // namespace alphahill
