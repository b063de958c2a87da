/// Finds a model: a checkpoint folder, or a hub id in the local cache of the hub's client.
#pragma once

#include <filesystem>
#include <string>

namespace alphahill {

/// The checkpoint folder of `model`: `model` itself where it is a folder, else the snapshot of hub id
/// "ORG/NAME" at `revision` in the cache (HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else
/// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; ~, $NAME and ${NAME} are expanded).
/// @throws Error(input) when it is not there, with the command that downloads it
/// @throws Error(usage) when `model` is neither a folder nor a hub id
std::filesystem::path find_model(const std::string& model, const std::string& revision);

/// For the end of an error about files that are missing in a folder: the command that downloads them, where
/// the folder is a snapshot in the hub's cache.
std::string how_to_complete(const std::filesystem::path& folder);

}  // namespace alphahill
