#include "alphahill/checkpoint/hub_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

/// A home of its own without settings.
class HubCache : public testing::Test {
 protected:
  HubCache() {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"})
      ::unsetenv(name);
    set("HOME", home_.path());
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

  /// A snapshot of org/name in `cache`, which is relative to the home.
  std::filesystem::path add_snapshot(const std::string& cache, const std::string& commit) const {
    const auto snapshot = home_.path() / cache / "models--org--name" / "snapshots" / commit;
    std::filesystem::create_directories(snapshot);
    return snapshot;
  }
  void add_ref(const std::string& cache, const std::string& revision, const std::string& text) const {
    home_.write(std::filesystem::path(cache) / "models--org--name" / "refs" / revision, text);
  }

  TemporaryFolder home_;
};

TEST_F(HubCache, AFolderIsTheModelItself) {
  EXPECT_EQ(find_model(home_.path(), "main"), home_.path());
}

TEST_F(HubCache, ARevisionIsLookedUpAmongTheRefs) {
  const std::string cache = ".cache/huggingface/hub";
  const auto snapshot = add_snapshot(cache, "abc123");
  add_snapshot(cache, "other");
  add_ref(cache, "main", " abc123\n");
  add_ref(cache, "refs/pr/1", "abc123");
  EXPECT_EQ(find_model("org/name", "main"), snapshot);
  EXPECT_EQ(find_model("org/name", "refs/pr/1"), snapshot);
}

TEST_F(HubCache, ARevisionWithoutARefIsACommit) {
  const auto snapshot = add_snapshot(".cache/huggingface/hub", "abc123");
  EXPECT_EQ(find_model("org/name", "abc123"), snapshot);
}

TEST_F(HubCache, AFileIsTheModelItself) {
  const auto file = home_.write("m.safetensors", "");
  EXPECT_EQ(find_model(file, "main"), file);
}

TEST_F(HubCache, TheFirstDigitsOfACommitWillDo) {
  const std::string cache = ".cache/huggingface/hub";
  const auto snapshot = add_snapshot(cache, "abc1234567890abc1234567890abc1234567890a");
  add_snapshot(cache, "abd1234567890abc1234567890abc1234567890a");
  EXPECT_EQ(find_model("org/name", "abc1"), snapshot);
  EXPECT_EQ(find_model("org/name", "abc1234567"), snapshot);
  EXPECT_THROW(find_model("org/name", "abc"), Error) << "too few";
  EXPECT_THROW(find_model("org/name", "bc12"), Error) << "not the first";
}

TEST_F(HubCache, FirstDigitsOfSeveralCommitsAreRefused) {
  add_snapshot(".cache/huggingface/hub", "abcd1");
  add_snapshot(".cache/huggingface/hub", "abcd2");
  const auto error = thrown_by([] { find_model("org/name", "abcd"); });
  ASSERT_TRUE(error);
  EXPECT_STREQ(error->what(), "--revision: abcd is the beginning of several commits: abcd1, abcd2");
}

TEST_F(HubCache, WithoutTheRefTheSnapshotsThatAreThereAreNamed) {
  add_snapshot(".cache/huggingface/hub", "def456");
  add_snapshot(".cache/huggingface/hub", "abc123");
  const auto error = thrown_by([] { find_model("org/name", "main"); });
  ASSERT_TRUE(error);
  EXPECT_THAT(
      error->what(),
      HasSubstr(".cache/huggingface/hub, which has abc123, def456 of it (--revision); to download it: hf "));
}

TEST_F(HubCache, APartOfAModelIsASubFolderOrAFileOfItsSnapshot) {
  const auto snapshot = add_snapshot(".cache/huggingface/hub", "abc123");
  home_.write(snapshot / "unet/weights.safetensors", "");
  EXPECT_EQ(find_model("org/name/unet", "abc123"), snapshot / "unet");
  EXPECT_EQ(find_model("org/name/unet/weights.safetensors", "abc123"), snapshot / "unet/weights.safetensors");
}

TEST_F(HubCache, WhereAPartIsNotThereTheSubFoldersWithModelsAreNamed) {
  const auto snapshot = add_snapshot(".cache/huggingface/hub", "abc123");
  home_.write(snapshot / "unet/weights.safetensors", "");
  home_.write(snapshot / "vae/weights.safetensors", "");
  const auto error = thrown_by([] { find_model("org/name/vea", "abc123"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->what(),
            "org/name/vea: there is no vea in " + snapshot.string() +
                "; models are in its sub-folders unet, vae: --model org/name/unet; to complete the "
                R"(download: hf download org/name --include "*.safetensors" "*.json" --revision abc123)");
  EXPECT_EQ(how_to_complete(snapshot / "unet"), how_to_complete(snapshot));
}

TEST_F(HubCache, NoOtherSnapshotIsTakenInstead) {
  add_snapshot(".cache/huggingface/hub", "abc123");
  EXPECT_THROW(find_model("org/name", "main"), Error);
  add_ref(".cache/huggingface/hub", "main", "def456");
  EXPECT_THROW(find_model("org/name", "main"), Error);
}

TEST_F(HubCache, AnIdMayHaveNoOrganisation) {
  const auto snapshot = home_.path() / ".cache/huggingface/hub/models--gpt2/snapshots/abc";
  std::filesystem::create_directories(snapshot);
  EXPECT_EQ(find_model("gpt2", "abc"), snapshot);
}

TEST_F(HubCache, EachVariableGoesBeforeTheOnesBehindIt) {
  const std::vector<std::tuple<const char*, std::string, std::string>> from_last_to_first{
      {"XDG_CACHE_HOME", "xdg", "xdg/huggingface/hub"},
      {"HF_HOME", "hf", "hf/hub"},
      {"HUGGINGFACE_HUB_CACHE", "old", "old"},
      {"HF_HUB_CACHE", "new", "new"}};
  for (const auto& [name, value, cache] : from_last_to_first) {
    const auto snapshot = add_snapshot(cache, "abc");
    set(name, home_.path() / value);
    EXPECT_EQ(find_model("org/name", "abc"), snapshot) << name;
  }
}

TEST_F(HubCache, AnEmptyVariableCountsAsUnset) {
  const auto snapshot = add_snapshot(".cache/huggingface/hub", "abc");
  set("HF_HUB_CACHE", "");
  EXPECT_EQ(find_model("org/name", "abc"), snapshot);
}

TEST_F(HubCache, TheHomeAndVariablesInAVariableAreExpanded) {
  const auto snapshot = add_snapshot("big disk/hub", "abc");
  set("ALPHAHILL_TEST_DISK", "big disk");
  for (const char* value :
       {"~/big disk/hub", "$HOME/$ALPHAHILL_TEST_DISK/hub", "${HOME}/${ALPHAHILL_TEST_DISK}/hub"}) {
    set("HF_HUB_CACHE", value);
    EXPECT_EQ(find_model("org/name", "abc"), snapshot) << value;
  }
}

TEST_F(HubCache, AnUnsetVariableStaysAsItIs) {
  const auto snapshot = add_snapshot("$ALPHAHILL_TEST_UNSET", "abc");
  set("HF_HUB_CACHE", home_.path() / "$ALPHAHILL_TEST_UNSET");
  EXPECT_EQ(find_model("org/name", "abc"), snapshot);
}

TEST_F(HubCache, AMissingModelNamesTheCommandThatDownloadsIt) {
  const auto error = thrown_by([] { find_model("org/name", "main"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->fault(), Fault::input);
  EXPECT_THAT(error->what(), HasSubstr(home_.path() / ".cache/huggingface/hub"));
  EXPECT_THAT(error->what(), EndsWith(R"(hf download org/name --include "*.safetensors" "*.json")"));
}

TEST_F(HubCache, AMissingRevisionIsInTheCommand) {
  const auto error = thrown_by([] { find_model("org/name", "v1.0"); });
  ASSERT_TRUE(error);
  EXPECT_THAT(error->what(), EndsWith(R"("*.safetensors" "*.json" --revision v1.0)"));
}

TEST_F(HubCache, WhatIsNeitherAFolderNorAnIdIsRefused) {
  for (const char* model : {"", "/nowhere/model", "./model", "../model", "org/name/", "org//name", "org/a--b",
                            "org/a..b", "org/..", "--model", "~/model", "org/na me"}) {
    const auto error = thrown_by([&] { find_model(model, "main"); });
    ASSERT_TRUE(error) << model;
    EXPECT_EQ(error->fault(), Fault::usage);
    EXPECT_EQ(error->what(),
              "--model: expected a checkpoint folder, a safetensors file or a hub id such as "
              "ORG/NAME, found '" +
                  std::string(model) + "', which is not there");
  }
}

TEST_F(HubCache, ARevisionThatLeavesTheRefsIsRefused) {
  for (const char* revision : {"", "..", "../../x", "/etc", "a/../../b", "main; ls"}) {
    const auto error = thrown_by([&] { find_model("org/name", revision); });
    ASSERT_TRUE(error) << revision;
    EXPECT_EQ(error->fault(), Fault::usage);
    EXPECT_THAT(error->what(), HasSubstr("--revision: expected a branch, a tag or a commit's sha"));
  }
}

TEST_F(HubCache, ARefThatIsNoCommitIsRefused) {
  add_snapshot(".cache/huggingface/hub", "abc");
  for (const char* text : {"", " \n", "../abc", "/etc"}) {
    add_ref(".cache/huggingface/hub", "main", text);
    const auto error = thrown_by([] { find_model("org/name", "main"); });
    ASSERT_TRUE(error) << text;
    EXPECT_THAT(error->what(), HasSubstr("refs/main: expected the sha of a commit"));
  }
}

}  // namespace
}  // namespace alphahill
