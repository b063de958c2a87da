/// The index of a sharded checkpoint: which file holds which tensor.
///
/// model.safetensors.index.json := {"weight_map": {tensor: file name, ...}, ...}
/// The index is untrusted: what it names is a file in its own folder or below, or it is refused.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace alphahill {

/// An index that has passed every check but that the files are there.
class ShardIndex {
 public:
  /// Keeps the tensors of a checkpoint to ten million: an entry takes at least the 7 bytes of `"":"f",`.
  static constexpr std::int64_t most_bytes = 70'000'000;

  /// @param where  the index file, for errors
  /// @throws Error(input) naming the tensor at fault
  static ShardIndex parse(std::string json, const std::string& where);

  /// Names of files, relative to the folder of the index, each with the names of its tensors in ascending
  /// order.
  const std::map<std::string, std::vector<std::string>>& tensors_of() const { return tensors_of_; }

 private:
  explicit ShardIndex(std::map<std::string, std::vector<std::string>> tensors_of)
      : tensors_of_(std::move(tensors_of)) {}
  std::map<std::string, std::vector<std::string>> tensors_of_;
};

}  // namespace alphahill
