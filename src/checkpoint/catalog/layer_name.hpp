/// The parts of a layer's name: "model.layers.7.mlp.experts.12.w1".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

/// The parts between dots.
std::vector<std::string_view> components_of(std::string_view name);

/// True for digits alone.
bool is_number(std::string_view component);

/// True for a projection to the vocabulary, or a part of one: "lm_head.dense".
bool is_head(std::string_view name);

/// True for a projection to the vocabulary that is a single layer.
bool is_whole_head(std::string_view name);

/// True for a projection of attention to another sequence than the one that asks.
bool is_in_cross_attention(std::string_view name);

/// Where the blocks of a model are counted: "layers", "layer", "h", "block", "resblocks", ... before a
/// number.
struct BlockPath {
  std::string_view stack;  ///< the name up to the first number: "model.layers"
  std::vector<std::string_view>
      numbers;  ///< of the block, then of what is nested in it; empty outside of blocks
};
BlockPath block_path(std::string_view name);

/// The last component but for numbers: "embed_tokens" of "decoder.embed_tokens.0".
std::string_view kind_of(std::string_view name);

}  // namespace alphahill
