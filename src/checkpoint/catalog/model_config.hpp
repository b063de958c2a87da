/// What config.json says about a model, as far as it decides which tensors are layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/catalog/quantization_config.hpp"

namespace alphahill {

/// A field that is absent (or null) at the top is taken from `text_config`, where models of several media
/// keep it.
struct ModelConfig {
  std::vector<std::string> architectures;
  std::string model_type;       ///< empty where absent
  std::string text_model_type;  ///< of text_config where there is one, else model_type
  std::optional<bool> tie_word_embeddings;
  std::optional<std::int64_t> num_hidden_layers;
  std::optional<std::int64_t>
      num_nextn_predict_layers;     ///< blocks behind the last, for multi-token prediction
  std::string quantization_method;  ///< empty for a model that is not quantized
  QuantizationConfig quantization;

  /// @param where  the file, for errors
  /// @throws Error(input) when it is not JSON or a field is of the wrong type
  static ModelConfig parse(std::string json, const std::string& where);

  /// True for an architecture that ends in a projection to the vocabulary.
  bool has_head() const;
  /// True when the head shares the matrix of the input embeddings; where the key is absent, as the model's
  /// class has it.
  bool ties_head() const;
};

}  // namespace alphahill
