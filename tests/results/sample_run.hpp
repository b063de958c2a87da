/// Runs made up in memory, with Llama-like layers and changes of the sizes that the casts really have.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "alphahill/results/tables.hpp"
#include "alphahill/results/view.hpp"

namespace alphahill {

struct SampleRun {
  RunDescription run;
  std::vector<ResultRow> rows;  ///< layers in order, precisions in order
  std::optional<Asked> asked;   ///< nothing: everything
};

inline LayerRow sample_layer(std::int64_t index) {
  static constexpr std::array<std::array<const char*, 2>, 7> roles{{{"self_attn.q_proj", "attn_q"},
                                                                    {"self_attn.k_proj", "attn_k"},
                                                                    {"self_attn.v_proj", "attn_v"},
                                                                    {"self_attn.o_proj", "attn_o"},
                                                                    {"mlp.gate_proj", "mlp_gate"},
                                                                    {"mlp.up_proj", "mlp_up"},
                                                                    {"mlp.down_proj", "mlp_down"}}};
  const auto& role = roles[static_cast<std::size_t>(index % 7)];
  return {.name = "model.layers." + std::to_string(index / 7) + "." + role[0],
          .category = role[1],
          .out_features = 4096,
          .in_features = 4096,
          .numel = 4096 * 4096,
          .stored_dtype = "BF16",
          .source_file = "model.safetensors",
          .stored_as = "BF16",
          .bits_per_weight = 16};
}

inline ResultRow sample_row(std::int64_t layer, const std::string& precision, double alpha) {
  ResultRow row;
  row.layer = layer;
  row.precision = precision;
  row.alpha = alpha;
  row.alpha_stderr = (alpha - 1) / std::sqrt(409.0);
  row.k_used = 409;
  row.n_eigs = 4096;
  row.method = "gram_eigen";
  row.status = Status::ok;
  return row;
}

inline ResultRow failed_row(std::int64_t layer, const std::string& precision, const std::string& reason) {
  ResultRow row;
  row.layer = layer;
  row.precision = precision;
  row.status = Status::nonfinite;
  row.reason = reason;
  return row;
}

/// Typical size of the relative change of alpha through a cast.
inline double cast_effect(const std::string& precision) {
  if (precision == "fp16") return 1e-6;
  if (precision == "bf16") return 1e-4;
  return 0;
}

inline SampleRun sample_run(std::int64_t layers, std::vector<std::string> precisions) {
  SampleRun sample;
  sample.run.model = "meta-llama/Llama-3.1-8B";
  sample.run.precisions = std::move(precisions);
  sample.run.k_frac = 0.1;
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  for (std::int64_t i = 0; i < layers; ++i) {
    sample.run.layers.push_back(sample_layer(i));
    const double depth = static_cast<double>(i) / static_cast<double>(layers);
    const double alpha = 3 + std::sin(3 * depth) + 0.3 * static_cast<double>(i % 7) + 0.1 * normal(random);
    for (const std::string& precision : sample.run.precisions) {
      const double change =
          cast_effect(precision) * std::exp(normal(random)) * (normal(random) > -0.5 ? 1 : -1);
      sample.rows.push_back(sample_row(i + 1, precision, alpha * (1 + change)));
    }
  }
  return sample;
}

inline ReportView view_of(const SampleRun& sample, const Selection& selection = {}) {
  return view_of(
      sample.run, sample.asked.value_or(everything_in(sample.run)), sample.rows,
      [](const ResultRow&) { return std::vector<double>{}; }, selection);
}

}  // namespace alphahill
