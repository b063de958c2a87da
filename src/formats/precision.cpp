#include "alphahill/formats/precision.hpp"

#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

std::span<const Precision> all_precisions() {
  static const std::vector<Precision> table{ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                            ElementFormat::bf16};
  return table;
}

std::string precision_names() {
  std::vector<std::string> names;
  for (const Precision& precision : all_precisions()) names.emplace_back(precision.name);
  return joined(names);
}

std::optional<Precision> find_precision(std::string_view name) {
  const auto found = std::ranges::find(all_precisions(), name, &Precision::name);
  return found == all_precisions().end() ? std::nullopt : std::optional(*found);
}

Precision parse_precision(std::string_view name, std::string_view option) {
  if (const auto found = find_precision(name)) return *found;
  throw Error(Fault::usage, std::string(option),
              "expected one of " + precision_names() + ", found '" + std::string(name) + "'");
}

}  // namespace alphahill
