#include "alphahill/results/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace alphahill {

double quantile(std::span<const double> sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double low = sorted[below];
  const double high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double part = place - static_cast<double>(below);
  // From the nearer end, as numpy does: the last bit agrees too.
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

Statistics statistics_of(std::span<const double> values) {
  std::vector<double> sorted;
  std::ranges::copy_if(values, std::back_inserter(sorted), [](double value) { return !std::isnan(value); });
  std::ranges::sort(sorted);
  Statistics result{.count = std::ssize(sorted)};
  if (sorted.empty()) return result;
  const auto count = static_cast<long double>(sorted.size());
  long double sum = 0;
  for (const double value : sorted) sum += value;
  const long double mean = sum / count;
  long double squares = 0;
  for (const double value : sorted) squares += (value - mean) * (value - mean);
  result.mean = static_cast<double>(mean);
  if (sorted.size() > 1) result.std = static_cast<double>(std::sqrt(squares / (count - 1)));
  result.min = sorted.front();
  result.median = quantile(sorted, 0.5);
  result.max = sorted.back();
  result.q25 = quantile(sorted, 0.25);
  result.q75 = quantile(sorted, 0.75);
  return result;
}

std::vector<double> without_flat(std::vector<double> alphas) {
  std::ranges::replace_if(alphas, is_flat, no_figure);
  return alphas;
}

}  // namespace alphahill
