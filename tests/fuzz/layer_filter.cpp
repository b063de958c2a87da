/// Fuzzes --filter-layers. Input: the expression, then names of layers, one a line.
#include <boost/algorithm/string.hpp>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/report/view.hpp"
#include "fuzz/invariant.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  std::vector<std::string> lines;
  boost::split(lines, text_of(bytes, size), boost::is_any_of("\n"));
  RunDescription run;
  run.precisions = {"fp32"};
  run.k_frac = 0.1;
  for (std::size_t i = 1; i < lines.size(); ++i) run.layers.emplace_back().name = lines[i];
  try {
    const ReportView view = view_of(run, {}, {}, {.k_frac = {}, .precisions = {}, .filter_layers = lines[0]});
    promise(view.unfinished > 0 && view.unfinished <= std::ssize(run.layers), "a filter keeps some layers");
  } catch (const Error& error) {
    promise(error.fault() == Fault::usage, "a bad expression is wrong usage");
  }
  return 0;
}
