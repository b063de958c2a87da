/// Checkpoints of large models that hold true names, shapes and formats, and no weights: headers and holes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace alphahill {

struct LargeModel {
  struct Tensor {
    std::string name;
    std::string dtype;  ///< as safetensors calls it: "BF16"
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> contents =
        {};  ///< of I64, where the program reads them to find layers; else a hole
  };
  std::string name;
  std::string config;  ///< config.json
  std::int64_t shards;
  std::vector<Tensor> tensors;
};

/// The Linear layers of Meta's Llama-3.1: 225, 561 and 883.
LargeModel llama_8b();
LargeModel llama_70b();
LargeModel llama_405b();
/// Layers of very different size: the shapes of Gemma-3-27B, a vision tower of small layers beside a language
/// model, with a head that is not tied to the embedding and takes ten times as long as any other layer.
LargeModel mixed();
/// deepseek-ai/DeepSeek-V3: 91,991 tensors in 163 files, FP8 in blocks of 128 x 128; 58 x 256 x 3 of its 45,091 layers
/// are experts'. It has a block of multi-token prediction besides.
LargeModel deepseek_v3();
/// moonshotai/Kimi-K2-Thinking: 208,215 tensors in 62 files, 60 x 384 x 3 experts as compressed-tensors' int4 in groups
/// of 32, the rest in BF16.
LargeModel kimi_k2();
/// openai/gpt-oss-120b: 36 x 128 x 3 experts as MXFP4, those of a block in one tensor.
LargeModel gpt_oss_120b();

/// Writes config.json and sparse files, with an index where they are several.
void write_header_only(const LargeModel& model, const std::filesystem::path& folder);

}  // namespace alphahill
