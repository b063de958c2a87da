/// What the shards of a checkpoint hold, against what their index says that they do.
#pragma once

#include <string>

#include "checkpoint/headers/checkpoint_headers.hpp"
#include "checkpoint/headers/shard_index.hpp"

namespace alphahill {

/// Sorts the tensors of all shards by name and keeps each once: of two with one name that in the file which the
/// index names, else in the first. Warns, once, where the index says otherwise than the shards' headers.
/// @param headers  of the index's files, in its order, then of others
/// @param where    the index file, for the warning
void keep_each_tensor_once(const ShardIndex& index, CheckpointHeaders& headers, const std::string& where);

}  // namespace alphahill
