/// FP8, FP4 and packed integers with scales: what their weights are, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "alphahill/checkpoint/layer_weights.hpp"
#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

using Bytes = std::vector<std::uint8_t>;

constexpr const char* block_of_2x4 = R"({"quantization_config": {"weight_block_size": [2, 4]}})";

class ScaledCodesTest : public testing::Test {
 protected:
  const Layer& layer(const std::string& config = "{}") {
    folder_.write("config.json", config);
    builder_.write(folder_.path());
    return first_layer();
  }
  const Layer& layer_in_shards(std::size_t count, const std::string& config = "{}") {
    folder_.write("config.json", config);
    builder_.write_shards(folder_.path(), count);
    return first_layer();
  }
  void write_file(const std::string& name, const std::string& text) { folder_.write(name, text); }
  std::vector<double> weights() const {
    const LayerWeights open_weights(catalog_, catalog_.layers.at(0));
    const WeightSource& source = open_weights.source();
    return block(source, {0, source.rows(), 0, source.cols()});
  }
  std::vector<double> block(const Block& of_layer) const {
    const LayerWeights open_weights(catalog_, catalog_.layers.at(0));
    return block(open_weights.source(), of_layer);
  }
  std::string refusal() {
    const std::string* reason = catalog_.layers.at(0).unsupported();
    return reason == nullptr ? "the layer is supported" : *reason;
  }
  std::string refusal_of_values() const {
    const auto error = thrown_by([&] { weights(); });
    if (!error) return "nothing was thrown";
    EXPECT_EQ(error->fault(), Fault::internal);
    return error->what();
  }

  /// 4 x 8 codes of 1, with a grid of 2 x 2 scales.
  void add_blocks(const char* scale_name = "weight_scale_inv") {
    builder_.add("a.weight", "F8_E4M3", {4, 8}, Bytes(32, one));
    builder_.add(std::string("a.") + scale_name, "F32", {2, 2}, std::vector<float>{1, 2, 3, 4});
  }

  static constexpr std::uint8_t one = 0x38;  ///< F8_E4M3

  CheckpointBuilder builder_;

 private:
  const Layer& first_layer() {
    catalog_ = open_catalog(folder_.path(), "");
    return catalog_.layers.at(0);
  }
  static std::vector<double> block(const WeightSource& source, const Block& block) {
    std::vector<double> values(static_cast<std::size_t>(block.rows * block.cols));
    read_decoded(source, block, values);
    return values;
  }

  TemporaryFolder folder_;
  Catalog catalog_;
};

TEST_F(ScaledCodesTest, EveryBlockHasItsScale) {
  add_blocks();
  const Layer& found = layer(block_of_2x4);
  EXPECT_EQ(found.stored_as(), "F8_E4M3 block 2x4");
  EXPECT_DOUBLE_EQ(found.bits_per_weight(), (32 + 16) * 8 / 32.0);
  EXPECT_THAT(block({1, 2, 3, 3}), ElementsAre(1, 2, 2, 3, 4, 4));
}

TEST_F(ScaledCodesTest, BlocksAtTheEdgesMayBePartial) {
  builder_.add("a.weight", "F8_E4M3", {3, 5}, Bytes(15, one));
  builder_.add("a.weight_scale_inv", "F32", {2, 2}, std::vector<float>{1, 2, 3, 4});
  layer(block_of_2x4);
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 3, 3, 3, 3, 4));
}

TEST_F(ScaledCodesTest, TensorsOfALayerMayLieInSeveralFiles) {
  add_blocks();
  layer_in_shards(2, block_of_2x4);
  EXPECT_THAT(block({3, 1, 0, 8}), ElementsAre(3, 3, 3, 3, 4, 4, 4, 4));
}

TEST_F(ScaledCodesTest, ScalesMayBePowersOfTwoInBytes) {
  for (const char* dtype : {"F8_E8M0", "U8"}) {
    builder_ = {};
    builder_.add("a.weight", "F8_E4M3", {1, 2}, Bytes{one, one});
    builder_.add("a.scale", dtype, {1, 2}, Bytes{126, 0});
    layer(R"({"quantization_config": {"weight_block_size": [1, 1]}})");
    EXPECT_THAT(weights(), ElementsAre(0.5, 0x1p-127)) << dtype;
  }
}

TEST_F(ScaledCodesTest, ScalesMayBeBf16OrFp16) {
  builder_.add("a.weight", "F8_E4M3", {1, 2}, Bytes{one, one});
  builder_.add("a.weight_scale_inv", "BF16", {}, std::vector<std::uint16_t>{0x4040});
  layer();
  EXPECT_THAT(weights(), ElementsAre(3, 3));
  builder_ = {};
  builder_.add("a.weight", "F8_E4M3", {2, 1}, Bytes{one, one});
  builder_.add("a.weight_scale", "F16", {1}, std::vector<std::uint16_t>{0x4200});
  EXPECT_EQ(layer().stored_as(), "F8_E4M3 per tensor");
  EXPECT_THAT(weights(), ElementsAre(3, 3));
}

TEST_F(ScaledCodesTest, ARowMayHaveAScale) {
  builder_.add("a.weight", "F8_E4M3", {2, 3}, Bytes(6, one));
  builder_.add("a.weight_scale", "F32", {2, 1}, std::vector<float>{1, 2});
  EXPECT_EQ(layer().stored_as(), "F8_E4M3 per row");
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 2, 2, 2));
}

TEST_F(ScaledCodesTest, AProductIsNotRounded) {
  const float scale = 1 + 0x1p-23F;
  builder_.add("a.weight", "F8_E4M3", {1, 1}, Bytes{0x3F});  // 1.875
  builder_.add("a.weight_scale", "F32", {}, std::vector<float>{scale});
  layer();
  EXPECT_THAT(weights(), ElementsAre(1.875 * double{scale}));
}

TEST_F(ScaledCodesTest, EveryCodeOfFp8) {
  Bytes codes(256);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i);
  builder_.add("a.weight", "F8_E4M3", {1, 256}, codes);
  builder_.add("a.weight_scale", "F32", {}, std::vector<float>{1});
  layer();
  const std::vector<double> values = weights();
  for (std::size_t i = 0; i < 128; ++i) {
    const double mantissa = static_cast<double>(i % 8) / 8;
    const int exponent = static_cast<int>(i / 8) - 7;
    const double expected = i < 8 ? std::ldexp(mantissa, -6) : std::ldexp(1 + mantissa, exponent);
    if (i == 127) {
      EXPECT_TRUE(std::isnan(values[i]) && std::isnan(values[i + 128]));
    } else {
      EXPECT_EQ(values[i], expected) << i;
      EXPECT_EQ(values[i + 128], -expected) << i;
    }
  }
}

TEST_F(ScaledCodesTest, Int8MayHaveZeroPoints) {
  builder_.add("a.weight", "I8", {2, 2}, std::vector<std::int8_t>{-128, 127, 3, 4});
  builder_.add("a.weight_scale", "F32", {2, 1}, std::vector<float>{1, 0.5F});
  builder_.add("a.weight_zero_point", "I8", {2, 1}, std::vector<std::int8_t>{-1, 2});
  EXPECT_EQ(layer().stored_as(), "int8 per row asym");
  EXPECT_THAT(weights(), ElementsAre(-127, 128, 0.5, 1));
}

TEST_F(ScaledCodesTest, Nvfp4OfModelOptIsMultipliedByTheScaleOfTheTensor) {
  const Bytes all_codes{0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE};
  Bytes codes(8, 0x22);
  codes.insert(codes.end(), all_codes.begin(), all_codes.end());
  builder_.add("a.weight", "U8", {1, 16}, codes);
  builder_.add("a.weight_scale", "F8_E4M3", {1, 2}, Bytes{0x40, one});
  builder_.add("a.weight_scale_2", "F32", {}, std::vector<float>{2});
  const Layer& found = layer();
  EXPECT_EQ(found.in_features, 32);
  EXPECT_EQ(found.stored_as(), "nvfp4 g16");
  EXPECT_THAT(block({0, 1, 0, 16}), Each(4));
  EXPECT_THAT(block({0, 1, 16, 16}), ElementsAre(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
  EXPECT_THAT(block({0, 1, 15, 4}), ElementsAre(4, 0, 1, 2));
}

TEST_F(ScaledCodesTest, Nvfp4OfCompressedTensorsIsDividedByTheScaleOfTheTensor) {
  builder_.add("a.weight_packed", "U8", {1, 8}, Bytes(8, 0x22));
  builder_.add("a.weight_scale", "F8_E4M3", {1, 1}, Bytes{one});
  builder_.add("a.weight_global_scale", "F32", {1}, std::vector<float>{4});
  layer();
  EXPECT_THAT(weights(), Each(0.25));
}

TEST_F(ScaledCodesTest, DeepSeekStoresMxfp4InInt8) {
  builder_.add("a.weight", "I8", {1, 32}, Bytes(32, 0x22));
  builder_.add("a.scale", "F8_E8M0", {1, 2}, Bytes{128, 127});
  EXPECT_EQ(layer().stored_as(), "mxfp4 g32");
  EXPECT_THAT(block({0, 1, 30, 4}), ElementsAre(2, 2, 1, 1));
}

/// 3 bits: in a string of bits element 11 crosses into the second word; in words, ten go into each.
TEST_F(ScaledCodesTest, IntegersArePackedInOneStringOrWordByWord) {
  std::vector<std::uint32_t> string(3), words(4);
  for (std::uint32_t k = 0; k < 32; ++k) {
    const std::uint64_t code = std::uint64_t{k % 8} << (3 * k % 32);
    string[3 * k / 32] |= static_cast<std::uint32_t>(code);
    if (code >> 32 != 0) string[3 * k / 32 + 1] |= static_cast<std::uint32_t>(code >> 32);
    words[k / 10] |= k % 8 << 3 * (k % 10);
  }
  for (const auto& packed : {string, words}) {
    builder_ = {};
    builder_.add("a.weight_packed", "I32", {1, std::ssize(packed)}, packed);
    builder_.add("a.weight_scale", "F32", {1, 2}, std::vector<float>{1, 10});
    builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{1, 32});
    EXPECT_EQ(layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"num_bits": 3}}}}})")
                  .stored_as(),
              "int3 g16");
    EXPECT_THAT(block({0, 1, 10, 8}), ElementsAre(-2, -1, 0, 1, 2, 3, -40, -30));
  }
}

TEST_F(ScaledCodesTest, ZeroPointsArePackedAlongTheRows) {
  builder_.add("a.weight_packed", "I32", {9, 1}, std::vector<std::uint32_t>(9, 0x88888888));
  builder_.add("a.weight_scale", "F32", {9, 1}, std::vector<float>(9, 1));
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{9, 8});
  builder_.add("a.weight_zero_point", "I32", {2, 1}, std::vector<std::uint32_t>{0x76543210, 0xF});
  EXPECT_EQ(layer().stored_as(), "int4 per row asym");
  EXPECT_THAT(block({0, 9, 0, 1}), ElementsAre(8, 7, 6, 5, 4, 3, 2, 1, -7));
}

class GroupIndicesTest : public ScaledCodesTest {
 protected:
  void add(const std::vector<std::int32_t>& indices) {
    builder_.add("a.weight_packed", "I32", {1, 1}, std::vector<std::uint32_t>{0x99999999});
    builder_.add("a.weight_scale", "F32", {1, 2}, std::vector<float>{1, 2});
    builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{1, 8});
    builder_.add("a.weight_g_idx", "I32", {8}, indices);
    layer();
  }
};

TEST_F(GroupIndicesTest, AColumnHasTheGroupThatItsIndexNames) {
  add({0, 1, 0, 1, 0, 1, 1, 0});
  EXPECT_THAT(weights(), ElementsAre(1, 2, 1, 2, 1, 2, 2, 1));
}

TEST_F(GroupIndicesTest, MinusOneMeansThatGroupsAreInOrder) {
  add({-1, -1, -1, -1, -1, -1, -1, -1});
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 1, 2, 2, 2, 2));
}

TEST_F(GroupIndicesTest, AnIndexOutOfRangeIsRefused) {
  add({0, 1, 0, 2, 0, 1, 1, 0});
  EXPECT_EQ(refusal_of_values(), "a.weight_g_idx: expected groups from 0 to 1, found 2 at 3");
}

TEST_F(GroupIndicesTest, TheyHoldForCodesThatAreNotPackedToo) {
  builder_.add("a.weight", "I8", {1, 4}, std::vector<std::int8_t>{1, 2, 3, 4});
  builder_.add("a.weight_scale", "F32", {1, 2}, std::vector<float>{1, 10});
  builder_.add("a.weight_g_idx", "I32", {4}, std::vector<std::int32_t>{1, 0, 1, 0});
  layer();
  EXPECT_THAT(weights(), ElementsAre(10, 2, 30, 4));
  builder_ = {};
  builder_.add("a.weight", "F8_E4M3", {1, 2}, Bytes{one, one});
  builder_.add("a.weight_scale", "F32", {1, 2}, std::vector<float>{1, 10});
  builder_.add("a.weight_g_idx", "I32", {2}, std::vector<std::int32_t>{1, 0});
  layer();
  EXPECT_THAT(weights(), ElementsAre(10, 1));
}

TEST_F(GroupIndicesTest, TheyHoldForFp4WhoseTensorHasAScaleToo) {
  std::vector<std::int32_t> indices(32, 1);
  indices[20] = 0;
  builder_.add("a.weight_packed", "U8", {1, 16}, Bytes(16, 0x22));
  builder_.add("a.weight_scale", "F8_E4M3", {1, 2}, Bytes{0x40, one});
  builder_.add("a.weight_global_scale", "F32", {1}, std::vector<float>{4});
  builder_.add("a.weight_g_idx", "I32", {32}, indices);
  layer();
  EXPECT_THAT(block({0, 1, 19, 3}), ElementsAre(0.25, 0.5, 0.25));
  builder_ = {};
  builder_.add("a.weight", "U8", {1, 16}, Bytes(16, 0x22));
  builder_.add("a.weight_scale", "F8_E4M3", {1, 2}, Bytes{0x40, one});
  builder_.add("a.weight_scale_2", "F32", {1}, std::vector<float>{4});
  builder_.add("a.weight_g_idx", "I32", {32}, indices);
  layer();
  EXPECT_THAT(block({0, 1, 19, 3}), ElementsAre(4, 8, 4));
}

TEST_F(GroupIndicesTest, OneForEachColumnIsRequired) {
  builder_.add("a.weight", "I8", {1, 4});
  builder_.add("a.weight_scale", "F32", {1, 2});
  builder_.add("a.weight_g_idx", "I32", {3});
  layer();
  EXPECT_EQ(refusal(), "a.weight_g_idx: expected I32 [4], found I32 [3]");
}

/// 16 zero points of 3 bits take two words, be they a string or ten to a word.
TEST_F(ScaledCodesTest, ZeroPointsArePackedWordByWordWhereTheCodesAre) {
  const std::uint32_t all_fours = 0x24924924;  // ten
  builder_.add("a.weight_packed", "I32", {16, 4}, std::vector<std::uint32_t>(64, all_fours));
  builder_.add("a.weight_scale", "F32", {16, 1}, std::vector<float>(16, 1));
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{16, 32});
  builder_.add("a.weight_zero_point", "I32", {2, 1}, std::vector<std::uint32_t>{all_fours, 0x5});
  layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"num_bits": 3}}}}})");
  EXPECT_THAT(block({8, 5, 0, 1}), ElementsAre(0, 0, -1, 4, 4));
}

class MixedBitsTest : public ScaledCodesTest {
 protected:
  /// Of a width that both 7 bits, four to a word, and 8 bits have.
  void add(const std::string& type_of_8_bits) {
    builder_.add("a.weight_packed", "I32", {1, 8},
                 std::vector<std::uint32_t>(8, 64 | 65 << 7 | 66 << 14 | 67 << 21));
    builder_.add("a.weight_scale", "F32", {1, 1}, std::vector<float>{1});
    builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{1, 32});
    layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"num_bits": 7, "type": "int"}},
             "h": {"weights": {"num_bits": 8, "type": ")" +
          type_of_8_bits + R"("}}}}})");
  }
};

TEST_F(MixedBitsTest, BitsOfFloatsAreNotThoseOfIntegers) {
  add("float");
  EXPECT_THAT(block({0, 1, 27, 5}), ElementsAre(3, 0, 1, 2, 3));
}

TEST_F(MixedBitsTest, AWidthThatSeveralBitsHaveIsRefused) {
  add("int");
  EXPECT_EQ(refusal(),
            "a.weight_packed: expected a width that says how 32 integers of 7 or 8 bits are packed, found "
            "I32 [1, 8]");
}

TEST_F(ScaledCodesTest, CodesWithoutScalesAreRefused) {
  builder_.add("a.weight", "F8_E4M3", {4, 8});
  layer();
  EXPECT_EQ(refusal(), "codes without scales: expected weight_scale_inv, weight_scale or scale beside them");
}

TEST_F(ScaledCodesTest, AGridOfAnotherSizeIsRefused) {
  builder_.add("a.weight", "F8_E4M3", {4, 8});
  builder_.add("a.weight_scale_inv", "F32", {2, 3});
  layer(block_of_2x4);
  EXPECT_EQ(
      refusal(),
      "a.weight_scale_inv: expected one scale, [4, 1], one a row, or a grid ([2, 2], one a block of 2 x 4), "
      "found F32 [2, 3]");
}

TEST_F(ScaledCodesTest, AGridOfBlocksOfUnknownSizeIsRefused) {
  add_blocks();
  layer();
  EXPECT_THAT(refusal(), HasSubstr("no size of blocks in config.json"));
}

TEST_F(ScaledCodesTest, AGridThatBlocksOfTwoSizesHaveIsRefused) {
  add_blocks("weight_scale");
  layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"block_structure": [2, 4]}},
           "h": {"weights": {"block_structure": [3, 5]}}}}})");
  EXPECT_THAT(refusal(), HasSubstr("or a grid (of one of the 2 sizes of blocks in config.json)"));
}

TEST_F(ScaledCodesTest, TheSizeOfBlocksMayBeText) {
  add_blocks("weight_scale");
  const Layer& found =
      layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"block_structure": "2x4"}}}}})");
  EXPECT_EQ(found.stored_as(), "F8_E4M3 block 2x4");
  layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"block_structure": "2x4x"}}}}})");
  EXPECT_THAT(refusal(), HasSubstr("no size of blocks in config.json"));
}

TEST_F(ScaledCodesTest, ScalesOfRowsMayLieBesideOneAnother) {
  builder_.add("a.weight", "F8_E4M3", {2, 3}, Bytes(6, one));
  builder_.add("a.weight_scale", "F32", {1, 2}, std::vector<float>{1, 2});
  EXPECT_EQ(layer().stored_as(), "F8_E4M3 per row");
  EXPECT_THAT(weights(), ElementsAre(1, 1, 1, 2, 2, 2));
}

TEST_F(ScaledCodesTest, BlocksOfModelOptAre128Wide) {
  const auto add = [&](const std::vector<std::int64_t>& shape) {
    builder_ = {};
    builder_.add("a.weight", "F8_E4M3", {130, 256}, Bytes(std::size_t{130} * 256, one));
    builder_.add("a.weight_scale", "F32", shape, std::vector<float>{1, 2, 3, 4});
  };
  add({2, 1, 2, 1});
  EXPECT_EQ(layer().stored_as(), "F8_E4M3 block 128x128");
  EXPECT_THAT(block({127, 2, 127, 2}), ElementsAre(1, 2, 3, 4));
  add({2, 2});
  for (const char* config :
       {R"({"quantization_config": {"quant_algo": "FP8_PB_WO"}})",
        R"({"quantization_config": {"quantized_layers": {"a": {"quant_algo": "FP8_PB_WO"}}}})"}) {
    layer(config);
    EXPECT_THAT(block({127, 2, 127, 2}), ElementsAre(1, 2, 3, 4)) << config;
  }
  write_file("hf_quant_config.json", R"({"quantization": {"quant_algo": "FP8_PB_WO"}})");
  layer("{}");
  EXPECT_THAT(block({127, 2, 127, 2}), ElementsAre(1, 2, 3, 4)) << "config.json says nothing";
  add({4, 1, 1, 1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale: expected [2, 1, 2, 1], found F32 [4, 1, 1, 1]");
}

TEST_F(ScaledCodesTest, ThatInputsAreScaledBeforeIsSaid) {
  builder_.add("a.weight", "U8", {1, 8}, Bytes(8, 0x22));
  builder_.add("a.weight_scale", "F8_E4M3", {1, 1}, Bytes{one});
  builder_.add("a.weight_scale_2", "F32", {}, std::vector<float>{1});
  builder_.add("a.pre_quant_scale", "BF16", {16});
  const CapturedLog log;
  EXPECT_EQ(layer().stored_as(), "nvfp4 per row (inputs scaled)");
  EXPECT_THAT(log.text(), HasSubstr("(pre_quant_scale): of 1 layer"));
  EXPECT_THAT(weights(), Each(1));
}

TEST_F(ScaledCodesTest, ScalesOfTheTensorBesideFp8AreRefused) {
  builder_.add("a.weight", "F8_E4M3", {1, 2}, Bytes{one, one});
  builder_.add("a.weight_scale", "F32", {1}, std::vector<float>{1});
  builder_.add("a.weight_scale_2", "F32", {1}, std::vector<float>{1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale_2 beside F8_E4M3 is not read");
}

TEST_F(ScaledCodesTest, ThePartnerThatIsMissingIsNamed) {
  builder_.add("a.weight", "I8", {4, 8});
  layer();
  EXPECT_EQ(refusal(), "codes without scales: expected weight_scale or SCB beside them");
  builder_ = {};
  builder_.add("a.weight", "U8", {1, 8});
  builder_.add("a.weight_scale_2", "F32", {});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale is missing");
  builder_ = {};
  builder_.add("a.weight_packed", "U8", {1, 8});
  builder_.add("a.weight_scale", "BF16", {1, 1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale: expected F8_E4M3 (NVFP4) or U8 (MXFP4), found BF16 [1, 1]");
}

TEST_F(ScaledCodesTest, ScalesThatAreNoNumbersOfThatKindAreRefused) {
  builder_.add("a.weight", "F8_E4M3", {4, 8});
  builder_.add("a.weight_scale", "I32", {1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale: expected F32, F16, BF16, F8_E8M0, U8 or F8_E4M3, found I32 [1]");
}

TEST_F(ScaledCodesTest, NegativeAndInfiniteScalesAreRefused) {
  for (const float scale :
       {-1.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    builder_ = {};
    builder_.add("a.weight", "F8_E4M3", {2, 1}, Bytes{one, one});
    builder_.add("a.weight_scale", "F32", {2, 1}, std::vector<float>{1, scale});
    layer();
    EXPECT_THAT(refusal_of_values(), HasSubstr("a.weight_scale: expected scales of at least 0, found"));
    EXPECT_THAT(refusal_of_values(), HasSubstr("at (1, 0)"));
  }
}

TEST_F(ScaledCodesTest, ScalesInBytesThatAreNanAreRefused) {
  builder_.add("a.weight", "F8_E4M3", {1, 1}, Bytes{one});
  builder_.add("a.weight_scale", "U8", {1}, Bytes{255});
  layer();
  EXPECT_EQ(refusal_of_values(), "a.weight_scale: expected scales of at least 0, found nan at (0, 0)");
  builder_ = {};
  builder_.add("a.weight", "U8", {1, 8});
  builder_.add("a.weight_scale", "F8_E4M3", {1, 1}, Bytes{0x7F});
  builder_.add("a.weight_scale_2", "F32", {}, std::vector<float>{1});
  layer();
  EXPECT_EQ(refusal_of_values(), "a.weight_scale: expected scales of at least 0, found nan at (0, 0)");
}

TEST_F(ScaledCodesTest, ScalesOfNvfp4AreRequiredAndThatOfTheTensorIsPositive) {
  builder_.add("a.weight_packed", "U8", {1, 8});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale is missing");
  builder_.add("a.weight_scale", "F8_E4M3", {1, 1}, Bytes{one});
  layer();
  EXPECT_EQ(refusal(), "a.weight_global_scale is missing");
  builder_.add("a.weight_global_scale", "F32", {1}, std::vector<float>{0});
  layer();
  EXPECT_EQ(refusal_of_values(), "a.weight_global_scale: expected a positive number, found 0");
}

TEST_F(ScaledCodesTest, GroupsThatAreNot16WideAreNoNvfp4) {
  builder_.add("a.weight", "U8", {1, 8});
  builder_.add("a.weight_scale", "F8_E4M3", {1, 2});
  builder_.add("a.weight_scale_2", "F32", {});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale: expected [1, 16 / 16], found F8_E4M3 [1, 2]");
}

TEST_F(ScaledCodesTest, PackedIntegersWithoutPartnersAreRefused) {
  builder_.add("a.weight_packed", "I32", {1, 1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_shape is missing");
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{1, 8});
  layer();
  EXPECT_EQ(refusal(), "a.weight_scale is missing");
}

TEST_F(ScaledCodesTest, ATruncatedPackingIsRefused) {
  builder_.add("a.weight_packed", "I32", {1, 3});
  builder_.add("a.weight_scale", "F32", {1, 1});
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{1, 32});
  layer(R"({"quantization_config": {"config_groups": {"g": {"weights": {"num_bits": 4}}}}})");
  EXPECT_EQ(
      refusal(),
      "a.weight_packed: expected a width that says how 32 integers of 4 bits are packed, found I32 [1, 3]");
}

TEST_F(ScaledCodesTest, ZeroPointsOfAnotherShapeAreRefused) {
  builder_.add("a.weight_packed", "I32", {9, 1});
  builder_.add("a.weight_scale", "F32", {9, 1});
  builder_.add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{9, 8});
  builder_.add("a.weight_zero_point", "I32", {1, 1});
  layer();
  EXPECT_EQ(refusal(), "a.weight_zero_point: expected I32 [2, 1], 9 of 4 bits a column, found I32 [1, 1]");
}

}  // namespace
}  // namespace alphahill
