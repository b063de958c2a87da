/// What config.json says about a model, as far as it decides which tensors are layers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/catalog/quantization_config.hpp"

namespace alphahill {

/// A field that is absent (or null) at the top is taken from `text_config` (`language_config`, `llm_config`),
/// where models of several media keep it; how many blocks there are and how wide they are, that one says first.
struct ModelConfig {
  std::vector<std::string> architectures;
  std::string model_type;       ///< empty where absent
  std::string text_model_type;  ///< of text_config where there is one, else model_type
  std::optional<bool> tie_word_embeddings;
  std::optional<std::int64_t> num_hidden_layers;  ///< of the language model; nothing for no number
  std::optional<std::int64_t> hidden_size;        ///< of the language model; nothing for no number
  std::optional<std::int64_t> intermediate_size;  ///< of the language model, as the next two
  std::optional<std::int64_t> num_attention_heads;
  std::optional<std::int64_t> head_dim;
  std::optional<std::int64_t>
      num_nextn_predict_layers;     ///< blocks behind the last, for multi-token prediction
  std::string quantization_method;  ///< empty for a model that is not quantized
  QuantizationConfig quantization;

  /// @param where  the file, for errors
  /// @throws Error(input) when it is no JSON object
  static ModelConfig parse(std::string json, const std::string& where);

  /// True for an architecture that ends in a projection to the vocabulary.
  bool has_head() const;
  /// True when the head shares the matrix of the input embeddings; where the key is absent, as the model's
  /// class has it.
  bool ties_head() const;
};

/// config.json of a checkpoint, and its text.
struct ConfigFile {
  std::string text;
  ModelConfig config;
};

/// An empty object, with a warning, where there is none. @throws Error(input) as ModelConfig::parse
ConfigFile read_config(const std::filesystem::path& folder);

}  // namespace alphahill
