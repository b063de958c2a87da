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

constexpr std::int64_t hidden = 7168;
constexpr std::int64_t blocks = 61;

void add_mlp(LargeModel& model, const std::string& prefix, std::int64_t width, std::int64_t inner) {
  model.matrices.push_back({prefix + "gate_proj.weight", inner, width});
  model.matrices.push_back({prefix + "up_proj.weight", inner, width});
  model.matrices.push_back({prefix + "down_proj.weight", width, inner});
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

LargeModel llama_405b() {
  constexpr std::int64_t width = 16384;
  constexpr std::int64_t key_values = 1024;
  LargeModel model{
      "Llama-3.1-405B", R"({"model_type":"llama","num_hidden_layers":126,"tie_word_embeddings":false})", {}};
  for (std::int64_t block = 0; block < 126; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    for (const char* name : {"q", "o"}) {
      model.matrices.push_back({fmt::format("{}self_attn.{}_proj.weight", prefix, name), width, width});
    }
    for (const char* name : {"k", "v"}) {
      model.matrices.push_back({fmt::format("{}self_attn.{}_proj.weight", prefix, name), key_values, width});
    }
    add_mlp(model, prefix + "mlp.", width, 53248);
  }
  model.matrices.push_back({"lm_head.weight", 128256, width});
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
