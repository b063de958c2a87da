#include "checkpoint/headers/checkpoint_headers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/captured_log.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto index_name = "model.safetensors.index.json";

std::string folder_refusal(const TemporaryFolder& folder) {
  const auto error = thrown_by([&] { read_checkpoint_headers(folder.path()); });
  return error ? error->what() : "nothing was thrown";
}

std::vector<std::string> names_of(const CheckpointHeaders& headers) {
  std::vector<std::string> names;
  for (const StoredTensor& tensor : headers.tensors) names.push_back(tensor.name);
  return names;
}

CheckpointBuilder two_tensors() {
  CheckpointBuilder builder;
  builder.add("b", "F32", {2, 3}).add("a", "U8", {5});
  return builder;
}

TEST(CheckpointHeaders, OneFileIsReadWhole) {
  const TemporaryFolder folder;
  two_tensors().write(folder.path());
  const CheckpointHeaders headers = read_checkpoint_headers(folder.path());
  EXPECT_THAT(names_of(headers), ElementsAre("a", "b"));
  ASSERT_EQ(headers.files.size(), 1U);
  EXPECT_EQ(headers.files[0].name, "model.safetensors");
  EXPECT_EQ(headers.files[0].size,
            static_cast<std::int64_t>(std::filesystem::file_size(folder.path() / "model.safetensors")));
}

TEST(CheckpointHeaders, ShardsAreReadAsTheIndexSays) {
  const TemporaryFolder folder;
  two_tensors().write_shards(folder.path(), 2);
  const CheckpointHeaders headers = read_checkpoint_headers(folder.path());
  EXPECT_THAT(names_of(headers), ElementsAre("a", "b"));
  EXPECT_EQ(headers.files[static_cast<std::size_t>(headers.find("a")->file)].name,
            "model-00002-of-00002.safetensors");
  EXPECT_EQ(headers.files[static_cast<std::size_t>(headers.find("b")->file)].name,
            "model-00001-of-00002.safetensors");
}

TEST(CheckpointHeaders, OneFileGoesBeforeAnIndexAndOtherFilesAreNotRead) {
  const TemporaryFolder folder;
  folder.write(index_name, "broken");
  folder.write("consolidated.safetensors", "broken");
  two_tensors().write(folder.path());
  EXPECT_THAT(names_of(read_checkpoint_headers(folder.path())), ElementsAre("a", "b"));
}

TEST(CheckpointHeaders, OneFileBesideAnIndexIsWarnedOf) {
  const CapturedLog log;
  const TemporaryFolder folder;
  two_tensors().write(folder.path());
  two_tensors().write_shards(folder.path(), 2);
  EXPECT_EQ(read_checkpoint_headers(folder.path()).files.size(), 1U);
  EXPECT_THAT(log.text(), StartsWith("warning: " + folder.path().string() +
                                     ": model.safetensors is read, as transformers does, and "
                                     "model.safetensors.index.json with the shards that it names is not\n"));
}

/// The shards s1 with a and b, and s2 with c, under this map of the index.
class ShardsUnderAnIndex : public testing::Test {
 protected:
  ShardsUnderAnIndex() {
    add_shard("s1", {"a", "b"});
    add_shard("s2", {"c"});
  }
  void add_shard(const std::string& name, const std::vector<std::string>& tensors) {
    CheckpointBuilder builder;
    for (const std::string& tensor : tensors) builder.add(tensor, "U8", {5});
    builder.write(folder_.path());
    std::filesystem::rename(folder_.path() / "model.safetensors", folder_.path() / name);
  }
  /// "a s1 b s1 c s2", and what is logged.
  std::string read_under(const std::string& map) {
    folder_.write(index_name, R"({"weight_map": )" + map + "}");
    const CheckpointHeaders headers = read_checkpoint_headers(folder_.path());
    std::string found;
    for (const StoredTensor& tensor : headers.tensors) {
      found += tensor.name + " " + headers.files[static_cast<std::size_t>(tensor.file)].name + " ";
    }
    return found;
  }

  const TemporaryFolder folder_;
  const CapturedLog log_;
};

TEST_F(ShardsUnderAnIndex, AreReadSilentlyWhereItIsRight) {
  EXPECT_EQ(read_under(R"({"a": "s1", "b": "s1", "c": "s2"})"), "a s1 b s1 c s2 ");
  EXPECT_EQ(log_.text(), "");
}

TEST_F(ShardsUnderAnIndex, SayWhatThereIsWithOneWarning) {
  EXPECT_EQ(read_under(R"({"a": "s2", "c": "s2", "x": "s1", "y": "s1"})"), "a s1 b s1 c s2 ");
  EXPECT_EQ(log_.text(),
            "warning: " + (folder_.path() / index_name).string() +
                ": the headers of its files say otherwise, and are followed: 2 tensors that it names "
                "in no file ('x', ...), 1 tensor in another file than it says ('a'), 1 tensor that it "
                "does not name ('b')\n");
}

TEST_F(ShardsUnderAnIndex, HoldATensorTwiceAndTheIndexSaysWhichCounts) {
  add_shard("s2", {"a", "c"});
  EXPECT_EQ(read_under(R"({"a": "s2", "b": "s1", "c": "s2"})"), "a s2 b s1 c s2 ");
  EXPECT_EQ(log_.text(), "");
  EXPECT_EQ(read_under(R"({"b": "s1", "c": "s2"})"), "a s1 b s1 c s2 ");
  EXPECT_THAT(log_.text(),
              EndsWith("1 tensor that it does not name ('a'), 1 tensor in several files ('a')\n"));
}

TEST(CheckpointHeaders, AShardThatTheIndexDoesNotNameIsReadWithAWarning) {
  const TemporaryFolder folder;
  two_tensors().write_shards(folder.path(), 2);
  folder.write("other-00001-of-00002.safetensors", "broken");
  folder.write("model-00001-of-00003.safetensors", "broken");
  folder.write(index_name, R"({"weight_map": {"b": "model-00001-of-00002.safetensors"}})");
  const CapturedLog log;
  EXPECT_THAT(names_of(read_checkpoint_headers(folder.path())), ElementsAre("a", "b"));
  EXPECT_THAT(log.text(), HasSubstr("1 of its shards that it does not name is read too: "
                                    "model-00002-of-00002.safetensors\n"));
  EXPECT_THAT(log.text(), Not(HasSubstr("missing")));
}

TEST(CheckpointHeaders, AShardThatIsNeitherNamedNorThereIsWarnedOf) {
  const TemporaryFolder folder;
  two_tensors().write_shards(folder.path(), 2);
  folder.write(index_name, R"({"weight_map": {"b": "model-00001-of-00002.safetensors"}})");
  std::filesystem::remove(folder.path() / "model-00002-of-00002.safetensors");
  const CapturedLog log;
  EXPECT_THAT(names_of(read_checkpoint_headers(folder.path())), ElementsAre("b"));
  EXPECT_THAT(log.text(), HasSubstr("1 file called model-*-of-00002.safetensors is neither named nor there: "
                                    "layers may be missing\n"));
}

TEST(CheckpointHeaders, AFileIsReadAlone) {
  const TemporaryFolder folder;
  two_tensors().write_shards(folder.path(), 2);
  const CapturedLog log;
  const auto file = folder.path() / "model-00002-of-00002.safetensors";
  EXPECT_THAT(names_of(read_checkpoint_headers(file)), ElementsAre("a"));
  EXPECT_EQ(log.text(),
            "warning: " + file.string() + ": one of 2 shards; the layers in the others are left out\n");
}

TEST(CheckpointHeaders, AFileOfAnotherKindIsRefused) {
  const TemporaryFolder folder;
  const auto error = thrown_by([&] { read_checkpoint_headers(folder.write("model.gguf", "")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_THAT(error->what(), EndsWith("model.gguf: expected a folder or a file called *.safetensors"));
}

class OtherNames : public testing::Test {
 protected:
  void add(const std::string& name) {
    two_tensors().write(folder_.path());
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::filesystem::rename(folder_.path() / "model.safetensors", folder_.path() / name);
  }
  const TemporaryFolder folder_;
  const CapturedLog log_;
};

TEST_F(OtherNames, ASingleFileIsReadWithALineThatSaysSo) {
  for (const std::string name : {"diffusion_pytorch_model.safetensors", "model.fp16.safetensors",
                                 "consolidated.safetensors", "model-00001-of-00001.safetensors"}) {
    add(name);
    EXPECT_EQ(read_checkpoint_headers(folder_.path()).files.at(0).name, name);
    EXPECT_THAT(log_.text(), EndsWith(": " + name +
                                      " is read, since there is neither model.safetensors nor "
                                      "model.safetensors.index.json\n"));
    std::filesystem::remove(folder_.path() / name);
  }
}

TEST_F(OtherNames, ASingleIndexIsReadWithALineThatSaysSo) {
  add("diffusion_pytorch_model-00001-of-00002.safetensors");
  add("s2.safetensors");
  const std::string index = "diffusion_pytorch_model.safetensors.index.json";
  folder_.write(index, R"({"weight_map": {"a": "s2.safetensors", "b": "s2.safetensors"}})");
  EXPECT_EQ(read_checkpoint_headers(folder_.path()).files.at(0).name, "s2.safetensors");
  EXPECT_THAT(log_.text(), HasSubstr("info: " + folder_.path().string() + ": " + index + " is read, since"));
}

TEST_F(OtherNames, SeveralFilesWithoutAnIndexAreNamed) {
  add("model.fp16.safetensors");
  add("model.fp32.safetensors");
  EXPECT_THAT(folder_refusal(folder_),
              EndsWith("found files without an index of other names, of which any may be meant: "
                       "model.fp16.safetensors, model.fp32.safetensors; one of them by --model " +
                       (folder_.path() / "model.fp16.safetensors").string()));
}

TEST_F(OtherNames, AShardWithoutItsIndexIsRefused) {
  add("model-00002-of-00003.safetensors");
  EXPECT_THAT(
      folder_refusal(folder_),
      EndsWith("model-00002-of-00003.safetensors is one of 3 shards, and there is no index of them: was the "
               "download interrupted?"));
}

TEST_F(OtherNames, TheModelsOfAPipelineAreNamedWhereItsRootHoldsNone) {
  add("unet/diffusion_pytorch_model.safetensors");
  add("text_encoder/model.safetensors");
  std::filesystem::create_directories(folder_.path() / "scheduler");
  EXPECT_THAT(folder_refusal(folder_),
              EndsWith("found neither; models are in its sub-folders text_encoder, unet: --model " +
                       (folder_.path() / "text_encoder").string()));
  EXPECT_EQ(read_checkpoint_headers(folder_.path() / "unet").tensors.size(), 2U);
}

TEST_F(OtherNames, TheModelsBelowTheFirstOfAPipelineAreNamed) {
  add("2_Dense/model.safetensors");
  two_tensors().write(folder_.path());
  read_checkpoint_headers(folder_.path());
  EXPECT_EQ(log_.text(), "") << "any folder may have others in it";
  folder_.write("modules.json", "[]");
  read_checkpoint_headers(folder_.path());
  EXPECT_THAT(log_.text(), HasSubstr("not read are the models in the sub-folders 2_Dense of this pipeline"));
}

TEST(CheckpointHeaders, AGitLfsPointerIsCalledOne) {
  constexpr std::string_view pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n";
  for (const char* name : {"model.safetensors", index_name}) {
    const TemporaryFolder folder;
    folder.write(name, pointer);
    EXPECT_THAT(folder_refusal(folder),
                EndsWith(std::string("/") + name +
                         ": a git-lfs pointer in the place of the file: 'git lfs pull' in the "
                         "repository fetches it"));
  }
}

TEST(CheckpointHeaders, SymbolicLinksOutOfTheFolderAreFollowed) {
  const TemporaryFolder folder;
  const auto snapshot = folder.path() / "snapshots" / "abc";
  std::filesystem::create_directories(snapshot);
  std::filesystem::create_directories(folder.path() / "blobs");
  two_tensors().write(folder.path() / "blobs");
  std::filesystem::create_symlink("../../blobs/model.safetensors", snapshot / "model.safetensors");
  EXPECT_EQ(read_checkpoint_headers(snapshot).tensors.size(), 2U);
}

/// Of a checkpoint whose files were changed at a time.
std::string fingerprint_of(const CheckpointBuilder& builder, std::size_t shards,
                           std::filesystem::file_time_type written = {}) {
  const TemporaryFolder folder;
  builder.write_shards(folder.path(), shards);
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) last_write_time(file, written);
  return read_checkpoint_headers(folder.path()).fingerprint.hex();
}

TEST(CheckpointHeaders, TheFingerprintTellsNamesSizesAndHeaders) {
  const std::string original = fingerprint_of(two_tensors(), 1);
  EXPECT_EQ(original.size(), 16U);
  EXPECT_EQ(fingerprint_of(two_tensors(), 1), original);
  EXPECT_NE(fingerprint_of(two_tensors(), 2), original);
  EXPECT_NE(fingerprint_of(two_tensors().add("c", "U8", {1}), 1), original);
}

TEST(CheckpointHeaders, TheFingerprintOfACopyIsTheSameWhateverItsTimes) {
  const std::filesystem::file_time_type later{std::chrono::nanoseconds(1)};
  EXPECT_EQ(fingerprint_of(two_tensors(), 1, later), fingerprint_of(two_tensors(), 1));
}

/// 100,000 weights: blocks of 4 KiB are sampled, the first and the last among them.
TEST(CheckpointHeaders, TheFingerprintTellsWeightsInSampledBlocks) {
  std::vector<float> weights(100'000);
  const auto fingerprint = [&] {
    CheckpointBuilder builder;
    builder.add("a.weight", "F32", {250, 400}, weights);
    return fingerprint_of(builder, 1);
  };
  const std::string original = fingerprint();
  for (const std::size_t changed : {std::size_t{10}, weights.size() - 1}) {
    weights[changed] = 1;
    EXPECT_NE(fingerprint(), original) << changed;
    weights[changed] = 0;
  }
  EXPECT_EQ(fingerprint(), original);
}

TEST(CheckpointHeaders, AnEmptyFolderSaysWhatWasLookedFor) {
  const TemporaryFolder folder;
  EXPECT_THAT(folder_refusal(folder),
              EndsWith("expected model.safetensors or model.safetensors.index.json, found neither"));
}

TEST(CheckpointHeaders, OtherFormatsAreNamedAsUnread) {
  for (const std::string name : {"pytorch_model.bin", "model.pt", "model.pth", "model.Q4_K_M.gguf"}) {
    const TemporaryFolder folder;
    folder.write(name, "");
    EXPECT_THAT(folder_refusal(folder),
                EndsWith("found neither (" + name + " is there, but only safetensors is read)"));
  }
}

TEST(CheckpointHeaders, ALoraAdapterIsRefused) {
  const TemporaryFolder folder;
  folder.write("adapter_config.json", "{}");
  folder.write("adapter_model.safetensors", safetensors_bytes("{}"));
  EXPECT_THAT(folder_refusal(folder), HasSubstr("a LoRA adapter, not a model"));
}

TEST(CheckpointHeaders, AModelBesideAnAdapterIsRead) {
  const TemporaryFolder folder;
  folder.write("adapter_config.json", "{}");
  two_tensors().write(folder.path());
  EXPECT_EQ(read_checkpoint_headers(folder.path()).tensors.size(), 2U);
}

TEST(CheckpointHeaders, ABrokenHeaderIsRefusedWithItsPath) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", safetensors_bytes("weights"));
  EXPECT_THAT(folder_refusal(folder), EndsWith("/model.safetensors: header: expected a JSON object"));
}

TEST(CheckpointHeaders, FifosAndDevicesAreRefusedWithoutBlocking) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(folder_refusal(folder), EndsWith("model.safetensors: expected a regular file"));
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/zero", path);
  EXPECT_THAT(folder_refusal(folder), EndsWith("model.safetensors: expected a regular file"));
}

TEST(CheckpointHeaders, MissingShardsAreCountedBeforeAnyIsRead) {
  const TemporaryFolder folder;
  folder.write("s1", "broken");
  folder.write(index_name, R"({"weight_map": {"a": "s1", "b": "s3", "c": "s2"}})");
  EXPECT_THAT(
      folder_refusal(folder),
      EndsWith("model.safetensors.index.json: 2 of the 3 files that it names are missing, the first is 's2': "
               "was the download interrupted?"));
}

TEST(CheckpointHeaders, AnIncompleteSnapshotOfTheHubsCacheSaysHowToCompleteIt) {
  const TemporaryFolder folder;
  const std::string snapshot = "models--org--name/snapshots/abc";
  const std::string command =
      "; to complete the download: hf download org/name --include \"*.safetensors\" \"*.json\" --revision "
      "abc";
  folder.write(snapshot + "/config.json", "{}");
  const auto refusal = [&] {
    return thrown_by([&] { read_checkpoint_headers(folder.path() / snapshot); }).value();
  };
  EXPECT_THAT(refusal().what(), EndsWith("found neither" + command));
  folder.write(snapshot + "/" + index_name, R"({"weight_map": {"a": "s1"}})");
  EXPECT_THAT(refusal().what(), EndsWith("was the download interrupted?" + command));
}

TEST(CheckpointHeaders, AnIndexOverTheLimitIsRefused) {
  const TemporaryFolder folder;
  std::filesystem::resize_file(folder.write(index_name, ""), 70'000'001);
  EXPECT_THAT(folder_refusal(folder),
              EndsWith("model.safetensors.index.json: 70000001 bytes, expected at most 70000000"));
}

struct BadIndex {
  std::string name;
  std::string json;
  std::string what;
};

void PrintTo(const BadIndex& bad, std::ostream* out) {
  *out << bad.json.substr(0, 200);
}

class RefusedIndex : public testing::TestWithParam<BadIndex> {};

TEST_P(RefusedIndex, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  folder.write("s", safetensors_bytes("{}"));
  folder.write(index_name, GetParam().json);
  EXPECT_THAT(folder_refusal(folder), HasSubstr(std::string("/") + index_name + ": " + GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    CheckpointHeaders, RefusedIndex,
    testing::Values(BadIndex{"Empty", "", "not valid JSON"},
                    BadIndex{"NotJson", "weights", "expected a JSON object"},
                    BadIndex{"AList", "[]", "expected a JSON object"},
                    BadIndex{"InvalidUtf8", "{\"\xff\": 1}", "not valid JSON: The input is not valid UTF-8"},
                    BadIndex{"CutOff", R"({"weight_map": {"a": "s")", "not valid JSON"},
                    BadIndex{"NoWeightMap", "{}", "weight_map is missing or empty"},
                    BadIndex{"EmptyWeightMap", R"({"weight_map": {}})", "weight_map is missing or empty"},
                    BadIndex{"WeightMapThatIsAList", R"({"weight_map": ["s"]})",
                             "weight_map: expected an object, found ["},
                    BadIndex{"WeightMapTwice", R"({"weight_map": {"a": "s"}, "weight_map": {"a": "s"}})",
                             "weight_map is there twice"},
                    BadIndex{"TensorTwice", R"({"weight_map": {"a": "s", "b": "s", "a": "t"}})",
                             "tensor 'a' is there twice"},
                    BadIndex{"NumberForAFile", R"({"weight_map": {"a": 1}})",
                             "tensor 'a': expected the name of a file beside the index, found 1"},
                    BadIndex{"EmptyFileName", R"({"weight_map": {"a": ""}})",
                             "tensor 'a': expected the name of a file beside the index, found \"\""},
                    BadIndex{"FileAboveTheFolder", R"({"weight_map": {"a": "../s"}})",
                             "tensor 'a': expected the name of a file beside the index, found \"../s\""},
                    BadIndex{"FileAboveTheFolderByADetour", R"({"weight_map": {"a": "x/../../s"}})",
                             "tensor 'a': expected the name of a file beside the index, found \"x/../../s\""},
                    BadIndex{"EscapedPathAboveTheFolder", R"({"weight_map": {"a": "\u002e./s"}})",
                             "tensor 'a': expected the name of a file beside the index"},
                    BadIndex{"AbsoluteFile", R"({"weight_map": {"a": "/dev/zero"}})",
                             "tensor 'a': expected the name of a file beside the index, found \"/dev/zero\""},
                    BadIndex{"NulInAFileName", R"({"weight_map": {"a": "s\u0000"}})",
                             "tensor 'a': expected the name of a file beside the index"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace alphahill
