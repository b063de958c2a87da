#include "alphahill/checkpoint/layer_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A 3 x 4 layer of the values 0, 1, ..., 11, at an odd offset.
class LayerWeightsTest : public testing::Test {
 protected:
  LayerWeightsTest() {
    std::vector<float> values(12);
    std::iota(values.begin(), values.end(), 0.0F);
    CheckpointBuilder builder;
    builder.add("flag", "U8", {1}).add("a.weight", "F32", {3, 4}, values).add("b", "U8", {1});
    builder.write(folder_.path());
    folder_.write("config.json", "{}");
    catalog_ = open_catalog(folder_.path(), "");
  }
  std::vector<float> read(std::int64_t row, std::int64_t rows, std::int64_t col, std::int64_t cols) const {
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    weights().source().read({row, rows, col, cols}, std::as_writable_bytes(std::span(values)));
    return values;
  }
  LayerWeights weights() const { return {catalog_, catalog_.layers.at(0)}; }
  std::filesystem::path path() const { return folder_.path() / "model.safetensors"; }
  std::string refusal() const {
    const auto error = thrown_by([&] { weights(); });
    return error ? error->what() : "nothing was thrown";
  }

  TemporaryFolder folder_;
  Catalog catalog_;
};

TEST_F(LayerWeightsTest, RowsAreRead) {
  EXPECT_THAT(read(1, 2, 0, 4), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));
}

TEST_F(LayerWeightsTest, AColumnPanelIsReadWithoutGaps) {
  EXPECT_THAT(read(0, 3, 0, 2), ElementsAre(0, 1, 4, 5, 8, 9));
  EXPECT_THAT(read(1, 2, 3, 1), ElementsAre(7, 11));
}

/// As the gate's rows of fused experts, or every second column.
TEST_F(LayerWeightsTest, APartOfATensorIsReadByItsStrides) {
  Plain& plain = std::get<Plain>(catalog_.layers[0].layout);
  plain.weights = {
      .file = 0, .offset = plain.weights.offset + 4, .rows = 2, .cols = 2, .row_stride = 8, .col_stride = 2};
  EXPECT_THAT(read(0, 2, 0, 2), ElementsAre(1, 3, 9, 11));
  EXPECT_THAT(read(1, 1, 1, 1), ElementsAre(11));
}

TEST_F(LayerWeightsTest, ABlockOfNothingIsRead) {
  EXPECT_TRUE(read(3, 0, 0, 4).empty());
  EXPECT_TRUE(read(0, 3, 4, 0).empty());
}

TEST_F(LayerWeightsTest, ABlockOutsideTheLayerOrOfAnotherSizeIsRefused) {
  std::vector<std::byte> bytes(16);
  EXPECT_THROW(weights().source().read({3, 1, 0, 4}, bytes), Error);
  EXPECT_THROW(weights().source().read({0, 1, 1, 4}, bytes), Error);
  EXPECT_THROW(weights().source().read({0, 2, 0, 4}, bytes), Error);
}

TEST_F(LayerWeightsTest, AFileOfAnotherSizeWasReplaced) {
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 1);
  EXPECT_THAT(refusal(), HasSubstr("model.safetensors: the file was changed or replaced"));
}

TEST_F(LayerWeightsTest, AFileOfAnotherTimeWasReplaced) {
  std::filesystem::last_write_time(path(),
                                   std::filesystem::last_write_time(path()) + std::chrono::nanoseconds(1));
  EXPECT_THAT(refusal(), HasSubstr("model.safetensors: the file was changed or replaced"));
}

TEST_F(LayerWeightsTest, AFileThatChangesWhileItIsReadIsNoticed) {
  const LayerWeights open_weights = weights();
  EXPECT_FALSE(thrown_by([&] { open_weights.check_unchanged(); }));
  std::filesystem::last_write_time(path(),
                                   std::filesystem::last_write_time(path()) + std::chrono::nanoseconds(1));
  const auto error = thrown_by([&] { open_weights.check_unchanged(); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), HasSubstr("model.safetensors: the file was changed or replaced"));
}

TEST_F(LayerWeightsTest, AFileThatIsCutWhileItIsReadGivesAnError) {
  const LayerWeights open_weights = weights();
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 5);
  std::vector<std::byte> bytes(48);
  const auto error = thrown_by([&] { open_weights.source().read({0, 3, 0, 4}, bytes); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_THAT(error->what(), HasSubstr("expected 48 bytes"));
}

}  // namespace
}  // namespace alphahill
