/// Writes a sample model as a checkpoint folder.
#pragma once

#include <filesystem>

#include "sample/models.hpp"

namespace alphahill::sample {

/// Writes config.json and model.safetensors, or its shards and their index, with the shards' sizes about
/// equal.
/// @throws Error(system) when a file cannot be written
void write_checkpoint(const Options& options, const std::filesystem::path& folder);

}  // namespace alphahill::sample
