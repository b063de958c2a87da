/// Which file of a checkpoint tells where its weights are.
#pragma once

#include <filesystem>
#include <string>

namespace alphahill {

inline constexpr auto whole_name = "model.safetensors";
inline constexpr auto index_name = "model.safetensors.index.json";

/// The file to begin with.
struct WeightFile {
  std::filesystem::path folder;  ///< of the checkpoint
  std::string name;              ///< in it
  bool is_index = false;         ///< of shards; else it holds all weights itself
};

/// @throws Error(system) where that cannot be told, as without permission
bool is_there(const std::filesystem::path& path);

/// A remark where sub-folders hold models, as those of pipelines do.
/// @param called  what --model calls the folder
std::string models_below_text(const std::filesystem::path& folder, const std::filesystem::path& called);

/// The folder of a checkpoint: of one that is named by its file, where that lies.
std::filesystem::path folder_of(const std::filesystem::path& checkpoint);

/// For a file, that file. For a folder, as transformers looks them up: model.safetensors, else
/// model.safetensors.index.json, else a single file or index of another name, with a line that says so. What lies
/// beside and is not read is warned of where it may be meant.
/// @param checkpoint  a folder, or a safetensors file
/// @throws Error(input) where there is none, or several of which any may be meant; it names those, and the
///                      sub-folders that hold a model
WeightFile find_weight_file(const std::filesystem::path& checkpoint);

}  // namespace alphahill
