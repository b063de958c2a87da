/// Fuzzes the JSON beside the weights, the index of shards and config.json. Input: the text.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "alphahill/base/error.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/shard_index.hpp"
#include "fuzz/invariant.hpp"

namespace alphahill {
namespace {

void check(const ShardIndex& index) {
  std::set<std::string> names;
  promise(!index.tensors_of().empty(), "an index names a file");
  for (const auto& [file, tensors] : index.tensors_of()) {
    const std::filesystem::path path(file);
    promise(!path.empty() && path.is_relative() && std::ranges::count(path, "..") == 0,
            "files stay in the folder of the index");
    promise(file.find('\0') == std::string::npos, "names of files have no NUL");
    promise(!tensors.empty() && std::ranges::is_sorted(tensors), "tensors of a file ascend");
    for (const std::string& tensor : tensors) promise(names.insert(tensor).second, "a tensor is there once");
  }
}

/// Runs `action`, which may refuse the input.
template <class Action>
void attempt(Action action) {
  try {
    action();
  } catch (const Error& error) {
    promise(error.fault() == Fault::input, "bad JSON is the input's fault");
  }
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  const std::string json(text_of(bytes, size));
  attempt([&] { check(ShardIndex::parse(json, "f")); });
  attempt([&] {
    const ModelConfig config = ModelConfig::parse(json, "f");
    promise(!config.has_head() || !config.architectures.empty(), "only a class has a head");
    promise(!config.tie_word_embeddings || config.ties_head() == *config.tie_word_embeddings,
            "what config.json says of the head holds");
  });
  return 0;
}
