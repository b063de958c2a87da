#include "simulation/large_models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <numeric>
#include <utility>

namespace alphahill {

namespace {

/// Adds the weights of a Linear layer as a model stores them. @param module  without ".weight"
using AddLinear = void (*)(LargeModel& model, const std::string& module, std::int64_t rows,
                           std::int64_t cols);

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

std::int64_t blocks_of(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

void add_bf16(LargeModel& model, const std::string& module, std::int64_t rows, std::int64_t cols) {
  model.tensors.push_back({module + ".weight", "BF16", {rows, cols}});
}

void add_vector(LargeModel& model, const std::string& name, std::int64_t size) {
  model.tensors.push_back({name, "BF16", {size}});
}

void add_fp8_blocks(LargeModel& model, const std::string& module, std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t block = 128;
  model.tensors.push_back({module + ".weight", "F8_E4M3", {rows, cols}});
  model.tensors.push_back(
      {module + ".weight_scale_inv", "F32", {blocks_of(rows, block), blocks_of(cols, block)}});
}

void add_int4_groups(LargeModel& model, const std::string& module, std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t codes_in_word = 8;
  constexpr std::int64_t group = 32;
  model.tensors.push_back({module + ".weight_packed", "I32", {rows, cols / codes_in_word}});
  model.tensors.push_back({module + ".weight_scale", "BF16", {rows, cols / group}});
  model.tensors.push_back({module + ".weight_shape", "I64", {2}, {rows, cols}});
}

void add_mlp(LargeModel& model, const std::string& prefix, std::int64_t width, std::int64_t inner,
             AddLinear add) {
  add(model, prefix + "gate_proj", inner, width);
  add(model, prefix + "up_proj", inner, width);
  add(model, prefix + "down_proj", width, inner);
}

void add_attention(LargeModel& model, const std::string& prefix, const AttentionShape& shape) {
  add_bf16(model, prefix + "q_proj", shape.queries, shape.width);
  add_bf16(model, prefix + "k_proj", shape.key_values, shape.width);
  add_bf16(model, prefix + "v_proj", shape.key_values, shape.width);
  add_bf16(model, prefix + "o_proj", shape.width, shape.queries);
}

LargeModel llama(const std::string& name, const LlamaShape& shape) {
  constexpr std::int64_t vocabulary = 128256;
  LargeModel model{
      name,
      fmt::format(R"({{"model_type":"llama","num_hidden_layers":{},"tie_word_embeddings":false}})",
                  shape.blocks),
      1,
      {}};
  for (std::int64_t block = 0; block < shape.blocks; ++block) {
    const std::string prefix = fmt::format("model.layers.{}.", block);
    add_attention(model, prefix + "self_attn.",
                  {.width = shape.width, .queries = shape.width, .key_values = 1024});
    add_mlp(model, prefix + "mlp.", shape.width, shape.inner, add_bf16);
  }
  add_bf16(model, "lm_head", vocabulary, shape.width);
  return model;
}

void add_vision_block(LargeModel& model, const std::string& prefix) {
  constexpr std::int64_t width = 1152;
  constexpr std::int64_t inner = 4304;
  add_attention(model, prefix + "self_attn.", {.width = width, .queries = width, .key_values = width});
  add_bf16(model, prefix + "mlp.fc1", inner, width);
  add_bf16(model, prefix + "mlp.fc2", width, inner);
}

/// The numbers in which the two models of DeepSeek's architecture differ, and how they store weights.
struct LatentAttentionModel {
  std::int64_t heads;
  std::int64_t dense_blocks;
  std::int64_t experts;
  std::int64_t vocabulary;
  AddLinear add;
  AddLinear add_of_expert;
};

constexpr std::int64_t hidden = 7168;
constexpr std::int64_t blocks = 61;

void add_latent_attention(LargeModel& model, const std::string& prefix, const LatentAttentionModel& shape) {
  constexpr std::int64_t query_rank = 1536;
  constexpr std::int64_t key_value_rank = 512;
  constexpr std::int64_t rotary = 64;
  constexpr std::int64_t head = 128;
  shape.add(model, prefix + "q_a_proj", query_rank, hidden);
  add_vector(model, prefix + "q_a_layernorm.weight", query_rank);
  shape.add(model, prefix + "q_b_proj", shape.heads * (head + rotary), query_rank);
  shape.add(model, prefix + "kv_a_proj_with_mqa", key_value_rank + rotary, hidden);
  add_vector(model, prefix + "kv_a_layernorm.weight", key_value_rank);
  shape.add(model, prefix + "kv_b_proj", shape.heads * 2 * head, key_value_rank);
  shape.add(model, prefix + "o_proj", hidden, shape.heads * head);
}

void add_experts(LargeModel& model, const std::string& prefix, const LatentAttentionModel& shape) {
  constexpr std::int64_t inner = 2048;
  add_bf16(model, prefix + "gate", shape.experts, hidden);
  model.tensors.push_back({prefix + "gate.e_score_correction_bias", "F32", {shape.experts}});
  for (std::int64_t expert = 0; expert < shape.experts; ++expert) {
    add_mlp(model, fmt::format("{}experts.{}.", prefix, expert), hidden, inner, shape.add_of_expert);
  }
  add_mlp(model, prefix + "shared_experts.", hidden, inner, shape.add);
}

void add_latent_attention_block(LargeModel& model, std::int64_t block, const LatentAttentionModel& shape) {
  constexpr std::int64_t dense_inner = 18432;
  const std::string prefix = fmt::format("model.layers.{}.", block);
  add_vector(model, prefix + "input_layernorm.weight", hidden);
  add_vector(model, prefix + "post_attention_layernorm.weight", hidden);
  add_latent_attention(model, prefix + "self_attn.", shape);
  if (block < shape.dense_blocks) {
    add_mlp(model, prefix + "mlp.", hidden, dense_inner, shape.add);
  } else {
    add_experts(model, prefix + "mlp.", shape);
  }
}

void add_multi_token_prediction(LargeModel& model, const LatentAttentionModel& shape) {
  const std::string prefix = fmt::format("model.layers.{}.", blocks);
  add_bf16(model, prefix + "embed_tokens", shape.vocabulary, hidden);
  for (const char* norm : {"enorm", "hnorm", "shared_head.norm"}) {
    add_vector(model, fmt::format("{}{}.weight", prefix, norm), hidden);
  }
  add_bf16(model, prefix + "eh_proj", hidden, 2 * hidden);
  add_bf16(model, prefix + "shared_head.head", shape.vocabulary, hidden);
  add_latent_attention_block(model, blocks, shape);
}

LargeModel latent_attention_model(LargeModel model, const LatentAttentionModel& shape) {
  add_bf16(model, "model.embed_tokens", shape.vocabulary, hidden);
  for (std::int64_t block = 0; block < blocks; ++block) add_latent_attention_block(model, block, shape);
  add_vector(model, "model.norm.weight", hidden);
  add_bf16(model, "lm_head", shape.vocabulary, hidden);
  return model;
}

void add_gpt_oss_experts(LargeModel& model, const std::string& projection, std::int64_t rows) {
  constexpr std::int64_t experts = 128;
  constexpr std::int64_t groups = 90;
  constexpr std::int64_t bytes_in_group = 16;
  model.tensors.push_back({projection + "_blocks", "U8", {experts, rows, groups, bytes_in_group}});
  model.tensors.push_back({projection + "_scales", "U8", {experts, rows, groups}});
  model.tensors.push_back({projection + "_bias", "BF16", {experts, rows}});
}

void add_gpt_oss_block(LargeModel& model, const std::string& prefix) {
  constexpr std::int64_t width = 2880;
  constexpr std::int64_t queries = 4096;
  constexpr std::int64_t key_values = 512;
  constexpr std::int64_t experts = 128;
  add_vector(model, prefix + "input_layernorm.weight", width);
  add_vector(model, prefix + "post_attention_layernorm.weight", width);
  add_attention(model, prefix + "self_attn.", {width, queries, key_values});
  for (const auto& [name, size] :
       {std::pair{"q_proj", queries}, {"k_proj", key_values}, {"v_proj", key_values}, {"o_proj", width}}) {
    add_vector(model, fmt::format("{}self_attn.{}.bias", prefix, name), size);
  }
  add_vector(model, prefix + "self_attn.sinks", 64);
  add_bf16(model, prefix + "mlp.router", experts, width);
  add_vector(model, prefix + "mlp.router.bias", experts);
  add_gpt_oss_experts(model, prefix + "mlp.experts.gate_up_proj", 2 * width);
  add_gpt_oss_experts(model, prefix + "mlp.experts.down_proj", width);
}

std::int64_t bits_of(const std::string& dtype) {
  if (dtype == "I64") return 64;
  if (dtype == "F32" || dtype == "I32") return 32;
  return dtype == "BF16" ? 16 : 8;
}

std::int64_t bytes_of(const LargeModel::Tensor& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), bits_of(tensor.dtype) / 8,
                         std::multiplies{});
}

using Tensors = std::vector<LargeModel::Tensor>;

/// Shards of about equal size, each of tensors that follow one another.
std::vector<Tensors> shards_of(const LargeModel& model) {
  std::int64_t all = 0;
  for (const LargeModel::Tensor& tensor : model.tensors) all += bytes_of(tensor);
  std::vector<Tensors> shards(static_cast<std::size_t>(model.shards));
  std::int64_t before = 0;
  for (const LargeModel::Tensor& tensor : model.tensors) {
    const double part = static_cast<double>(before) / static_cast<double>(all);
    shards[static_cast<std::size_t>(part * static_cast<double>(model.shards))].push_back(tensor);
    before += bytes_of(tensor);
  }
  return shards;
}

/// Those with contents come first, one after another, as writers sort by the width of the numbers.
void write_file(const std::filesystem::path& path, Tensors tensors) {
  std::stable_partition(tensors.begin(), tensors.end(),
                        [](const auto& tensor) { return !tensor.contents.empty(); });
  std::string header = "{";
  std::vector<std::int64_t> contents;
  std::int64_t end = 0;
  for (const LargeModel::Tensor& tensor : tensors) {
    const std::int64_t begin = end;
    end += bytes_of(tensor);
    header +=
        fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", begin == 0 ? "" : ",",
                    tensor.name, tensor.dtype, fmt::join(tensor.shape, ","), begin, end);
    contents.insert(contents.end(), tensor.contents.begin(), tensor.contents.end());
  }
  header += "}";
  const auto length = static_cast<std::uint64_t>(header.size());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file << header;
  file.write(reinterpret_cast<const char*>(contents.data()),
             static_cast<std::streamsize>(contents.size() * sizeof(std::int64_t)));
  file.close();
  std::filesystem::resize_file(path, sizeof length + header.size() + static_cast<std::uintmax_t>(end));
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
  LargeModel model{"Gemma-3-27B", R"({"model_type":"gemma3","tie_word_embeddings":false})", 1, {}};
  for (std::int64_t block = 0; block < 27; ++block) {
    add_vision_block(model, fmt::format("vision_tower.vision_model.encoder.layers.{}.", block));
  }
  for (std::int64_t block = 0; block < 62; ++block) {
    const std::string prefix = fmt::format("language_model.model.layers.{}.", block);
    add_attention(model, prefix + "self_attn.", {.width = width, .queries = 4096, .key_values = 2048});
    add_mlp(model, prefix + "mlp.", width, 21504, add_bf16);
  }
  add_bf16(model, "language_model.lm_head", 262208, width);
  return model;
}

LargeModel deepseek_v3() {
  constexpr const char* config =
      R"({"model_type":"deepseek_v3","hidden_size":7168,"num_hidden_layers":61,"num_nextn_predict_layers":1,)"
      R"("n_routed_experts":256,"tie_word_embeddings":false,"quantization_config":{"activation_scheme":)"
      R"("dynamic","fmt":"e4m3","quant_method":"fp8","weight_block_size":[128,128]}})";
  const LatentAttentionModel shape{.heads = 128,
                                   .dense_blocks = 3,
                                   .experts = 256,
                                   .vocabulary = 129280,
                                   .add = add_fp8_blocks,
                                   .add_of_expert = add_fp8_blocks};
  LargeModel model = latent_attention_model({"DeepSeek-V3", config, 163, {}}, shape);
  add_multi_token_prediction(model, shape);
  return model;
}

LargeModel kimi_k2() {
  constexpr const char* config =
      R"({"model_type":"kimi_k2","hidden_size":7168,"num_hidden_layers":61,"num_nextn_predict_layers":0,)"
      R"("n_routed_experts":384,"tie_word_embeddings":false,"quantization_config":{"quant_method":)"
      R"("compressed-tensors","format":"pack-quantized","quantization_status":"compressed","config_groups":)"
      R"({"group_0":{"targets":["Linear"],"weights":{"actorder":null,"group_size":32,"num_bits":4,"strategy":)"
      R"("group","symmetric":true,"type":"int"}}},"ignore":["lm_head","re:.*self_attn.*",)"
      R"("re:.*shared_experts.*","re:.*mlp\\.(gate|up|gate_up|down)_proj.*"]}})";
  return latent_attention_model({"Kimi-K2", config, 62, {}}, {.heads = 64,
                                                              .dense_blocks = 1,
                                                              .experts = 384,
                                                              .vocabulary = 163840,
                                                              .add = add_bf16,
                                                              .add_of_expert = add_int4_groups});
}

LargeModel gpt_oss_120b() {
  constexpr std::int64_t width = 2880;
  constexpr std::int64_t vocabulary = 201088;
  LargeModel model{
      "gpt-oss-120b",
      R"({"model_type":"gpt_oss","hidden_size":2880,"intermediate_size":2880,"num_hidden_layers":36,)"
      R"("num_local_experts":128,"tie_word_embeddings":false,"quantization_config":{"quant_method":"mxfp4"}})",
      15,
      {}};
  add_bf16(model, "model.embed_tokens", vocabulary, width);
  for (std::int64_t block = 0; block < 36; ++block) {
    add_gpt_oss_block(model, fmt::format("model.layers.{}.", block));
  }
  add_vector(model, "model.norm.weight", width);
  add_bf16(model, "lm_head", vocabulary, width);
  return model;
}

void write_header_only(const LargeModel& model, const std::filesystem::path& folder) {
  std::ofstream(folder / "config.json") << model.config;
  if (model.shards == 1) return write_file(folder / "model.safetensors", model.tensors);
  std::string index;
  std::int64_t number = 0;
  for (const Tensors& shard : shards_of(model)) {
    const std::string name = fmt::format("model-{:05}-of-{:06}.safetensors", ++number, model.shards);
    write_file(folder / name, shard);
    for (const LargeModel::Tensor& tensor : shard) {
      index += fmt::format(R"({}"{}":"{}")", index.empty() ? "" : ",", tensor.name, name);
    }
  }
  std::ofstream(folder / "model.safetensors.index.json") << fmt::format(R"({{"weight_map":{{{}}}}})", index);
}

}  // namespace alphahill
