/// The headers of all files of a checkpoint: everything that is known of it without reading a weight.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/fingerprint.hpp"
#include "checkpoint/headers/safetensors.hpp"

namespace alphahill {

/// A tensor, and the file that holds it.
struct StoredTensor : TensorEntry {
  std::int64_t file = 0;  ///< index into CheckpointHeaders::files
  std::string contents;   ///< the bytes of a tensor that says how another is stored, as X.weight_shape does
};

struct CheckpointHeaders {
  std::vector<SourceFile> files;
  std::vector<StoredTensor> tensors;  ///< by name, bytes compared
  /// bitsandbytes: the JSON in each tensor X.weight.quant_state.bitsandbytes__*, by the tensor's name.
  std::map<std::string, std::string, std::less<>> quant_states;
  /// Of names, sizes, headers and some blocks of the files: that of a copy too.
  Fingerprint fingerprint;

  /// The tensor of that name, or null.
  const StoredTensor* find(std::string_view name) const;
  /// True when a tensor's name begins so.
  bool has_prefix(std::string_view prefix) const;
};

/// Reads the headers of the files that find_weight_file() and the index that it may find name. What tensors there
/// are, and in which file, the headers say; an index that says otherwise gives a warning.
/// @param checkpoint  a folder, or a safetensors file
/// @throws Error(input) as find_weight_file(), for a broken index or header, a LoRA adapter, and where a file of the
///                      index is missing
CheckpointHeaders read_checkpoint_headers(const std::filesystem::path& checkpoint);

}  // namespace alphahill
