#include "simulation/large_models.hpp"

#include <fmt/format.h>

#include <fstream>

namespace alphahill {

namespace {

/// The numbers in which the two models of DeepSeek's architecture differ.
struct LatentAttentionModel {
  std::int64_t heads;
  std::int64_t dense_blocks;
  std::int64_t experts;
  std::int64_t vocabulary;
};

/// In which the models of one Llama generation differ.
struct LlamaShape {
  std::int64_t blocks;
  std::int64_t width;
  std::int64_t inner;
};

struct AttentionShape {
  std::int64_t width;
  std::int64_t queries;
  std::int64_t key_values;
};

constexpr std::int64_t hidden = 7168;
constexpr std::int64_t blocks = 61;

void add_mlp(LargeModel& model, const std::string& prefix, std::int64_t width, std::int64_t inner) {
  model.matrices.push_back({prefix + "gate_proj.weight", inner, width});
  model.matrices.push_back({prefix + "up_proj.weight", inner, width});
  model.matrices.push_back({prefix + "down_proj.weight", width, inner});
}

void add_attention(LargeModel& model, const std::string& prefix, const AttentionShape& shape) {
  model.matrices.push_back({prefix + "q_proj.weight", shape.queries, shape.width});
  model.matrices.push_back({prefix + "k_proj.weight", shape.key_values, shape.width});
  model.matrices.push_back({prefix + "v_proj.weight", shape.key_values, shape.width});
  model.matrices.push_back({prefix + "o_proj.weight", shape.width, shape.queries});
}

LargeModel llama(const std::string& name, const LlamaShape& shape) {
  constexpr std::int64_t vocabulary = 128256;
  LargeModel model{
      name,
      fmt::format(R"({{"model_type":"llama","num_hidden_layers":{},"tie_word_embeddings":false}})",
                  shape.blocks),
      {}};
  for (std::int64_t block = 0; block < shape.blocks; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    add_attention(model, prefix + "self_attn.",
                  {.width = shape.width, .queries = shape.width, .key_values = 1024});
    add_mlp(model, prefix + "mlp.", shape.width, shape.inner);
  }
  model.matrices.push_back({"lm_head.weight", vocabulary, shape.width});
  return model;
}

void add_vision_block(LargeModel& model, const std::string& prefix) {
  constexpr std::int64_t width = 1152;
  constexpr std::int64_t inner = 4304;
  add_attention(model, prefix + "self_attn.", {.width = width, .queries = width, .key_values = width});
  model.matrices.push_back({prefix + "mlp.fc1.weight", inner, width});
  model.matrices.push_back({prefix + "mlp.fc2.weight", width, inner});
}

void add_latent_attention(LargeModel& model, const std::string& prefix, std::int64_t heads) {
  constexpr std::int64_t query_rank = 1536;
  constexpr std::int64_t key_value_rank = 512;
  constexpr std::int64_t rotary = 64;
  constexpr std::int64_t head = 128;
  model.matrices.push_back({prefix + "q_a_proj.weight", query_rank, hidden});
  model.matrices.push_back({prefix + "q_b_proj.weight", heads * (head + rotary), query_rank});
  model.matrices.push_back({prefix + "kv_a_proj_with_mqa.weight", key_value_rank + rotary, hidden});
  model.matrices.push_back({prefix + "kv_b_proj.weight", heads * 2 * head, key_value_rank});
  model.matrices.push_back({prefix + "o_proj.weight", hidden, heads * head});
}

void add_experts(LargeModel& model, const std::string& prefix, std::int64_t experts) {
  constexpr std::int64_t inner = 2048;
  model.matrices.push_back({prefix + "gate.weight", experts, hidden});
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    add_mlp(model, fmt::format("{}experts.{}.", prefix, expert), hidden, inner);
  }
  add_mlp(model, prefix + "shared_experts.", hidden, inner);
}

LargeModel latent_attention_model(const std::string& name, const LatentAttentionModel& shape) {
  constexpr std::int64_t dense_inner = 18432;
  LargeModel model{
      name, R"({"model_type":"deepseek_v3","num_hidden_layers":61,"tie_word_embeddings":false})", {}};
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    add_latent_attention(model, prefix + "self_attn.", shape.heads);
    if (block < shape.dense_blocks) {
      add_mlp(model, prefix + "mlp.", hidden, dense_inner);
    } else {
      add_experts(model, prefix + "mlp.", shape.experts);
    }
  }
  model.matrices.push_back({"lm_head.weight", shape.vocabulary, hidden});
  return model;
}

}  // namespace

LargeModel llama_8b() {
  return llama("Llama-3.1-8B", {.blocks = 32, .width = 4096, .inner = 14336});
}

LargeModel llama_70b() {
  return llama("Llama-3.1-70B", {.blocks = 80, .width = 8192, .inner = 28672});
}

LargeModel llama_405b() {
  return llama("Llama-3.1-405B", {.blocks = 126, .width = 16384, .inner = 53248});
}

LargeModel mixed() {
  constexpr std::int64_t width = 5376;
  LargeModel model{"Gemma-3-27B", R"({"model_type":"gemma3","tie_word_embeddings":false})", {}};
  for (std::int64_t block = 0; block < 27; ++block) {
    add_vision_block(model, fmt::format("vision_tower.vision_model.encoder.layers.{}.", block));
  }
  for (std::int64_t block = 0; block < 62; ++block) {
    const std::string prefix = fmt::format("language_model.model.layers.{}.", block);
    add_attention(model, prefix + "self_attn.", {.width = width, .queries = 4096, .key_values = 2048});
    add_mlp(model, prefix + "mlp.", width, 21504);
  }
  model.matrices.push_back({"language_model.lm_head.weight", 262208, width});
  return model;
}

LargeModel deepseek_v3() {
  return latent_attention_model("DeepSeek-V3",
                                {.heads = 128, .dense_blocks = 3, .experts = 256, .vocabulary = 129280});
}

LargeModel kimi_k2() {
  return latent_attention_model("Kimi-K2",
                                {.heads = 64, .dense_blocks = 1, .experts = 384, .vocabulary = 163840});
}

void write_header_only(const LargeModel& model, const std::filesystem::path& folder) {
  constexpr std::int64_t weight_bytes = 2;
  std::string header = "{";
  std::int64_t end = 0;
  for (const LargeModel::Matrix& matrix : model.matrices) {
    const std::int64_t begin = end;
    end += matrix.rows * matrix.cols * weight_bytes;
    header += fmt::format(R"({}"{}":{{"dtype":"BF16","shape":[{},{}],"data_offsets":[{},{}]}})",
                          begin == 0 ? "" : ",", matrix.name, matrix.rows, matrix.cols, begin, end);
  }
  header += "}";
  std::ofstream(folder / "config.json") << model.config;
  const auto path = folder / "model.safetensors";
  const auto length = static_cast<std::uint64_t>(header.size());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file << header;
  file.close();
  std::filesystem::resize_file(path, sizeof length + header.size() + static_cast<std::uintmax_t>(end));
}

}  // namespace alphahill
