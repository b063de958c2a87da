#include "checkpoint/catalog/model_config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

ModelConfig config_of(const std::string& json) {
  return ModelConfig::parse(json, "config.json");
}

TEST(ModelConfig, EveryFieldIsRead) {
  const ModelConfig config = config_of(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
      "tie_word_embeddings": true, "num_hidden_layers": 32, "num_nextn_predict_layers": 1, "hidden_size": 4096,
      "intermediate_size": 11008, "num_attention_heads": 32, "head_dim": 128,
      "quantization_config": {"bits": 4, "quant_method": "gptq"}, "rope_scaling": {"a": [1, 2]}})");
  EXPECT_THAT(config.architectures, ElementsAre("LlamaForCausalLM"));
  EXPECT_EQ(config.model_type, "llama");
  EXPECT_EQ(config.text_model_type, "llama");
  EXPECT_EQ(config.tie_word_embeddings, true);
  EXPECT_EQ(config.num_hidden_layers, 32);
  EXPECT_EQ(config.num_nextn_predict_layers, 1);
  EXPECT_EQ(config.hidden_size, 4096);
  EXPECT_EQ(config.intermediate_size, 11008);
  EXPECT_EQ(config.num_attention_heads, 32);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.quantization_method, "gptq");
}

TEST(ModelConfig, AbsentAndNullFieldsAreUnknown) {
  for (const char* json : {"{}", R"({"architectures": null, "model_type": null, "tie_word_embeddings": null,
      "num_hidden_layers": null, "quantization_config": null, "text_config": null})"}) {
    const ModelConfig config = config_of(json);
    EXPECT_TRUE(config.architectures.empty());
    EXPECT_EQ(config.model_type, "");
    EXPECT_EQ(config.tie_word_embeddings, std::nullopt);
    EXPECT_EQ(config.num_hidden_layers, std::nullopt);
    EXPECT_EQ(config.quantization_method, "");
  }
}

TEST(ModelConfig, WhatIsAbsentAtTheTopIsTakenFromTextConfig) {
  const ModelConfig config = config_of(R"({"text_config": {"model_type": "llama", "num_hidden_layers": 40,
      "tie_word_embeddings": false}, "model_type": "mllama", "vision_config": {"num_hidden_layers": 32}})");
  EXPECT_EQ(config.model_type, "mllama");
  EXPECT_EQ(config.text_model_type, "llama");
  EXPECT_EQ(config.num_hidden_layers, 40);
  EXPECT_EQ(config.tie_word_embeddings, false);
}

TEST(ModelConfig, HowManyBlocksTheLanguageModelHasItsOwnConfigSays) {
  for (const std::string key : {"text_config", "language_config", "llm_config"}) {
    const auto config =
        config_of(R"({"num_hidden_layers": 40, ")" + key + R"(": {"num_hidden_layers": 12}})");
    EXPECT_EQ(config.num_hidden_layers, 12) << key;
  }
}

TEST(ModelConfig, ACountThatIsNoNumberIsUnknown) {
  for (const char* count : {R"({"vision": 5})", "[5]", R"("5")", "1.5", "true"}) {
    const auto config =
        config_of(std::string(R"({"num_hidden_layers": )") + count + R"(, "model_type": "lxmert"})");
    EXPECT_EQ(config.num_hidden_layers, std::nullopt) << count;
    EXPECT_EQ(config.model_type, "lxmert") << count;
  }
}

TEST(ModelConfig, TheTopGoesBeforeTextConfig) {
  const auto config =
      config_of(R"({"tie_word_embeddings": true, "text_config": {"tie_word_embeddings": false}})");
  EXPECT_EQ(config.tie_word_embeddings, true);
}

TEST(ModelConfig, HiddenSizeIsTheLanguageModels) {
  EXPECT_EQ(config_of(R"({"hidden_size": 768, "text_config": {"hidden_size": 4096}})").hidden_size, 4096);
  EXPECT_EQ(config_of(R"({"text_config": {}, "hidden_size": 768})").hidden_size, 768);
}

TEST(ModelConfig, AHiddenSizeThatIsNoIntegerIsUnknown) {
  for (const char* value : {"null", "[64, 128]", "64.5", "\"64\"", "1e300", "{\"a\": [1]}"}) {
    const auto config = config_of(fmt::format(R"({{"hidden_size": {}, "model_type": "llama"}})", value));
    EXPECT_EQ(config.hidden_size, std::nullopt) << value;
    EXPECT_EQ(config.model_type, "llama") << value;
  }
}

TEST(ModelConfig, TextConfigsInsideOneAnotherAreNotFollowed) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += R"({"text_config": )";
  EXPECT_EQ(config_of(nested + "1" + std::string(100'000, '}')).model_type, "");
}

TEST(ModelConfig, ATextConfigAloneDoesNotGiveAnArchitecture) {
  EXPECT_FALSE(config_of(R"({"text_config": {"architectures": ["LlamaForCausalLM"]}})").has_head());
}

TEST(ModelConfig, InfinityAsPythonWritesItIsAccepted) {
  EXPECT_EQ(config_of(R"({"time_step_limit": [0.0, Infinity], "num_hidden_layers": 4})").num_hidden_layers,
            4);
}

TEST(ModelConfig, AQuantizationWithoutAMethodIsKnownToBeThere) {
  EXPECT_EQ(config_of(R"({"quantization_config": {"bits": 4}})").quantization_method, "an unknown method");
}

TEST(ModelConfig, LanguageModelsHaveAHead) {
  for (const char* name : {"LlamaForCausalLM", "GPT2LMHeadModel", "T5ForConditionalGeneration",
                           "BertForMaskedLM", "IdeficsForVisionText2Text", "SeamlessM4TForSpeechToText"}) {
    EXPECT_TRUE(config_of(std::string(R"({"architectures": [")") + name + R"("]})").has_head()) << name;
  }
  for (const char* name :
       {"BertModel", "Speech2TextModel", "LlamaForSequenceClassification", "T5EncoderModel"}) {
    EXPECT_FALSE(config_of(std::string(R"({"architectures": [")") + name + R"("]})").has_head()) << name;
  }
}

TEST(ModelConfig, WithoutTheKeyTheModelsClassSaysWhetherTheHeadIsTied) {
  for (const char* type :
       {"llama", "mistral", "mixtral", "qwen2", "qwen3_moe", "deepseek_v3", "gpt_neox", "phi3"}) {
    EXPECT_FALSE(config_of(std::string(R"({"model_type": ")") + type + R"("})").ties_head()) << type;
  }
  for (const char* type :
       {"gpt2", "bert", "t5", "opt", "gemma2", "falcon", "bloom", "gpt_neox_japanese", ""}) {
    EXPECT_TRUE(config_of(std::string(R"({"model_type": ")") + type + R"("})").ties_head()) << type;
  }
  EXPECT_FALSE(config_of(R"({"model_type": "llava", "text_config": {"model_type": "llama"}})").ties_head());
  EXPECT_TRUE(config_of(R"({"model_type": "qwen2", "tie_word_embeddings": true})").ties_head());
}

TEST(ModelConfig, ATextInThePlaceOfArchitecturesIsOne) {
  EXPECT_THAT(config_of(R"({"architectures": "LlamaForCausalLM"})").architectures,
              ElementsAre("LlamaForCausalLM"));
  EXPECT_THAT(config_of(R"({"architectures": [1, "A", ["B"], null]})").architectures, ElementsAre("A"));
}

TEST(ModelConfig, WhatPythonTakesForTrueTiesTheHead) {
  for (const char* value : {"1", "0.5", "\"false\"", "{\"a\": 1}"}) {
    EXPECT_EQ(config_of(fmt::format(R"({{"tie_word_embeddings": {}}})", value)).tie_word_embeddings, true)
        << value;
  }
  for (const char* value : {"0", "\"\"", "false"}) {
    EXPECT_EQ(config_of(fmt::format(R"({{"tie_word_embeddings": {}}})", value)).tie_word_embeddings, false)
        << value;
  }
}

TEST(ModelConfig, FieldsOfAnotherTypeArePassedOver) {
  const auto config = config_of(R"({"model_type": 3, "text_config": "none", "llm_config": [{"a": [1]}],
      "quantization_config": "gptq", "quantization": [4], "hidden_size": 16, "architectures": {"a": 1}})");
  EXPECT_EQ(config.model_type, "");
  EXPECT_EQ(config.quantization_method, "");
  EXPECT_EQ(config.hidden_size, 16);
  EXPECT_TRUE(config.architectures.empty());
  EXPECT_EQ(config_of(R"({"quantization_config": {"quant_method": [1], "bits": 4}})").quantization_method,
            "an unknown method");
}

TEST(ModelConfig, BrokenFilesAreRefused) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"", "config.json: not valid JSON"},
      {"{", "config.json: not valid JSON"},
      {"[]", "config.json: expected a JSON object"},
      {"{\"\xff\": 1}", "config.json: not valid JSON: The input is not valid UTF-8"},
  };
  for (const auto& [json, what] : bad) {
    const auto error = thrown_by([&json = json] { config_of(json); });
    ASSERT_TRUE(error) << json;
    EXPECT_EQ(error->fault(), Fault::input);
    EXPECT_THAT(error->what(), StartsWith(what));
  }
}

}  // namespace
}  // namespace alphahill
