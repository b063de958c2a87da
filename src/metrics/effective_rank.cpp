#include "alphahill/metrics/effective_rank.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace alphahill {

double effective_rank(std::span<const double> eigenvalues) {
  const double sum = std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0);
  if (sum == 0 || std::isinf(sum)) return std::numeric_limits<double>::quiet_NaN();
  double entropy = 0;
  for (const double eigenvalue : eigenvalues) {
    const double part = eigenvalue / sum;
    if (part > 0) entropy -= part * std::log(part);
  }
  return std::exp(entropy) / static_cast<double>(eigenvalues.size());
}

}  // namespace alphahill
