/// Modules that predict further tokens (multi-token prediction): in the file, and not in the model that answers.
#pragma once

#include <string_view>

#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// True for a module of a block behind the last of the language model's own stack, of which nothing else tells that it
/// predicts further tokens. transformers does not build such a block.
bool is_surplus(std::string_view name, const CheckpointHeaders& headers, const ModelConfig& config);

/// True for a module that is called so ("mtp.layers.0.fc", "model.mtp_block.0.up_proj"), and for blocks behind
/// the last of the language model's own stack, as DeepSeek has them. Towers, and the decoders of encoder-decoders, have
/// stacks of their own, of which config.json may say nothing.
bool predicts_further_tokens(std::string_view name, const CheckpointHeaders& headers,
                             const ModelConfig& config);

}  // namespace alphahill
