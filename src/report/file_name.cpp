#include "report/file_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace alphahill {

namespace {

constexpr std::size_t longest_stem = 240;  // leaves room for "_<number>" and an extension

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_safe(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
char lower(char c) {
  return is_letter(c) ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

std::string FileNames::make(std::string_view prefix, std::string_view name) {
  std::string stem = fmt::format("{}{}", prefix, name).substr(0, longest_stem);
  std::ranges::replace_if(
      stem, [](char c) { return !is_safe(c); }, '_');
  std::string free = stem;
  const auto taken = [&] {
    std::string folded = free;
    std::ranges::transform(folded, folded.begin(), lower);
    return !lower_case_.insert(folded).second;
  };
  for (int copy = 2; taken(); ++copy) free = fmt::format("{}_{}", stem, copy);
  return free;
}

}  // namespace alphahill
