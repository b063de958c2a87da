/// A small run with every field set, for the tests of the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// A run about three layers at three precisions.
inline RunDescription example_run() {
  return {
      .model = "org/modèle",
      .model_fingerprint = "0123abcd",
      .load_dtype = "fp32",
      .precisions = {"fp32", "fp16", "bf16"},
      .k_frac = 0.1,
      .filter_layers = "",
      .version = "1.0",
      .host = "node7",
      .layers = {{"層.0.q_proj", "attn_q", 4, 3, 12, "BF16", "model-1.safetensors", "BF16", 16, false, false},
                 {"層.0.up_proj", "mlp_up", 8, 3, 24, "I32", "model-1.safetensors", "int4 g128 asym", 4.25,
                  true, false},
                 {"lm_head", "other_linear", 5, 3, 15, "F32", "model-2.safetensors", "F32", 32, false, true}},
      .fuse_scales = true};
}

/// A record of two spectra: fp32 and bf16 share the first, fp16 has the second one.
inline LayerRecord example_record(std::int64_t layer) {
  const double scale = static_cast<double>(layer);
  ResultRow row{.layer = layer,
                .precision = "fp32",
                .alpha = 2.5 * scale,
                .alpha_stderr = 1.25,
                .k_used = 2,
                .n_eigs = 3,
                .method = "gram_eigen",
                .status = Status::ok,
                .reason = "",
                .shares = "",
                .share_bound = no_figure,
                .error_bound = 1e-15,
                .cast_error = 0,
                .lambda_max = 9 * scale,
                .stable_rank = 1.5,
                .seconds = 0.25,
                .rank = 3,
                .spectrum_offset = 0,
                .spectrum_length = 3,
                .largest_error = 0.5,
                .zeroed = 0.125,
                .clipped = 0.0625,
                .effective_rank = 0.75};
  LayerRecord record{.layer = layer, .results = {row}, .eigenvalues = {1, 4, 9 * scale, 2, 5, 8 * scale}};
  row.precision = "fp16";
  row.spectrum_offset = 3;
  record.results.push_back(row);
  row.precision = "bf16";
  row.shares = "fp32";
  row.share_bound = 0;
  row.spectrum_offset = 0;
  record.results.push_back(row);
  return record;
}

/// A record without figures.
inline LayerRecord failed_record(std::int64_t layer) {
  LayerRecord record{.layer = layer, .results = {}, .eigenvalues = {}};
  for (const std::string& precision : example_run().precisions) {
    ResultRow row;
    row.layer = layer;
    row.precision = precision;
    row.reason = "außer Betrieb: \\x1b";
    record.results.push_back(row);
  }
  return record;
}

}  // namespace alphahill
