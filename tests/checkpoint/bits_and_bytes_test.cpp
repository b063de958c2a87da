/// bitsandbytes with 4 and 8 bits: values against its formula, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "checkpoint/quantized_layer.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;

constexpr std::size_t rows = 5;
constexpr std::size_t cols = 7;
constexpr std::size_t block_size = 16;
constexpr std::size_t blocks = 3;

/// Codes of a 5 x 7 matrix, in blocks of 16 that cross its rows.
std::uint8_t code_at(std::size_t i) {
  return static_cast<std::uint8_t>((11 * i + 3) % 16);
}

std::vector<std::uint8_t> pairs() {
  std::vector<std::uint8_t> bytes((rows * cols + 1) / 2);
  for (std::size_t i = 0; i < rows * cols; ++i) {
    bytes[i / 2] = static_cast<std::uint8_t>(bytes[i / 2] | code_at(i) << (i % 2 == 0 ? 4 : 0));
  }
  return bytes;
}

std::vector<float> map() {
  std::vector<float> numbers;
  for (int i = 0; i < 16; ++i) numbers.push_back(static_cast<float>(i - 8) / 7);
  return numbers;
}

std::vector<double> weights(const std::vector<float>& absmax) {
  std::vector<double> values;
  for (std::size_t i = 0; i < rows * cols; ++i) {
    values.push_back(double{map()[code_at(i)]} * double{absmax[i / block_size]});
  }
  return values;
}

const std::string state = R"({"quant_type": "nf4", "blocksize": 16, "dtype": "bfloat16", "shape": [5, 7])";

void add_state(CheckpointBuilder& builder, const std::string& json, const std::string& type = "nf4") {
  builder.add("a.weight.quant_state.bitsandbytes__" + type, "U8", {std::ssize(json)},
              std::vector<char>(json.begin(), json.end()));
}

/// All but absmax and state.
CheckpointBuilder with_codes() {
  CheckpointBuilder builder;
  builder.add("a.weight", "U8", {18, 1}, pairs()).add("a.weight.quant_map", "F32", {16}, map());
  return builder;
}

CheckpointBuilder quantized(const std::vector<float>& absmax, const std::string& json = state + "}") {
  CheckpointBuilder builder = with_codes();
  builder.add("a.weight.absmax", "F32", {std::ssize(absmax)}, absmax);
  add_state(builder, json);
  return builder;
}

TEST(BitsAndBytes4, BlocksCrossTheRowsOfAMatrixOfOddSize) {
  const std::vector<float> absmax{0.3F, 1.7F, 2.9F};
  const QuantizedLayer layer(quantized(absmax));
  EXPECT_EQ(layer.layer().out_features, 5);
  EXPECT_EQ(layer.layer().in_features, 7);
  EXPECT_EQ(layer.values(), weights(absmax));
  for (const Block& block : {Block{1, 3, 0, 7}, Block{0, 5, 2, 4}, Block{4, 1, 6, 1}}) {
    EXPECT_EQ(layer.values(block), block_of(weights(absmax), cols, block));
  }
  EXPECT_EQ(layer.layer().shape().stored_bytes, 18 + 16 * 4 + 3 * 4);
  EXPECT_EQ(std::get<BitsAndBytes4>(layer.layer().layout).stored_as(), "nf4 block 16");
}

TEST(BitsAndBytes4, AbsmaxMayBeQuantizedItselfInFp32Arithmetic) {
  std::vector<float> nested_map(256), absmax;
  for (std::size_t i = 0; i < 256; ++i) nested_map[i] = (static_cast<float>(i) - 127) / 129;
  const std::vector<std::uint8_t> codes{200, 31, 255};
  const std::vector<float> nested{0.7F, 0.9F};
  for (std::size_t i = 0; i < blocks; ++i) {
    const float product = nested_map[codes[i]] * nested[i / 2];
    absmax.push_back(product + 1.1F);
  }
  CheckpointBuilder builder = with_codes();
  builder.add("a.weight.absmax", "U8", {3}, codes).add("a.weight.nested_absmax", "F32", {2}, nested);
  builder.add("a.weight.nested_quant_map", "F32", {256}, nested_map);
  add_state(builder, state + R"(, "nested_blocksize": 2, "nested_dtype": "float32", "nested_offset": 1.1})");
  EXPECT_EQ(QuantizedLayer(builder).values(), weights(absmax));
}

TEST(BitsAndBytes4, CodesMayBeStoredInAFloatingPointDtype) {
  const std::vector<float> absmax{0.3F, 1.7F, 2.9F};
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{9, 1}, {1, 9}, {9}}) {
    CheckpointBuilder builder;
    builder.add("a.weight", "BF16", shape, pairs()).add("a.weight.quant_map", "F32", {16}, map());
    builder.add("a.weight.absmax", "F32", {3}, absmax);
    add_state(builder, state + "}");
    EXPECT_EQ(QuantizedLayer(builder).values(), weights(absmax));
  }
}

TEST(BitsAndBytes4, CodesAreNoNumbersWhereAnyOfTheirTensorsIsLeft) {
  for (const char* left : {"quant_map", "absmax", "nested_absmax", "nested_quant_map"}) {
    CheckpointBuilder builder;
    builder.add("a.weight", "BF16", {9, 1}).add(std::string("a.weight.") + left, "F32", {16});
    EXPECT_EQ(QuantizedLayer(builder).refusal(),
              "bitsandbytes: a.weight.quant_state.bitsandbytes__nf4 is missing");
  }
}

TEST(BitsAndBytes4, CodesOfAFusedProjectionAreNoNumbersEither) {
  const std::vector<float> absmax{0.3F, 1.7F, 2.9F};
  CheckpointBuilder builder;
  builder.add("a.in_proj_weight", "BF16", {9, 1}, pairs());
  builder.add("a.in_proj_weight.quant_map", "F32", {16}, map());
  builder.add("a.in_proj_weight.absmax", "F32", {3}, absmax);
  const std::string json = state + "}";
  builder.add("a.in_proj_weight.quant_state.bitsandbytes__nf4", "U8", {std::ssize(json)},
              std::vector<char>(json.begin(), json.end()));
  const QuantizedLayer layer(builder);
  EXPECT_EQ(layer.layer().name, "a.in_proj");
  EXPECT_EQ(layer.values(), weights(absmax));
}

TEST(BitsAndBytes4, WhatIsMissingIsNamedWhereConfigNamesTheMethod) {
  CheckpointBuilder builder;
  builder.add("a.weight", "U8", {1, 18});
  EXPECT_EQ(QuantizedLayer(builder, R"({"quantization_config": {"quant_method": "bitsandbytes"}})").refusal(),
            "bitsandbytes: a.weight.quant_state.bitsandbytes__nf4 is missing");
}

TEST(BitsAndBytes4, WithoutItsStateItIsRefused) {
  CheckpointBuilder builder = with_codes();
  builder.add("a.weight.absmax", "F32", {3});
  EXPECT_EQ(QuantizedLayer(builder).refusal(),
            "bitsandbytes: a.weight.quant_state.bitsandbytes__nf4 is missing");
}

TEST(BitsAndBytes4, AStateThatMakesNoSenseIsRefused) {
  const std::vector<float> absmax{1, 1, 1};
  const auto refusal = [&](const std::string& json) {
    return QuantizedLayer(quantized(absmax, json)).refusal();
  };
  EXPECT_THAT(refusal("{\"quant_type\": "), HasSubstr("bitsandbytes__nf4: not valid JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("bitsandbytes__nf4: expected a JSON object"));
  EXPECT_THAT(refusal(R"({"quant_type": "int3", "blocksize": 16, "shape": [5, 7]})"),
              HasSubstr("expected nf4 or fp4, found 'int3'"));
  EXPECT_THAT(refusal(R"({"quant_type": "nf4", "blocksize": 0, "shape": [5, 7]})"),
              HasSubstr("expected a blocksize and a shape of two sides"));
  EXPECT_THAT(refusal(R"({"quant_type": "nf4", "blocksize": 16, "shape": [5, 8]})"),
              HasSubstr("a.weight: expected 20 bytes for 5 x 8 weights, found 18"));
}

TEST(BitsAndBytes4, ScalesThatAreNoneAreRefused) {
  EXPECT_EQ(QuantizedLayer(quantized({1, -1, 1})).refusal(),
            "tensor 'a.weight.absmax': value 1 is negative: -1");
  EXPECT_EQ(QuantizedLayer(quantized({1, 1, std::numeric_limits<float>::quiet_NaN()})).refusal(),
            "tensor 'a.weight.absmax': value 2 is nan");
  EXPECT_EQ(QuantizedLayer(quantized({1, 1})).refusal(),
            "bitsandbytes: a.weight.absmax: expected F32 [3], found F32 [2]");
}

CheckpointBuilder of_8_bits(const std::vector<float>& scales, std::uint8_t format = 0) {
  CheckpointBuilder builder;
  builder.add("a.weight", "I8", {2, 3}, std::vector<std::int8_t>{-127, 0, 1, 100, -3, 127});
  builder.add("a.SCB", "F32", {std::ssize(scales)}, scales);
  builder.add("a.weight_format", "U8", {}, std::vector<std::uint8_t>{format});
  return builder;
}

TEST(BitsAndBytes8, CodesAre127thsOfTheScaleOfTheirRow) {
  const QuantizedLayer layer(of_8_bits({0.3F, 2.0F}));
  const double scale = double{0.3F};
  EXPECT_EQ(layer.values(), (std::vector<double>{-scale, 0, scale / 127, 200.0 / 127, -6.0 / 127, 2}));
  EXPECT_EQ(layer.values({0, 2, 1, 1}), (std::vector<double>{0, -6.0 / 127}));
  EXPECT_EQ(layer.layer().shape().stored_bytes, 6 + 2 * 4 + 1);
}

TEST(BitsAndBytes8, MissingScalesAreNamed) {
  CheckpointBuilder with_format, by_config;
  with_format.add("a.weight", "I8", {2, 3}).add("a.weight_format", "U8", {});
  EXPECT_EQ(QuantizedLayer(with_format).refusal(), "bitsandbytes: a.SCB is missing");
  by_config.add("a.weight", "I8", {2, 3});
  EXPECT_EQ(
      QuantizedLayer(by_config, R"({"quantization_config": {"quant_method": "bitsandbytes"}})").refusal(),
      "bitsandbytes: a.SCB is missing");
}

TEST(BitsAndBytes8, OtherOrdersOfCodesAndScalesThatAreNoneAreRefused) {
  EXPECT_EQ(QuantizedLayer(of_8_bits({1, 1}, 1)).refusal(),
            "tensor 'a.weight_format': expected 0 (row), found 1");
  EXPECT_EQ(QuantizedLayer(of_8_bits({1, -2})).refusal(), "tensor 'a.SCB': value 1 is negative: -2");
  EXPECT_EQ(QuantizedLayer(of_8_bits({1})).refusal(), "bitsandbytes: a.SCB: expected F32 [2], found F32 [1]");
}

}  // namespace
}  // namespace alphahill
