#include "alphahill/checkpoint/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alphahill/base/bytes.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() { folder_.write("config.json", "{}"); }
  Catalog open(const std::string& filter = "") const { return open_catalog(folder_.path(), filter); }
  std::vector<std::string> names(const std::string& filter = "") const {
    std::vector<std::string> found;
    for (const Layer& layer : open(filter).layers) found.push_back(layer.name);
    return found;
  }

  TemporaryFolder folder_;
  CheckpointBuilder builder_;
};

TEST_F(CatalogTest, ALayerKnowsWhereItsBytesLie) {
  builder_.add("norm.weight", "F32", {4}).add("a.weight", "F16", {2, 3}).write(folder_.path());
  const Catalog catalog = open();
  ASSERT_EQ(catalog.layers.size(), 1U);
  const Layer& layer = catalog.layers[0];
  EXPECT_EQ(layer.stored_dtype, "F16");
  const auto& plain = std::get<Plain>(layer.layout);
  EXPECT_EQ(plain.format, ElementFormat::fp16);
  EXPECT_EQ(plain.weights.rows, 2);
  EXPECT_EQ(plain.weights.cols, 3);
  EXPECT_EQ(plain.weights.row_stride, 3);
  EXPECT_EQ(plain.weights.offset, catalog.files[0].size - 12) << "the last tensor of the file";
  EXPECT_EQ(layer.unsupported(), nullptr);
}

TEST_F(CatalogTest, ATransposedLayerKeepsItsStoredRowsAndColumns) {
  folder_.write("config.json", R"({"model_type": "gpt2"})");
  builder_.add("h.0.mlp.c_fc.weight", "F32", {2, 8}).write(folder_.path());
  const Layer layer = open().layers.at(0);
  EXPECT_EQ(layer.out_features, 8);
  EXPECT_EQ(layer.in_features, 2);
  EXPECT_EQ(layer.shape().rows, 2);
  EXPECT_EQ(layer.shape().cols, 8);
  EXPECT_TRUE(layer.shape().transposed);
}

TEST_F(CatalogTest, ATiedHeadPointsAtTheBytesOfTheEmbedding) {
  folder_.write("config.json", R"({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})");
  builder_.add("h.0.ln.weight", "F32", {8}).add("wte.weight", "F32", {9, 2}).write(folder_.path());
  const Catalog catalog = open();
  EXPECT_EQ(catalog.layers.at(0).name, "lm_head");
  EXPECT_EQ(std::get<Plain>(catalog.layers.at(0).layout).weights.offset, catalog.files[0].size - 9 * 2 * 4);
}

TEST_F(CatalogTest, WithoutAnArchitectureNoHeadIsTied) {
  builder_.add("wte.weight", "F32", {9, 2}).add("a.weight", "F32", {2, 2}).write(folder_.path());
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(CatalogTest, EveryFormatThatCanBeAnalysedIsKnown) {
  builder_.add("a.weight", "F64", {2, 2}).add("b.weight", "F32", {2, 2});
  builder_.add("c.weight", "F16", {2, 2}).add("d.weight", "BF16", {2, 2}).write(folder_.path());
  std::vector<ElementFormat> formats;
  for (const Layer& layer : open().layers) formats.push_back(layer.shape().values);
  EXPECT_THAT(formats, ElementsAre(ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                   ElementFormat::bf16));
}

TEST_F(CatalogTest, FilesWithoutALayerAreNotListed) {
  builder_.add("norm.weight", "F32", {4}).add("a.weight", "F32", {2, 2}).add("b.weight", "F32", {2, 2});
  builder_.write_shards(folder_.path(), 3);
  const Catalog all = open();
  ASSERT_EQ(all.files.size(), 2U);
  EXPECT_EQ(all.files[0].name, "model-00002-of-00003.safetensors");
  EXPECT_EQ(first_file(all.layers[1].layout), 1);
  const Catalog filtered = open("^b$");
  ASSERT_EQ(filtered.files.size(), 1U);
  EXPECT_EQ(filtered.files[0].name, "model-00003-of-00003.safetensors");
  EXPECT_EQ(first_file(filtered.layers[0].layout), 0);
}

TEST_F(CatalogTest, ACatalogSurvivesTheWayToAnotherRank) {
  builder_.add("a.weight", "F32", {2, 3}).add("b.weight", "I8", {2, 3}).write(folder_.path());
  const Catalog catalog = open();
  EXPECT_EQ(to_bytes(from_bytes<Catalog>(to_bytes(catalog), "test")), to_bytes(catalog));
}

TEST_F(CatalogTest, NamesThatDifferOnlyInCaseAreTwoLayers) {
  builder_.add("a.weight", "F32", {2, 2}).add("A.weight", "F32", {2, 2}).write(folder_.path());
  EXPECT_THAT(names(), ElementsAre("A", "a"));
}

TEST_F(CatalogTest, NamesAreSafeToShow) {
  builder_.add("\x1b[2J\n../=x.weight", "F32", {2, 2}).write(folder_.path());
  EXPECT_THAT(names(), ElementsAre("\\x1b[2J\\x0a../=x"));
}

TEST_F(CatalogTest, AWeightOfNothingIsNoLayer) {
  builder_.add(".weight", "F32", {2, 2}).add("", "F32", {2, 2}).add("a.weight", "F32", {2, 2});
  builder_.write(folder_.path());
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(CatalogTest, ZeroSizeLayersHaveTheirShape) {
  builder_.add("a.weight", "F32", {0, 5}).add("b.weight", "F32", {5, 0}).write(folder_.path());
  const Catalog catalog = open();
  EXPECT_EQ(catalog.layers[0].out_features, 0);
  EXPECT_EQ(catalog.layers[0].in_features, 5);
  EXPECT_EQ(catalog.layers[1].numel(), 0);
}

TEST_F(CatalogTest, NumbersOfBlocksCompareAsNumbersAtAnyLength) {
  for (const std::string block : {"10", "9", "100000000000000000000000", "010"}) {
    builder_.add("layers." + block + ".a.weight", "F32", {2, 2});
  }
  builder_.write(folder_.path());
  EXPECT_THAT(names(),
              ElementsAre("layers.9.a", "layers.010.a", "layers.10.a", "layers.100000000000000000000000.a"));
}

TEST_F(CatalogTest, OtherLayersOfABlockFollowByNameAsPeopleCount) {
  for (const char* name : {"layers.0.z", "layers.0.mlp.10", "layers.0.mlp.9", "layers.0.mlp.up_proj", "a"}) {
    builder_.add(std::string(name) + ".weight", "F32", {2, 2});
  }
  builder_.write(folder_.path());
  EXPECT_THAT(names(),
              ElementsAre("layers.0.mlp.up_proj", "layers.0.mlp.9", "layers.0.mlp.10", "layers.0.z", "a"));
}

TEST_F(CatalogTest, TheFilterIsFoundAnywhereInAName) {
  builder_.add("m.layers.0.q_proj.weight", "F32", {2, 2}).add("m.layers.1.q_proj.weight", "F32", {2, 2});
  builder_.add("m.layers.1.k_proj.weight", "F32", {2, 2}).write(folder_.path());
  EXPECT_THAT(names("q_proj"), ElementsAre("m.layers.0.q_proj", "m.layers.1.q_proj"));
  EXPECT_THAT(names(R"(layers\.(?!0).*(q|k)_proj$)"), ElementsAre("m.layers.1.q_proj", "m.layers.1.k_proj"));
}

TEST_F(CatalogTest, AFilterWithACommentIsRefused) {
  builder_.add("a.weight", "F32", {2, 2}).write(folder_.path());
  const auto error = thrown_by([&] { open("a?+(?#c)b"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::usage);
  EXPECT_THAT(error->what(), StartsWith("--filter-layers: 'a?+(?#c)b': comments"));
}

TEST_F(CatalogTest, ABrokenFilterIsWrongUsage) {
  builder_.add("a.weight", "F32", {2, 2}).write(folder_.path());
  const auto error = thrown_by([&] { open("("); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::usage);
  EXPECT_THAT(error->what(), StartsWith("--filter-layers: '(': "));
}

TEST_F(CatalogTest, AFilterThatTakesTooLongIsWrongUsage) {
  builder_.add(std::string(60, 'a') + ".weight", "F32", {2, 2}).write(folder_.path());
  const auto error = thrown_by([&] { open("(a*)*(a*)*(a*)*b"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::usage);
  EXPECT_THAT(error->what(), HasSubstr("complexity"));
}

TEST_F(CatalogTest, AFilterThatMatchesNoLayerIsWrongUsage) {
  builder_.add("a.weight", "F32", {2, 2}).add("b.weight", "F32", {2, 2}).write(folder_.path());
  const auto error = thrown_by([&] { open("no_such"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::usage);
  EXPECT_STREQ(error->what(),
               "--filter-layers: 'no_such' is in none of the names of the 2 layers; the first is a");
}

TEST_F(CatalogTest, ACheckpointWithoutLayersIsRefused) {
  builder_.add("norm.weight", "F32", {4}).add("wte.weight", "F32", {9, 2}).write(folder_.path());
  const auto error = thrown_by([&] { open(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_THAT(error->what(), EndsWith("no Linear layers: expected 2-D tensors called *.weight"));
}

TEST_F(CatalogTest, AMissingConfigIsAccepted) {
  std::filesystem::remove(folder_.path() / "config.json");
  builder_.add("a.weight", "F32", {2, 2}).write(folder_.path());
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(CatalogTest, ABrokenConfigIsRefused) {
  builder_.add("a.weight", "F32", {2, 2}).write(folder_.path());
  folder_.write("config.json", "{");
  const auto error = thrown_by([&] { open(); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_THAT(error->what(), HasSubstr("/config.json: not valid JSON"));
}

TEST_F(CatalogTest, TheFingerprintChangesWithTheConfigButNotWithTheFilter) {
  builder_.add("a.weight", "F32", {2, 2}).add("b.weight", "F32", {2, 2}).write(folder_.path());
  const std::string without = open().fingerprint;
  EXPECT_EQ(open("a").fingerprint, without);
  folder_.write("config.json", R"({"model_type": "llama"})");
  EXPECT_NE(open().fingerprint, without);
}

}  // namespace
}  // namespace alphahill
