/// The list of all tensors for people.
#pragma once

#include <filesystem>
#include <string>

namespace alphahill {

/// One line a tensor under a line of titles, in aligned columns, by name: name, shape, dtype, and what it is taken
/// for ("layer", "part of a layer", "embedding", "norm", "convolution", "not known", ...). Nothing is refused that
/// headers show.
/// @param checkpoint  a folder, or a safetensors file
/// @throws Error(input) for a broken checkpoint or a LoRA adapter
std::string tensor_table(const std::filesystem::path& checkpoint);

}  // namespace alphahill
