/// Fuzzes --filter-layers. Input: the expression, then names of layers, one a line.
#include "alphahill/base/layer_filter.hpp"

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "fuzz/invariant.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  std::vector<std::string> lines;
  boost::split(lines, text_of(bytes, size), boost::is_any_of("\n"));
  try {
    const auto kept = layers_kept(std::span(lines).subspan(1), lines[0]);
    promise(std::ranges::find(kept, true) != kept.end(), "a filter keeps some layers");
  } catch (const Error& error) {
    promise(error.fault() == Fault::usage, "a bad expression is wrong usage");
  }
  return 0;
}
