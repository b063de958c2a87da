#include "alphahill/results/missing_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

namespace alphahill {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes of the unit of a size at the start of a text, as human_bytes() writes it.
std::size_t unit_size(std::string_view text) {
  constexpr std::array<std::string_view, 6> units{" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  for (const std::string_view unit : units) {
    if (text.starts_with(unit)) return unit.size();
  }
  return 0;
}

/// The text with '#' in place of each number and of the unit of a size behind it.
std::string without_numbers(std::string_view text) {
  std::string without;
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && (is_digit(text[size]) || (size > 0 && text[size] == '.'))) ++size;
    without += size == 0 ? text.front() : '#';
    text.remove_prefix(std::max<std::size_t>(size, 1));
    if (size > 0) text.remove_prefix(unit_size(text));
  }
  return without;
}

}  // namespace

std::string MissingReason::text() const {
  return varies ? fmt::format("for example, {}", example) : example;
}

void MissingFigures::add(const ResultRow& row) {
  if (row.status == Status::ok || row.status == Status::surveyed) {
    any_figure_ = true;
    return;
  }
  layers_.insert(row.layer);
  const std::string text = fmt::format("{}: {}", name_of(row.status), row.reason);
  MissingReason& reason = reasons_[without_numbers(text)];
  if (reason.layers.empty()) reason.example = text;
  reason.varies = reason.varies || reason.example != text;
  reason.layers.insert(row.layer);
  reason.precisions.insert(row.precision);
}

std::vector<MissingReason> MissingFigures::by_reason() const {
  std::vector<MissingReason> reasons;
  for (const auto& [key, reason] : reasons_) reasons.push_back(reason);
  std::ranges::stable_sort(reasons, std::greater{},
                           [](const MissingReason& reason) { return reason.layers.size(); });
  return reasons;
}

}  // namespace alphahill
