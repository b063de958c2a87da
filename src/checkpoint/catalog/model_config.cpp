#include "checkpoint/catalog/model_config.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "alphahill/base/error.hpp"
#include "checkpoint/headers/json.hpp"
#include "checkpoint/headers/lfs_pointer.hpp"

namespace alphahill {

namespace {

/// Reads the fields of one file. What is not used is passed over unchecked, since Python writes Infinity
/// into some of it; so is a field of another type than is known.
class ConfigReader {
 public:
  /// @param is_top  false inside text_config, where no further one is looked for
  static ModelConfig read(json::Object fields, bool is_top = true) {
    ModelConfig config;
    ModelConfig text;
    ModelConfig decoder;
    for (simdjson::ondemand::field field : fields) {
      const std::string_view key = field.unescaped_key();
      json::Value value = field.value();
      if (value.is_null().value()) continue;
      if (is_top && is_text_config(key) && is_object(value)) {
        text = read(value.get_object(), false);
      } else if (is_top && key == "decoder" && is_object(value)) {
        decoder = read(value.get_object(), false);
      } else {
        read_field(key, value, config);
      }
    }
    fill_in(config, text);
    // Whether the head of two models put together is tied, the decoder's own settings say.
    if (config.model_type.ends_with("encoder-decoder")) {
      config.tie_word_embeddings = decoder.tie_word_embeddings;
      config.text_model_type = decoder.model_type;
    }
    return config;
  }

 private:
  /// Of the language model in one that reads images or sound.
  static bool is_text_config(std::string_view key) {
    return key == "text_config" || key == "language_config" || key == "llm_config";
  }

  static bool is_object(json::Value value) {
    return value.type().value() == simdjson::ondemand::json_type::object;
  }

  /// The number, or nothing for another type: LXMERT counts the blocks of each tower in an object.
  static std::optional<std::int64_t> number_or_nothing(json::Value value) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) != simdjson::SUCCESS) return std::nullopt;
    return number;
  }

  static std::string text_or_nothing(json::Value value) {
    std::string_view text;
    return value.get_string().get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
  }

  /// Whether Python takes the value for true, as transformers does: what is neither 0 nor empty.
  static bool is_true(json::Value value) {
    bool found = false;
    double number = 0;
    std::string_view text;
    if (value.get_bool().get(found) == simdjson::SUCCESS) return found;
    if (value.get_double().get(number) == simdjson::SUCCESS) return number != 0;
    if (value.get_string().get(text) == simdjson::SUCCESS) return !text.empty();
    return true;
  }

  /// A text, or those in an array.
  static std::vector<std::string> texts(json::Value value) {
    std::vector<std::string> found;
    json::Array items;
    if (value.get_array().get(items) == simdjson::SUCCESS) {
      for (json::Value item : items) found.push_back(text_or_nothing(item));
    } else {
      found.push_back(text_or_nothing(value));
    }
    std::erase(found, "");
    return found;
  }

  /// The field of that name, or null.
  static std::optional<std::int64_t>* number_called(std::string_view key, ModelConfig& config) {
    if (key == "num_hidden_layers") return &config.num_hidden_layers;
    if (key == "hidden_size") return &config.hidden_size;
    if (key == "intermediate_size") return &config.intermediate_size;
    if (key == "num_attention_heads") return &config.num_attention_heads;
    if (key == "head_dim") return &config.head_dim;
    if (key == "num_nextn_predict_layers") return &config.num_nextn_predict_layers;
    return nullptr;
  }

  static void read_field(std::string_view key, json::Value value, ModelConfig& config) {
    if (key == "architectures") {
      config.architectures = texts(value);
    } else if (key == "model_type") {
      config.model_type = text_or_nothing(value);
    } else if (key == "tie_word_embeddings") {
      config.tie_word_embeddings = is_true(value);
    } else if (std::optional<std::int64_t>* number = number_called(key, config)) {
      *number = number_or_nothing(value);
    } else if ((key == "quantization_config" || key == "quantization") && is_object(value)) {
      read_quantization(value.get_object(), config);
    }
  }

  static void read_quantization(json::Object fields, ModelConfig& config) {
    if (config.quantization_method.empty()) config.quantization_method = "an unknown method";
    for (simdjson::ondemand::field field : fields) {
      const std::string_view key = field.unescaped_key();
      json::Value value = field.value();
      if (key == "quant_method") {
        if (std::string method = text_or_nothing(value); !method.empty()) {
          config.quantization_method = std::move(method);
        }
      } else {
        config.quantization.read_field(key, value);
      }
    }
  }

  static void fill_in(ModelConfig& config, const ModelConfig& text) {
    const auto fill = [](auto& field, const auto& other) {
      if (!field) field = other;
    };
    fill(config.tie_word_embeddings, text.tie_word_embeddings);
    for (const auto number :
         {&ModelConfig::num_hidden_layers, &ModelConfig::hidden_size, &ModelConfig::intermediate_size,
          &ModelConfig::num_attention_heads, &ModelConfig::head_dim}) {
      if (text.*number) config.*number = text.*number;
    }
    fill(config.num_nextn_predict_layers, text.num_nextn_predict_layers);
    if (config.quantization_method.empty()) {
      config.quantization_method = text.quantization_method;
      config.quantization = text.quantization;
    }
    config.text_model_type = text.model_type.empty() ? config.model_type : text.model_type;
  }
};

}  // namespace

ModelConfig ModelConfig::parse(std::string json, const std::string& where) {
  ModelConfig config;
  try {
    json::read_object(json, [&](json::Object fields) { config = ConfigReader::read(fields); });
  } catch (const simdjson::simdjson_error& error) {
    throw Error(Fault::input, where, json::reason_of(error));
  }
  return config;
}

namespace {

constexpr std::int64_t most_config_bytes = 16 * 1024 * 1024;

/// ModelOpt's own file, which says how weights are quantized where config.json does not.
void add_exported_quantization(ConfigFile& file, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "hf_quant_config.json";
  std::error_code ignored;
  if (!file.config.quantization_method.empty() || !std::filesystem::exists(path, ignored)) return;
  const std::string text = read_no_pointer(path, most_config_bytes);
  ModelConfig exported = ModelConfig::parse(text, path.string());
  file.config.quantization_method = "modelopt";
  file.config.quantization = std::move(exported.quantization);
  file.text += text;
}

}  // namespace

ConfigFile read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  std::string text = "{}";
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    text = read_no_pointer(path, most_config_bytes);
  } else {
    spdlog::warn("{} is missing: the model's type and whether its head is tied are not known", path.string());
  }
  ModelConfig config = ModelConfig::parse(text, path.string());
  ConfigFile file{std::move(text), std::move(config)};
  add_exported_quantization(file, folder);
  return file;
}

bool ModelConfig::has_head() const {
  // ForConditionalGeneration: encoder-decoders such as T5, and models that read images and write text.
  constexpr std::array<std::string_view, 9> endings{
      "ForCausalLM", "LMHeadModel", "WithLMHead", "DoubleHeadsModel",   "ForConditionalGeneration",
      "ForMaskedLM", "ToText",      "2Text",      "EncoderDecoderModel"};
  return std::ranges::any_of(architectures, [&](const std::string& architecture) {
    return std::ranges::any_of(endings,
                               [&](std::string_view ending) { return architecture.ends_with(ending); });
  });
}

bool ModelConfig::ties_head() const {
  // Classes of transformers 4.57 whose default is false; the library's own is true.
  constexpr std::array<std::string_view, 12> untied{"llama",    "mistral",  "mixtral", "qwen",
                                                    "deepseek", "gpt_neox", "gptj",    "phi",
                                                    "olmo",     "granite",  "glm",     "gpt_oss"};
  const bool of_untied_family = std::ranges::any_of(
      untied, [&](std::string_view family) { return text_model_type.starts_with(family); });
  // That one has GPT-NeoX's name and not its default.
  return tie_word_embeddings.value_or(!of_untied_family || text_model_type == "gpt_neox_japanese");
}

}  // namespace alphahill
