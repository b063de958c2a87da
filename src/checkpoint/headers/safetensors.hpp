/// The header of a safetensors file: the tensors that it holds, their types, shapes and places in the file.
///
/// file   := header bytes u64, little-endian | header, UTF-8 JSON | values
/// header := {"__metadata__": any, name: tensor, ...}
/// tensor := {"dtype": text, "shape": [count*], "data_offsets": [begin, end]}
///
/// Offsets count bytes of the values. The tensors cover the values without holes or overlaps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"

namespace alphahill {

/// What is wrong with a header.
enum class HeaderDefect {
  lfs_pointer,         ///< text that says where git-lfs has the file
  file_too_short,      ///< fewer than the 8 bytes of the header's size
  header_too_large,    ///< over SafetensorsHeader::most_bytes
  header_beyond_file,  ///< the header ends behind the file
  not_utf8,
  not_json,  ///< empty, broken, or no object
  too_deep,  ///< nested deeper than 128 arrays and objects
  duplicate_name,
  name_too_long,    ///< over SafetensorsHeader::most_name_bytes
  malformed_entry,  ///< a field of a tensor is missing, twice there or of the wrong type
  unknown_dtype,
  bad_shape,       ///< a dimension that is no integer from 0 to 2^63 - 1, or more than 64 dimensions
  bad_offsets,     ///< not two integers, or the end before the begin
  size_overflow,   ///< the shape's product does not fit 64 bits
  size_mismatch,   ///< the offsets span another number of bytes than shape and dtype ask for
  hole,            ///< values that belong to no tensor
  overlap,         ///< values that belong to two tensors
  truncated_file,  ///< a tensor ends behind the file
  trailing_bytes,  ///< the file goes on behind the last tensor
};

/// A refused header: file, tensor and reason.
class SafetensorsError : public Error {
 public:
  /// @param tensor  empty where the defect is not one tensor's
  SafetensorsError(HeaderDefect defect, const std::string& file_name, const std::string& tensor,
                   std::string reason);

  HeaderDefect defect() const { return defect_; }
  const std::string& tensor() const { return tensor_; }

 private:
  HeaderDefect defect_;
  std::string tensor_;
};

/// A tensor as the header describes it. Its bytes lie inside the file, at any alignment.
struct TensorEntry {
  std::string name;                 ///< as in the file: any UTF-8, control characters included
  std::string_view dtype;           ///< one of the format's names, such as "BF16"; never dangles
  std::vector<std::int64_t> shape;  ///< in logical elements; empty for a scalar
  std::int64_t offset = 0;          ///< bytes from the start of the file
  std::int64_t bytes = 0;
};

/// A header that has passed every check.
class SafetensorsHeader {
 public:
  /// Keeps the tensors of a file to two million: an entry and its comma take at least 50 bytes of header.
  static constexpr std::int64_t most_bytes = 100'000'000;
  static constexpr std::size_t most_name_bytes = 64 * 1024;

  /// @param json       the header, without the 8 bytes of its size
  /// @param file_size  of the whole file, at least 8 + json.size()
  /// @param file_name  for errors
  /// @throws SafetensorsError
  static SafetensorsHeader parse(std::string json, std::int64_t file_size, const std::string& file_name);

  /// By name, bytes compared.
  const std::vector<TensorEntry>& tensors() const& { return tensors_; }
  void tensors() && = delete;  ///< a loop over a temporary header's tensors would read freed memory
  /// The tensor of that name, or null.
  const TensorEntry* find(std::string_view name) const;

 private:
  explicit SafetensorsHeader(std::vector<TensorEntry> tensors) : tensors_(std::move(tensors)) {}
  std::vector<TensorEntry> tensors_;
};

/// Reads the JSON of a file's header; `parse` checks it.
/// @throws SafetensorsError when the header's size cannot be right
std::string read_header_json(const File& file);

}  // namespace alphahill
