#include "checkpoint/catalog/multi_token_prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "checkpoint/catalog/layer_name.hpp"

namespace alphahill {

namespace {

bool names_multi_token_prediction(std::string_view name) {
  return std::ranges::any_of(components_of(name), [](std::string_view component) {
    return component == "mtp" || component.starts_with("mtp_");
  });
}

/// "model.language_model.layers": the blocks of the language model and not of a tower.
bool is_own_stack(std::string_view stack) {
  constexpr std::array<std::string_view, 9> modules{"model",  "language_model", "language", "text_model",
                                                    "llm",    "transformer",    "backbone", "decoder",
                                                    "thinker"};
  std::vector<std::string_view> components = components_of(stack);
  if (components.back() != "layers") return false;
  components.pop_back();
  return std::ranges::all_of(components, [&](std::string_view component) {
    return std::ranges::find(modules, component) != modules.end();
  });
}

bool is_behind(std::string_view block, std::int64_t blocks) {
  std::int64_t number = 0;
  const bool fits = std::from_chars(block.data(), block.data() + block.size(), number).ec == std::errc();
  return !fits || number >= blocks;
}

/// True for a block with the projection that joins the hidden state with the embedding of the next token.
bool joins_next_token(const BlockPath& path, const CheckpointHeaders& headers) {
  return headers.has_prefix(fmt::format("{}.{}.eh_proj.", path.stack, path.numbers.front()));
}

/// True for a block behind the last of the language model's own stack.
bool is_behind_last(const BlockPath& path, const ModelConfig& config) {
  return !path.numbers.empty() && config.num_hidden_layers.value_or(0) > 0 && is_own_stack(path.stack) &&
         is_behind(path.numbers.front(), *config.num_hidden_layers);
}

/// True where such a block is one that predicts further tokens, as the model's type or a tensor of it tells.
bool is_told(const BlockPath& path, const CheckpointHeaders& headers, const ModelConfig& config) {
  return config.num_nextn_predict_layers.value_or(0) > 0 || config.text_model_type.starts_with("deepseek") ||
         joins_next_token(path, headers);
}

/// Encoder-decoders count the blocks of their encoder.
bool is_in_decoder(std::string_view stack) {
  const std::vector<std::string_view> components = components_of(stack);
  return std::ranges::find(components, "decoder") != components.end();
}

}  // namespace

bool is_surplus(std::string_view name, const CheckpointHeaders& headers, const ModelConfig& config) {
  const BlockPath path = block_path(name);
  return !names_multi_token_prediction(name) && is_behind_last(path, config) && !is_in_decoder(path.stack) &&
         !is_told(path, headers, config);
}

bool predicts_further_tokens(std::string_view name, const CheckpointHeaders& headers,
                             const ModelConfig& config) {
  if (names_multi_token_prediction(name)) return true;
  const BlockPath path = block_path(name);
  return is_behind_last(path, config) && (!is_in_decoder(path.stack) || is_told(path, headers, config));
}

}  // namespace alphahill
