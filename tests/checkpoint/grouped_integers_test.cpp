/// GPTQ and AWQ: values against the formula of each, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "checkpoint/quantized_layer.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;

constexpr std::size_t in = 64;
constexpr std::size_t out = 16;

std::uint32_t code_at(std::size_t row, std::size_t col, std::uint32_t codes) {
  return static_cast<std::uint32_t>(7 * row + 3 * col + row * col) % codes;
}

/// A layer "a" of 64 inputs and 16 outputs, whose tensors a test may spoil before it is written.
struct Tensors {
  std::vector<std::uint32_t> codes;
  std::vector<std::uint32_t> zeros;
  std::vector<double> scales;
  std::vector<std::int32_t> groups;  ///< of the inputs
  std::size_t count = 2;             ///< groups

  explicit Tensors(std::uint32_t number_of_codes, std::size_t group_size = 48) {
    for (std::size_t i = 0; i < in * out; ++i) codes.push_back(code_at(i / out, i % out, number_of_codes));
    for (std::size_t i = 0; i < count * out; ++i) {
      zeros.push_back(static_cast<std::uint32_t>(5 * i) % number_of_codes);
      scales.push_back(static_cast<double>(1 + i % 100) / 64);
    }
    for (std::size_t row = 0; row < in; ++row) groups.push_back(static_cast<std::int32_t>(row / group_size));
  }

  /// @param offset  from stored zero points to those that are meant
  std::vector<double> weights(std::uint32_t offset, std::uint32_t number_of_codes) const {
    std::vector<double> values;
    for (std::size_t i = 0; i < in * out; ++i) {
      const std::size_t place = static_cast<std::size_t>(groups[i / out]) * out + i % out;
      const std::uint32_t zero = (zeros[place] + offset) % number_of_codes;
      values.push_back((static_cast<double>(codes[i]) - static_cast<double>(zero)) * scales[place]);
    }
    return values;
  }
};

/// Adds X.qweight of GPTQ, each column a string of bits, and X.qzeros, each row one.
void add_gptq_codes(CheckpointBuilder& builder, const Tensors& tensors, std::size_t bits) {
  std::vector<std::uint32_t> words(in * bits / 32 * out);
  for (std::size_t col = 0; col < out; ++col) {
    std::vector<std::uint32_t> column;
    for (std::size_t row = 0; row < in; ++row) column.push_back(tensors.codes[row * out + col]);
    const auto string = packed(column, bits);
    for (std::size_t i = 0; i < string.size(); ++i) words[i * out + col] = string[i];
  }
  builder.add("a.qweight", "I32", {std::int64_t(in * bits / 32), out}, words);
  std::vector<std::uint32_t> zeros;
  for (std::size_t group = 0; group < tensors.count; ++group) {
    const auto first = tensors.zeros.begin() + std::ptrdiff_t(group * out);
    const auto string = packed({first, first + out}, bits);
    zeros.insert(zeros.end(), string.begin(), string.end());
  }
  builder.add("a.qzeros", "I32", {std::int64_t(tensors.count), std::int64_t(zeros.size() / tensors.count)},
              zeros);
}

CheckpointBuilder gptq(const Tensors& tensors, std::size_t bits) {
  CheckpointBuilder builder;
  add_gptq_codes(builder, tensors, bits);
  builder.add("a.scales", "BF16", {std::int64_t(tensors.count), out}, in_bf16(tensors.scales));
  builder.add("a.g_idx", "I32", {in}, tensors.groups);
  return builder;
}

/// Eight codes to a word, in AWQ's order.
std::vector<std::uint32_t> awq_words(const std::vector<std::uint32_t>& codes) {
  constexpr std::array<std::size_t, 8> column_of_nibble{0, 2, 4, 6, 1, 3, 5, 7};
  std::vector<std::uint32_t> words(codes.size() / 8);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    words[i / 8] |= codes[i / 8 * 8 + column_of_nibble[i % 8]] << (4 * (i % 8));
  }
  return words;
}

CheckpointBuilder awq(const Tensors& tensors) {
  CheckpointBuilder builder;
  builder.add("a.qweight", "I32", {in, out / 8}, awq_words(tensors.codes));
  builder.add("a.qzeros", "I32", {std::int64_t(tensors.count), out / 8}, awq_words(tensors.zeros));
  builder.add("a.scales", "BF16", {std::int64_t(tensors.count), out}, in_bf16(tensors.scales));
  return builder;
}

constexpr const char* version_1 =
    R"({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 48,
  "sym": false, "checkpoint_format": "gptq"}})";
constexpr const char* version_2 = R"({"quantization_config": {"quant_method": "gptq", "group_size": 48,
  "checkpoint_format": "gptq_v2"}})";
constexpr const char* of_awq = R"({"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 32,
  "version": "GEMM"}})";

class GptqBits : public testing::TestWithParam<std::size_t> {};

TEST_P(GptqBits, AreUnpackedDownTheColumnsAndZeroPointsAreStoredLessOne) {
  const auto codes = std::uint32_t{1} << GetParam();
  const Tensors tensors(codes);
  const QuantizedLayer layer(gptq(tensors, GetParam()), version_1);
  EXPECT_EQ(layer.layer().out_features, 16);
  EXPECT_EQ(layer.layer().in_features, 64);
  EXPECT_TRUE(layer.layer().shape().transposed);
  EXPECT_EQ(layer.values(), tensors.weights(1, codes));
}

TEST_P(GptqBits, AreReadInAnyBlock) {
  const auto codes = std::uint32_t{1} << GetParam();
  const Tensors tensors(codes);
  const QuantizedLayer layer(gptq(tensors, GetParam()), version_1);
  for (const Block& block :
       {Block{5, 41, 3, 9}, Block{63, 1, 0, 16}, Block{31, 2, 15, 1}, Block{7, 0, 0, 16}}) {
    EXPECT_EQ(layer.values(block), block_of(tensors.weights(1, codes), out, block));
  }
}

INSTANTIATE_TEST_SUITE_P(All, GptqBits, testing::Values(2, 3, 4, 8), testing::PrintToStringParamName());

TEST(Gptq, TheSecondVersionStoresZeroPointsAsTheyAre) {
  const Tensors tensors(16);
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_2).values(), tensors.weights(0, 16));
}

TEST(Gptq, InputsMayBelongToGroupsInAnyOrder) {
  Tensors tensors(16);
  for (std::size_t row = 0; row < in; ++row) tensors.groups[row] = row % 3 == 0 ? 0 : 1;
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).values(), tensors.weights(1, 16));
}

TEST(Gptq, WithoutIndicesGroupsAreInOrderAndConfigTellsBits) {
  const Tensors tensors(16);
  CheckpointBuilder builder;
  add_gptq_codes(builder, tensors, 4);
  builder.add("a.scales", "BF16", {2, out}, in_bf16(tensors.scales));
  const QuantizedLayer layer(builder, version_1);
  EXPECT_EQ(layer.values(), tensors.weights(1, 16));
  EXPECT_EQ(QuantizedLayer(builder).refusal(), "GPTQ: a.qweight: expected 2, 3, 4 or 8 bits, found 0");
}

TEST(Gptq, ScalesInFp32GiveProductsInFp64) {
  Tensors tensors(256);
  for (double& scale : tensors.scales) scale = static_cast<double>(static_cast<float>(scale / 3));
  CheckpointBuilder builder;
  add_gptq_codes(builder, tensors, 8);
  builder.add("a.scales", "F32", {2, out}, in_fp32(tensors.scales));
  builder.add("a.g_idx", "I32", {in}, tensors.groups);
  const QuantizedLayer layer(builder, version_1);
  EXPECT_EQ(layer.layer().shape().values, ElementFormat::fp64);
  EXPECT_EQ(layer.values(), tensors.weights(1, 256));
}

TEST(Gptq, TensorsMayLieInSeveralShards) {
  const Tensors tensors(16);
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1, 3).values(), tensors.weights(1, 16));
}

TEST(Gptq, StoredBytesAndNameOfTheLayoutCountScales) {
  const QuantizedLayer layer(gptq(Tensors(16), 4), version_1);
  EXPECT_EQ(layer.layer().shape().stored_bytes, 8 * 16 * 4 + 2 * 2 * 4 + 2 * 16 * 2 + 64 * 4);
  EXPECT_EQ(std::get<GroupedIntegers>(layer.layer().layout).stored_as(), "int4 g48 asym");
}

TEST(Gptq, MissingOrMisshapenTensorsAreNamed) {
  const Tensors tensors(16);
  CheckpointBuilder without_scales, other_zeros, cut;
  add_gptq_codes(without_scales, tensors, 4);
  EXPECT_EQ(QuantizedLayer(without_scales, version_1).refusal(), "GPTQ: a.scales is missing");
  other_zeros.add("a.qweight", "I32", {8, 16}).add("a.qzeros", "I32", {2, 3}).add("a.scales", "F16", {2, 16});
  EXPECT_EQ(QuantizedLayer(other_zeros, version_1).refusal(),
            "GPTQ: a.qzeros: expected I32 [2, 2], found I32 [2, 3]");
  cut.add("a.qweight", "I32", {7, 16}).add("a.g_idx", "I32", {50});
  EXPECT_EQ(QuantizedLayer(cut, version_1).refusal(),
            "GPTQ: a.qweight: 50 inputs of 4 bits do not fill 7 words");
}

TEST(Gptq, GroupsThatDoNotFitTheInputsAreRefused) {
  CheckpointBuilder builder;
  builder.add("a.qweight", "I32", {8, 16}).add("a.qzeros", "I32", {3, 2}).add("a.scales", "F16", {3, 16});
  EXPECT_EQ(QuantizedLayer(builder, version_1).refusal(),
            "GPTQ: a.scales: 3 groups do not fit 64 inputs with group_size 48, as config.json has it");
}

TEST(Gptq, TheSizeOfGroupsIsNotGuessed) {
  CheckpointBuilder builder;
  builder.add("a.qweight", "I32", {8, 16}).add("a.qzeros", "I32", {2, 2}).add("a.scales", "F16", {2, 16});
  EXPECT_EQ(QuantizedLayer(builder, R"({"quantization_config": {"bits": 4, "group_size": 16}})").refusal(),
            "GPTQ: a.scales: 2 groups do not fit 64 inputs with group_size 16, as config.json has it");
  EXPECT_EQ(QuantizedLayer(builder, R"({"quantization_config": {"bits": 4}})").refusal(),
            "GPTQ: a.scales: 2 groups do not fit 64 inputs with no group_size, as config.json has it");
}

TEST(Gptq, AutoRoundPacksSoWhereItDoesNotSay) {
  const Tensors tensors(16);
  const QuantizedLayer layer(gptq(tensors, 4), R"({"quantization_config": {"quant_method": "auto-round",
    "bits": 4, "group_size": 48}})");
  EXPECT_EQ(layer.values(), tensors.weights(1, 16));
}

TEST(Gptq, OtherBitsAndPackingsAreRefused) {
  CheckpointBuilder builder;
  builder.add("a.qweight", "I32", {10, 16}).add("a.g_idx", "I32", {64}).add("a.scales", "F16", {1, 16});
  EXPECT_EQ(QuantizedLayer(builder, version_1).refusal(),
            "GPTQ: a.qweight: expected 2, 3, 4 or 8 bits, found 5");
  const auto refusal = [&](const std::string& config) {
    return QuantizedLayer(builder, fmt::format(R"({{"quantization_config": {{{}}}}})", config)).refusal();
  };
  EXPECT_EQ(refusal(R"("quant_method": "gptq", "checkpoint_format": "marlin")"),
            "GPTQ: checkpoint_format 'marlin' is not read");
  EXPECT_EQ(refusal(R"("quant_method": "auto-round", "packing_format": "other")"),
            "GPTQ: packing_format 'other' is not read");
  EXPECT_EQ(refusal(R"("quant_method": "quark")"),
            "GPTQ: quant_method 'quark' is not known to store qweight so");
}

TEST(Gptq, AnIndexBeyondTheGroupsIsRefused) {
  Tensors tensors(16);
  tensors.groups[9] = 2;
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).refusal(),
            "tensor 'a.g_idx': expected groups from 0 to 1, found 2");
  tensors.groups[9] = -1;
  EXPECT_THAT(QuantizedLayer(gptq(tensors, 4), version_1).refusal(), HasSubstr("found -1"));
}

TEST(Gptq, ScalesThatAreNoneAreRefused) {
  Tensors tensors(16);
  tensors.scales[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).refusal(), "tensor 'a.scales': value 3 is nan");
  tensors.scales[3] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).refusal(), "tensor 'a.scales': value 3 is inf");
}

TEST(Gptq, OnlySymmetricCodesHaveNegativeScales) {
  Tensors tensors(16);
  tensors.scales[3] = -0.5;
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).refusal(),
            "tensor 'a.scales': value 3 is negative: -0.5");
  tensors.zeros[3] = 7;
  EXPECT_EQ(QuantizedLayer(gptq(tensors, 4), version_1).values(), tensors.weights(1, 16));
}

TEST(Awq, CodesAreInTheOrderOfItsKernelAndZeroPointsAsTheyAre) {
  const Tensors tensors(16, 32);
  const QuantizedLayer layer(awq(tensors), of_awq);
  EXPECT_EQ(layer.layer().out_features, 16);
  EXPECT_EQ(layer.layer().in_features, 64);
  EXPECT_EQ(layer.values(), tensors.weights(0, 16));
  for (const Block& block : {Block{5, 41, 3, 9}, Block{63, 1, 8, 8}, Block{1, 2, 15, 1}}) {
    EXPECT_EQ(layer.values(block), block_of(tensors.weights(0, 16), out, block));
  }
  EXPECT_EQ(std::get<GroupedIntegers>(layer.layer().layout).stored_as(), "int4 g32 asym");
}

TEST(Awq, OtherKernelsAreRefused) {
  const CheckpointBuilder builder = awq(Tensors(16, 32));
  EXPECT_EQ(QuantizedLayer(builder, R"({"quantization_config": {"quant_method": "awq", "version": "gemv"}})")
                .refusal(),
            "AWQ: version 'gemv' is not read");
  EXPECT_EQ(
      QuantizedLayer(builder, R"({"quantization_config": {"quant_method": "awq", "bits": 3}})").refusal(),
      "AWQ: expected 4 bits, found 3");
}

TEST(Awq, CodesThatLieOtherwiseAreNotTakenForThoseOfGptq) {
  CheckpointBuilder builder;
  builder.add("a.qweight", "I32", {16, 64}).add("a.scales", "F16", {1, 64}).add("a.qzeros", "F16", {1, 64});
  EXPECT_EQ(QuantizedLayer(builder, R"({"quantization_config": {"quant_method": "awq",
    "version": "gemv_fast"}})")
                .refusal(),
            "AWQ: version 'gemv_fast' is not read");
}

TEST(Awq, GroupsHaveTheSizeThatConfigNames) {
  const CheckpointBuilder builder = awq(Tensors(16));
  const auto named = [&](int size) {
    return QuantizedLayer(builder, fmt::format(R"({{"quantization_config": {{"quant_method": "awq",
      "group_size": {}}}}})",
                                               size));
  };
  EXPECT_EQ(named(48).values(), Tensors(16).weights(0, 16));
  EXPECT_EQ(named(16).refusal(),
            "AWQ: a.scales: 2 groups do not fit 64 inputs with group_size 16, as config.json has it");
}

TEST(Awq, IndicesOfGroupsAreRefused) {
  CheckpointBuilder builder = awq(Tensors(16, 32));
  builder.add("a.g_idx", "I32", {64});
  EXPECT_EQ(QuantizedLayer(builder, of_awq).refusal(), "AWQ: a.g_idx beside such codes is not read");
}

TEST(Awq, MissingOrMisshapenTensorsAreNamed) {
  CheckpointBuilder builder, other_groups;
  builder.add("a.qweight", "I32", {64, 2}).add("a.scales", "F16", {2, 16});
  EXPECT_EQ(QuantizedLayer(builder, of_awq).refusal(), "AWQ: a.qzeros is missing");
  other_groups.add("a.qweight", "I32", {64, 2})
      .add("a.scales", "F16", {3, 16})
      .add("a.qzeros", "I32", {3, 2});
  EXPECT_EQ(QuantizedLayer(other_groups, of_awq).refusal(),
            "AWQ: a.scales: 3 groups do not fit 64 inputs with group_size 32, as config.json has it");
}

}  // namespace
}  // namespace alphahill
