#include "alphahill/metrics/error_bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace alphahill {

bool is_svd(std::string_view method) {
  return method.starts_with("svd_");
}

double error_bound_by(std::string_view method, double gram_error_bound, std::int64_t order) {
  if (!is_svd(method)) return gram_error_bound;
  // With N eps lambda_1 / lambda_{k+1} = b, the SVD's 2 N eps sqrt(lambda_1 / lambda_{k+1}) is 2 sqrt(N eps b).
  const double relative_error = static_cast<double>(order) * std::numeric_limits<double>::epsilon();
  return 2 * std::sqrt(relative_error * gram_error_bound);
}

double expected_gram_error(double error_bound, std::int64_t order) {
  return error_bound * std::min(1.0, 4 / std::sqrt(static_cast<double>(order)));
}

}  // namespace alphahill
