/// Checkpoints of large models that hold true names and shapes, and no weights: a header and a hole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace alphahill {

struct LargeModel {
  struct Matrix {
    std::string name;  ///< with ".weight"
    std::int64_t rows;
    std::int64_t cols;
  };
  std::string name;
  std::string config;  ///< config.json
  std::vector<Matrix> matrices;
};

/// Meta's Llama-3.1: 225, 561 and 883 matrices.
LargeModel llama_8b();
LargeModel llama_70b();
LargeModel llama_405b();
/// Layers of very different size: the shapes of Gemma-3-27B, a vision tower of small layers beside a language
/// model, with a head that is not tied to the embedding and takes ten times as long as any other layer.
LargeModel mixed();
/// DeepSeek-V3 with its weights as bf16: 58 x 256 x 3 of them experts'.
LargeModel deepseek_v3();
/// Kimi-K2 with its weights as bf16: 60 x 384 x 3 of them experts'.
LargeModel kimi_k2();

/// Writes config.json and a sparse model.safetensors of bf16 weights.
void write_header_only(const LargeModel& model, const std::filesystem::path& folder);

}  // namespace alphahill
