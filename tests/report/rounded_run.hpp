/// Runs made up in memory, with errors of rounding as formats make them.
#pragma once

#include <cmath>

#include "alphahill/formats/precision.hpp"
#include "results/sample_run.hpp"

namespace alphahill {

inline const std::vector<std::string> twelve_precisions{"fp32",       "bf16", "fp8_e4m3",  "int8",
                                                        "mxfp6_e3m2", "int5", "int4_g128", "mxfp4",
                                                        "nvfp4",      "nf4",  "int3_g128", "int2_g64"};

/// None at fp32, 2^-bits of the weights below 16 bits, with a scatter of a fifth between layers.
inline SampleRun rounded_run(std::int64_t layers, const std::vector<std::string>& precisions) {
  SampleRun sample = sample_run(layers, precisions);
  for (ResultRow& row : sample.rows) {
    const Precision precision = find_precision(row.precision).value();
    const double scatter = 1 + 0.2 * std::sin(static_cast<double>(row.layer * row.layer));
    const double error = precision.scaled() ? std::exp2(1 - precision.element_bits) : 1.7e-3;
    row.cast_error = row.precision == "fp32" ? 0 : error * scatter;
    row.effective_rank = 0.5 + 0.4 * std::sin(static_cast<double>(3 * row.layer));
    row.alpha *= precision.scaled() ? 1 + error * scatter : 1;
  }
  return sample;
}

}  // namespace alphahill
