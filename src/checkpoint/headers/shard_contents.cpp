#include "checkpoint/headers/shard_contents.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alphahill/base/text.hpp"
#include "checkpoint/headers/counted_tensors.hpp"

namespace alphahill {

namespace {

/// The file of each tensor, as the index has it.
using NamedFiles = std::unordered_map<std::string_view, std::int64_t>;

NamedFiles named_files(const ShardIndex& index) {
  NamedFiles files;
  std::int64_t number = 0;
  for (const auto& [file, tensors] : index.tensors_of()) {
    for (const std::string& tensor : tensors) files.emplace(tensor, number);
    ++number;
  }
  return files;
}

struct Differences {
  CountedTensors missing;    ///< named, and in no file
  CountedTensors elsewhere;  ///< in another file than is named
  CountedTensors unnamed;
  CountedTensors twice;  ///< in two files of which neither is named
};

std::string text_of(const Differences& differences) {
  std::vector<std::string> parts;
  const auto add = [&](const CountedTensors& tensors, std::string_view what) {
    if (tensors.count == 0) return;
    parts.push_back(fmt::format("{} {} ('{}'{})", counted(tensors.count, "tensor"), what, tensors.first,
                                tensors.count > 1 ? ", ..." : ""));
  };
  add(differences.missing, "that it names in no file");
  add(differences.elsewhere, "in another file than it says");
  add(differences.unnamed, "that it does not name");
  add(differences.twice, "in several files");
  return joined(parts);
}

/// Looks at the tensors of one name. @return the one that counts
StoredTensor& chosen(std::span<StoredTensor> same_name, const NamedFiles& files, Differences& differences) {
  const std::string_view name = same_name.front().name;
  const auto named = files.find(name);
  const auto found = std::ranges::find_if(same_name, [&](const StoredTensor& tensor) {
    return named != files.end() && tensor.file == named->second;
  });
  if (found != same_name.end()) return *found;
  (named == files.end() ? differences.unnamed : differences.elsewhere).add(name);
  if (same_name.size() > 1) differences.twice.add(name);
  return same_name.front();
}

}  // namespace

void keep_each_tensor_once(const ShardIndex& index, CheckpointHeaders& headers, const std::string& where) {
  const NamedFiles files = named_files(index);
  std::vector<StoredTensor> all = std::exchange(headers.tensors, {});
  std::ranges::sort(all, {}, [](const StoredTensor& tensor) { return std::tie(tensor.name, tensor.file); });
  Differences differences;
  for (auto first = all.begin(); first != all.end();) {
    const auto last =
        std::find_if(first, all.end(), [&](const auto& other) { return other.name != first->name; });
    headers.tensors.push_back(std::move(chosen(std::span(first, last), files, differences)));
    first = last;
  }
  for (const auto& [file, tensors] : index.tensors_of()) {
    for (const std::string& tensor : tensors) {
      if (headers.find(tensor) == nullptr) differences.missing.add(tensor);
    }
  }
  const std::string text = text_of(differences);
  if (text.empty()) return;
  spdlog::warn("{}: the headers of its files say otherwise, and are followed: {}", printable(where),
               printable(text));
}

}  // namespace alphahill
