/// The files that hold a layer's tensors, and blocks of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "alphahill/base/file.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// The files of a catalog, opened when they are first asked for. For one thread.
class LayerFiles {
 public:
  /// @param catalog  outlives this
  explicit LayerFiles(const Catalog& catalog) : catalog_(catalog) {}

  /// @throws Error(input) as check_unchanged()
  const File& open(std::int64_t file);

  /// @throws Error(input) when size or modification time of one that is open differ from the catalog's
  void check_unchanged() const;

 private:
  const Catalog& catalog_;
  std::map<std::int64_t, File> files_;
};

/// All of a 2-D tensor.
TensorSlice whole_matrix(const StoredTensor& tensor);

/// A slice of words of 32 bits, in bytes.
TensorSlice in_bytes(TensorSlice words);

/// Reads blocks of a slice.
class SliceReader {
 public:
  /// Opens the slice's file. @param files  outlive this
  SliceReader(LayerFiles& files, const TensorSlice& slice, std::int64_t value_bytes)
      : file_(files.open(slice.file)), slice_(slice), value_bytes_(value_bytes) {}

  /// @pre the block is in the slice
  /// @param bytes  of the block's values, row-major, without gaps
  void read(const Block& block, std::span<std::byte> bytes) const;

 private:
  std::int64_t place_of(std::int64_t row, std::int64_t col) const;
  /// @param stored  for a row with what lies between its values
  void read_row(std::int64_t row, const Block& block, std::span<std::byte> bytes,
                std::vector<std::byte>& stored) const;

  const File& file_;
  TensorSlice slice_;
  std::int64_t value_bytes_;
};

}  // namespace alphahill
