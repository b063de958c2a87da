/// Compares a results table with the known spectra of a sample model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sample/models.hpp"

namespace alphahill::sample {

/// One layer at one precision whose figures are not the known ones.
struct Disagreement {
  std::string layer;
  std::string precision;
  double relative_difference;  ///< of alpha; infinite where k_used or n_eigs differ or alpha is no number
};

struct Agreement {
  std::int64_t figures = 0;  ///< values of alpha that were compared
  double largest_difference = 0;
  std::vector<Disagreement> disagreements;  ///< worst first
};

/// Compares every alpha, k_used and n_eigs of precision_alpha_hill_results.csv; alpha may differ by 1e-9
/// relative.
/// @throws Error(input) unless the table has one row for each layer of the sample and nothing else
Agreement compare(const std::filesystem::path& csv, const Options& options);

}  // namespace alphahill::sample
