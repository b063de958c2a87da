/// Which tensors are no Linear layers, by their names: embeddings, and gains of norms.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// True for the name of an embedding by its words, without those of the table of models.
bool names_embedding(std::string_view name);

/// True for a table of which rows are looked up, by the words of its name. An embedding has no bias: a module
/// with one is a Linear layer, whatever its name.
bool is_embedding(std::string_view name, const CheckpointHeaders& headers, const ModelConfig& config);

/// For an embedding of tokens, whose matrix a head may share: its place among the names that these have, the most
/// telling name first.
std::optional<std::ptrdiff_t> token_embedding_rank(std::string_view name);

/// True for the gain of a norm: it has two dimensions where each attention head has one of its own.
bool is_norm(std::string_view name);

}  // namespace alphahill
