#include "checkpoint/headers/weight_files.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/regex.hpp>
#include <string_view>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"

namespace alphahill {

namespace {

constexpr std::string_view ending = ".safetensors";

bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// The names in a folder, in ascending order; none where it cannot be read.
std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// "model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.fp16.json".
bool names_index(std::string_view name) {
  return name.ends_with(".json") && name.find(".safetensors.index.") != std::string_view::npos;
}

struct Candidates {
  std::vector<std::string> indexes;
  std::vector<std::string> files;

  bool empty() const { return indexes.empty() && files.empty(); }
};

Candidates candidates_in(const std::filesystem::path& folder) {
  Candidates found;
  for (std::string& name : names_in(folder)) {
    if (names_index(name)) {
      found.indexes.push_back(std::move(name));
    } else if (name.ends_with(ending)) {
      found.files.push_back(std::move(name));
    }
  }
  return found;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  return joined(some_of(names, most));
}

/// Sub-folders that hold a model, as those of pipelines do.
std::vector<std::string> models_below(const std::filesystem::path& folder) {
  std::vector<std::string> found;
  for (std::string& name : names_in(folder)) {
    if (is_folder(folder / name) && !candidates_in(folder / name).empty()) found.push_back(std::move(name));
  }
  return found;
}

/// A remark where the folder holds weights in a format that is not read.
std::string other_weights(const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 4> endings{".bin", ".pt", ".pth", ".gguf"};
  for (const std::string& name : names_in(folder)) {
    if (std::ranges::find(endings, std::filesystem::path(name).extension()) == endings.end()) continue;
    return fmt::format(" ({} is there, but only safetensors is read)", name);
  }
  return "";
}

[[noreturn]] void throw_none(const std::filesystem::path& folder) {
  std::string remark = other_weights(folder) + models_below_text(folder, folder);
  if (remark.empty()) remark = how_to_complete(folder);
  throw Error(Fault::input, folder.string(),
              fmt::format("expected {} or {}, found neither{}", whole_name, index_name, remark));
}

[[noreturn]] void throw_several(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                std::string_view what) {
  throw Error(Fault::input, folder.string(),
              fmt::format("expected {} or {}, found {} of other names, of which any may be meant: {}; one of "
                          "them by --model {}",
                          whole_name, index_name, what, list_of(names), (folder / names.front()).string()));
}

/// How many shards there are, where the name says that the file is one of several; else 1.
std::string shards_by_name(const std::string& name) {
  static const boost::regex shard(R"(.*-\d+-of-0*(\d+)\.safetensors)");
  boost::smatch match;
  return boost::regex_match(name, match, shard) ? match.str(1) : "1";
}

/// @throws Error(input) for a shard whose index is missing
WeightFile single(const std::filesystem::path& folder, const std::string& name, bool is_index) {
  const std::string shards = shards_by_name(name);
  if (shards != "1") {
    throw Error(Fault::input, folder.string(),
                fmt::format("{} is one of {} shards, and there is no index of them: was the download "
                            "interrupted?{}",
                            name, shards, how_to_complete(folder)));
  }
  spdlog::info("{}: {} is read, since there is neither {} nor {}", printable(folder.string()),
               printable(name), whole_name, index_name);
  return {folder, name, is_index};
}

/// The file of another name than transformers looks for.
WeightFile of_another_name(const std::filesystem::path& folder) {
  if (is_there(folder / "adapter_config.json")) {
    throw Error(Fault::input, folder.string(),
                "a LoRA adapter, not a model: merge it into its base model first");
  }
  const auto [indexes, files] = candidates_in(folder);
  if (indexes.size() == 1) return single(folder, indexes.front(), true);
  if (indexes.size() > 1) throw_several(folder, indexes, "indexes");
  if (files.size() == 1) return single(folder, files.front(), false);
  if (files.size() > 1) throw_several(folder, files, "files without an index");
  throw_none(folder);
}

/// Pipelines of sentence-transformers have their first model in the root and others below it.
void name_models_below(const std::filesystem::path& folder) {
  if (!is_there(folder / "modules.json") && !is_there(folder / "model_index.json")) return;
  const std::vector<std::string> models = models_below(folder);
  if (models.empty()) return;
  spdlog::info("{}: not read are the models in the sub-folders {} of this pipeline: --model {}",
               printable(folder.string()), printable(list_of(models)),
               printable((folder / models.front()).string()));
}

WeightFile named_file(const std::filesystem::path& file) {
  WeightFile found{folder_of(file), file.filename().string(), false};
  if (!found.name.ends_with(ending)) {
    throw Error(Fault::input, file.string(), "expected a folder or a file called *.safetensors");
  }
  if (const std::string shards = shards_by_name(found.name); shards != "1") {
    spdlog::warn("{}: one of {} shards; the layers in the others are left out", printable(file.string()),
                 shards);
  }
  return found;
}

}  // namespace

bool is_there(const std::filesystem::path& path) {
  std::error_code code;
  const bool there = std::filesystem::exists(path, code);
  if (code) throw Error(Fault::system, path.string(), "cannot be looked up: " + code.message());
  return there;
}

std::string models_below_text(const std::filesystem::path& folder, const std::filesystem::path& called) {
  const std::vector<std::string> models = models_below(folder);
  if (models.empty()) return "";
  return fmt::format("; models are in its sub-folders {}: --model {}", list_of(models),
                     (called / models.front()).string());
}

std::filesystem::path folder_of(const std::filesystem::path& checkpoint) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(checkpoint, ignored)) return checkpoint;
  return checkpoint.has_parent_path() ? checkpoint.parent_path() : ".";
}

WeightFile find_weight_file(const std::filesystem::path& checkpoint) {
  if (folder_of(checkpoint) != checkpoint) return named_file(checkpoint);
  const bool whole = is_there(checkpoint / whole_name);
  const bool index = is_there(checkpoint / index_name);
  if (!whole && !index) return of_another_name(checkpoint);
  if (whole && index) {
    spdlog::warn("{}: {} is read, as transformers does, and {} with the shards that it names is not",
                 printable(checkpoint.string()), whole_name, index_name);
  }
  name_models_below(checkpoint);
  return {checkpoint, whole ? whole_name : index_name, !whole};
}

}  // namespace alphahill
