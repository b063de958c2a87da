/// Finds a model: a checkpoint folder, or a hub id in the local cache of the hub's client.
#pragma once

#include <filesystem>
#include <string>

namespace alphahill {

/// The checkpoint `model`: `model` itself where it is a folder or a file, else the snapshot of hub id "ORG/NAME", or the
/// sub-folder or file "ORG/NAME/PART" of it, at `revision` (a branch, a tag, or a commit, of which the first four digits
/// or more will do) in the cache (HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else
/// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; ~, $NAME and ${NAME} are expanded).
/// @throws Error(input) when it is not there, with the commits or the sub-folders with models that are, and the command
///                      that downloads it
/// @throws Error(usage) when `model` is neither a folder, a file nor a hub id, or several commits begin so
std::filesystem::path find_model(const std::string& model, const std::string& revision);

/// For the end of an error about files that are missing in a folder: the command that downloads them, where
/// the folder is a snapshot in the hub's cache, or in one.
std::string how_to_complete(const std::filesystem::path& folder);

}  // namespace alphahill
