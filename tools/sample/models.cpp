#include "sample/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace alphahill::sample {

namespace {

constexpr double usual_scale = 0.02;

/// Builds the list of a model's tensors.
class TensorList {
 public:
  explicit TensorList(const Options& options) : options_(options) {}

  void add_vector(const std::string& name) { tensors_.push_back({name + ".weight", "", options_.hidden}); }

  void add_embedding(const std::string& name, const std::string& layer, std::int64_t rows) {
    tensors_.push_back({name + ".weight", layer, rows, options_.hidden, 2.4, usual_scale});
  }

  /// @param alpha  of the first block; it rises by half towards the middle of the model
  /// @param fade   powers of two by which the weights shrink from the first block to the last
  void add_linear(std::int64_t block, const std::string& role, std::int64_t rows, std::int64_t cols,
                  double alpha, double fade = 0) {
    const double depth =
        static_cast<double>(block) / static_cast<double>(std::max<std::int64_t>(options_.blocks - 1, 1));
    const std::string layer = fmt::format("{}{}.{}", block_prefix(), block, role);
    tensors_.push_back({layer + ".weight", layer, rows, cols,
                        alpha * (1 + 0.5 * std::sin(std::numbers::pi * depth)),
                        usual_scale * std::exp2(-fade * depth)});
  }

  std::string block_prefix() const { return options_.kind == "gpt2" ? "h." : "model.layers."; }

  std::vector<Tensor> take() { return std::move(tensors_); }

 private:
  const Options& options_;
  std::vector<Tensor> tensors_;
};

/// Sizes that follow from the hidden size; larger sides are multiples of it.
std::int64_t vocabulary(const Options& options) {
  return 4 * options.hidden;
}
std::int64_t key_value_size(const Options& options) {
  return options.hidden / 4;
}
std::int64_t intermediate(const Options& options) {
  return 3 * options.hidden;
}
constexpr std::int64_t heads = 8;
constexpr std::int64_t experts = 8;

/// 0.02 shrunk by this many powers of two lies below 2^-17, where fp16 drops bits of a bf16 value.
constexpr double fade_into_fp16_subnormals = 15;

void add_attention(TensorList& list, const Options& options, std::int64_t block) {
  const std::int64_t hidden = options.hidden;
  list.add_linear(block, "self_attn.q_proj", hidden, hidden, 3.2);
  list.add_linear(block, "self_attn.k_proj", key_value_size(options), hidden, 2.6, fade_into_fp16_subnormals);
  list.add_linear(block, "self_attn.v_proj", key_value_size(options), hidden, 4.5);
  list.add_linear(block, "self_attn.o_proj", hidden, hidden, 3.8);
}

void add_llama_mlp(TensorList& list, const Options& options, std::int64_t block) {
  list.add_linear(block, "mlp.gate_proj", intermediate(options), options.hidden, 3.5);
  list.add_linear(block, "mlp.up_proj", intermediate(options), options.hidden, 4.2);
  list.add_linear(block, "mlp.down_proj", options.hidden, intermediate(options), 3.0,
                  fade_into_fp16_subnormals);
}

void add_mixtral_mlp(TensorList& list, const Options& options, std::int64_t block) {
  list.add_linear(block, "block_sparse_moe.gate", experts, options.hidden, 5);
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    const std::string prefix = fmt::format("block_sparse_moe.experts.{}.", expert);
    list.add_linear(block, prefix + "w1", intermediate(options), options.hidden, 3.5);
    list.add_linear(block, prefix + "w2", options.hidden, intermediate(options), 3.0,
                    fade_into_fp16_subnormals);
    list.add_linear(block, prefix + "w3", intermediate(options), options.hidden, 4.2);
  }
}

std::vector<Tensor> llama_or_mixtral(const Options& options) {
  TensorList list(options);
  list.add_embedding("model.embed_tokens", "", vocabulary(options));
  for (std::int64_t block = 0; block < options.blocks; ++block) {
    list.add_vector(fmt::format("model.layers.{}.input_layernorm", block));
    add_attention(list, options, block);
    list.add_vector(fmt::format("model.layers.{}.post_attention_layernorm", block));
    options.kind == "mixtral" ? add_mixtral_mlp(list, options, block) : add_llama_mlp(list, options, block);
  }
  list.add_vector("model.norm");
  list.add_embedding("lm_head", "lm_head", vocabulary(options));
  return list.take();
}

/// GPT-2 stores its Linear layers transposed, [in, out], and has no head of its own: it shares the embedding.
std::vector<Tensor> gpt2(const Options& options) {
  TensorList list(options);
  const std::int64_t hidden = options.hidden;
  list.add_embedding("wte", "lm_head", vocabulary(options));
  list.add_embedding("wpe", "", hidden);
  for (std::int64_t block = 0; block < options.blocks; ++block) {
    list.add_vector(fmt::format("h.{}.ln_1", block));
    list.add_linear(block, "attn.c_attn", hidden, 3 * hidden, 3.2);
    list.add_linear(block, "attn.c_proj", hidden, hidden, 3.8, fade_into_fp16_subnormals);
    list.add_vector(fmt::format("h.{}.ln_2", block));
    list.add_linear(block, "mlp.c_fc", hidden, 4 * hidden, 4.2);
    list.add_linear(block, "mlp.c_proj", 4 * hidden, hidden, 3.0, fade_into_fp16_subnormals);
  }
  list.add_vector("ln_f");
  return list.take();
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names{"llama", "gpt2", "mixtral"};
  return names;
}

std::vector<Tensor> tensors_of(const Options& options) {
  return options.kind == "gpt2" ? gpt2(options) : llama_or_mixtral(options);
}

std::string config_of(const Options& options) {
  if (options.kind == "gpt2") {
    return fmt::format(R"({{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": {}, )"
                       R"("n_layer": {}, "n_head": {}, "n_positions": {}, "vocab_size": {}}})",
                       options.hidden, options.blocks, heads, options.hidden, vocabulary(options));
  }
  const bool mixtral = options.kind == "mixtral";
  return fmt::format(R"({{"architectures": ["{}ForCausalLM"], "model_type": "{}", "hidden_size": {}, )"
                     R"("intermediate_size": {}, "num_hidden_layers": {}, "num_attention_heads": {}, )"
                     R"("num_key_value_heads": {}, "vocab_size": {}, {}"tie_word_embeddings": false}})",
                     mixtral ? "Mixtral" : "Llama", options.kind, options.hidden, intermediate(options),
                     options.blocks, heads, heads / 4, vocabulary(options),
                     mixtral ? fmt::format(R"("num_local_experts": {}, )", experts) : "");
}

}  // namespace alphahill::sample
