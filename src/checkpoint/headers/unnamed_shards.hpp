/// Shards that belong to an index by their names, "model-00002-of-00003.safetensors", and that it does not name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/headers/shard_index.hpp"

namespace alphahill {

/// Those that are there, relative to the folder, in ascending order. Warns of them, and where others are not there.
/// @param where  the index file, for the warnings
std::vector<std::string> unnamed_shards(const ShardIndex& index, const std::filesystem::path& folder,
                                        const std::string& where);

}  // namespace alphahill
