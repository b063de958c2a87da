#include "alphahill/formats/element_format.hpp"

#include <algorithm>
#include <array>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

struct Properties {
  std::string_view name;
  std::int64_t bytes;
  int significand_bits;
};

constexpr std::array<Properties, 4> properties{
    {{"fp64", 8, 53}, {"fp32", 4, 24}, {"fp16", 2, 11}, {"bf16", 2, 8}}};

const Properties& properties_of(ElementFormat format) {
  return properties.at(static_cast<std::size_t>(format));
}

}  // namespace

std::string_view name_of(ElementFormat format) {
  return properties_of(format).name;
}
std::int64_t bytes_of(ElementFormat format) {
  return properties_of(format).bytes;
}
int significand_bits(ElementFormat format) {
  return properties_of(format).significand_bits;
}

std::optional<ElementFormat> format_of(std::string_view dtype) {
  if (dtype == "F64") return ElementFormat::fp64;
  if (dtype == "F32") return ElementFormat::fp32;
  if (dtype == "F16") return ElementFormat::fp16;
  if (dtype == "BF16") return ElementFormat::bf16;
  return std::nullopt;
}

ElementFormat parse_format(std::string_view name, std::string_view option,
                           const std::vector<ElementFormat>& allowed) {
  const auto found = std::ranges::find(allowed, name, [](ElementFormat format) { return name_of(format); });
  if (found != allowed.end()) return *found;
  std::vector<std::string> names;
  for (const ElementFormat format : allowed) names.emplace_back(name_of(format));
  throw Error(Fault::usage, std::string(option),
              "expected one of " + joined(names) + ", found '" + std::string(name) + "'");
}

}  // namespace alphahill
