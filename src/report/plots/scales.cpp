#include "report/plots/scales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>

namespace alphahill {

namespace {

constexpr double smallest_span = 0.02;  // of the values' size
constexpr double padding = 0.06;        // of the span, on either side
constexpr int most_decades = 12;
constexpr double log_padding = 0.1;  // decades beside the values of a logarithmic scale, at least

std::vector<double> finite(std::span<const double> values) {
  std::vector<double> kept;
  std::ranges::copy_if(values, std::back_inserter(kept), [](double value) { return std::isfinite(value); });
  return kept;
}

/// The smallest of 1, 2, 5, 10, 20, ... (times a power of ten) that is not below `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

int decade_of(double change) {
  return static_cast<int>(std::floor(std::log10(std::abs(change))));
}

}  // namespace

std::string change_text(double change, int decimals) {
  if (change == 0) return "0";
  std::string text = fmt::format("{:+.{}e}", change, decimals);
  const std::size_t exponent = text.find('e') + 2;
  if (text[exponent] == '0') text.erase(exponent, 1);
  return text;
}

std::string size_text(double size, int digits) {
  return size == 0 ? "0" : change_text(size, digits - 1).substr(1);
}

std::string alpha_text(double alpha, int decimals) {
  constexpr double large = 1e4;
  return std::abs(alpha) < large ? fmt::format("{:.{}f}", alpha, decimals) : fmt::format("{:.2e}", alpha);
}

AlphaScale::AlphaScale(std::span<const double> values) {
  const std::vector<double> shown = finite(values);
  empty_ = shown.empty();
  if (empty_) return;
  const auto [least, most] = std::ranges::minmax(shown);
  const double middle = std::midpoint(least, most);
  const double span = std::max({most - least, smallest_span * std::abs(middle), 1e-300});
  low_ = middle - span * (0.5 + padding);
  high_ = middle + span * (0.5 + padding);
}

std::vector<Tick> AlphaScale::ticks(int most) const {
  if (empty_) return {};
  constexpr int large = 5;  // from this power of ten on it is written
  const double step = round_step((high_ - low_) / most);
  const int decade = decade_of(std::max(std::abs(low_), std::abs(high_)));
  const int power = decade < large ? 0 : decade;
  const int decimals = std::clamp(power - decade_of(step), 0, 12);
  const std::string suffix = power == 0 ? "" : fmt::format("e{}", power);
  std::vector<Tick> result;
  const double first = std::ceil(low_ / step) + 0.0;  // never -0
  for (double i = first; i * step <= high_; ++i) {
    const double shown = i * step / std::pow(10.0, power);
    result.push_back({i * step, fmt::format("{:.{}f}{}", shown, decimals, suffix)});
  }
  return result;
}

ChangeScale::ChangeScale(std::span<const double> changes) {
  std::vector<double> moves = finite(changes);
  std::erase(moves, 0.0);
  if (moves.empty()) return;
  const auto size = [](double change) { return std::abs(change); };
  const double largest = std::abs(std::ranges::max(moves, {}, size));
  const double smallest = std::abs(std::ranges::min(moves, {}, size));
  first_decade_ = std::max(decade_of(smallest), decade_of(largest) - most_decades);
  for (const double change : moves) {
    low_ = std::min(low_, std::floor(place(change)));
    high_ = std::max(high_, std::ceil(place(change)));
  }
}

double ChangeScale::place(double change) const {
  if (change == 0 || !first_decade_) return 0;
  const double decades = std::log10(std::abs(change)) - *first_decade_;
  return std::copysign(decades < 0 ? std::pow(10.0, decades) : 1 + decades, change);
}

std::vector<Tick> ChangeScale::ticks(int most) const {
  std::vector<Tick> result{{0, "0"}};
  if (!first_decade_) return result;
  const int step = std::max(1, static_cast<int>(std::ceil((high_ - low_) / most)));
  for (const int sign : {1, -1}) {
    for (int place = 1; place <= (sign > 0 ? high_ : -low_); place += step) {
      const double change = sign * std::pow(10.0, *first_decade_ + place - 1);
      result.push_back({1.0 * sign * place, change_text(change, 0)});
    }
  }
  return result;
}

LogScale::LogScale(std::span<const double> values) {
  std::vector<double> shown = finite(values);
  std::erase_if(shown, [](double value) { return value <= 0; });
  if (shown.empty()) return;
  const auto [least, most] = std::ranges::minmax(shown);
  high_ = std::log10(most);
  low_ = std::max(std::log10(least), high_ - most_decades);
  const double beside = std::max(log_padding, padding * (high_ - low_));
  low_ -= beside;
  high_ += beside;
}

double LogScale::place(double value) const {
  return std::max(std::log10(value), low_);
}

std::vector<Tick> LogScale::ticks() const {
  // Multiples of powers of ten: at least one in the narrowest scale.
  constexpr std::array few{1.0};
  constexpr std::array some{1.0, 2.0, 5.0};
  constexpr std::array many{1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0};
  const double decades = high_ - low_;
  const std::span<const double> factors = decades < 1   ? std::span<const double>(many)
                                          : decades < 3 ? std::span<const double>(some)
                                                        : std::span<const double>(few);
  std::vector<Tick> result;
  for (double decade = std::floor(low_); decade <= high_; ++decade) {
    for (const double factor : factors) {
      const double place = decade + std::log10(factor);
      if (place < low_ || place > high_) continue;
      result.push_back({place, size_text(factor * std::pow(10.0, decade), factor == 1.5 ? 2 : 1)});
    }
  }
  return result;
}

}  // namespace alphahill
