/// The catalog of a checkpoint: which tensors are Linear layers, what they are called, and where their bytes
/// lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/formats/format.hpp"

namespace alphahill {

/// A file of the checkpoint that holds weights.
struct SourceFile {
  std::string name;  ///< relative to the checkpoint folder
  std::int64_t size = 0;
  std::int64_t modification_time_ns = 0;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.name, self.size, self.modification_time_ns);
  }
};

/// One Linear layer. The stored matrix is row-major, `rows` x `cols`, at `offset` of its file.
struct Layer {
  std::string name;  ///< without ".weight", control characters escaped
  std::string category;
  std::int64_t out_features = 0;
  std::int64_t in_features = 0;
  std::string stored_dtype;      ///< as the checkpoint calls it: "BF16"
  Format format = Format::fp32;  ///< of the stored values; meaningless where `unsupported` is set
  std::int64_t rows = 0;         ///< as stored: out_features, or in_features for a transposed Conv1D
  std::int64_t cols = 0;
  std::int64_t file = 0;    ///< index into Catalog::files
  std::int64_t offset = 0;  ///< bytes from the start of the file
  std::string unsupported;  ///< empty, or the reason why the layer cannot be analysed

  std::int64_t numel() const { return out_features * in_features; }

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.name, self.category, self.out_features, self.in_features, self.stored_dtype, self.format,
            self.rows, self.cols, self.file, self.offset, self.unsupported);
  }
};

/// The layers of a checkpoint in the order in which the model applies them; layer i has number i + 1.
struct Catalog {
  std::string folder;
  /// Hex; changes with the name, size, time of change or header of any file, or config.json.
  std::string fingerprint;
  std::vector<SourceFile> files;
  std::vector<Layer> layers;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.folder, self.fingerprint, self.files, self.layers);
  }
};

/// Reads the headers of a checkpoint folder (no weights).
/// @param filter  Perl regular expression searched for anywhere in a layer's name; empty keeps all layers
/// @throws Error(input) for a broken checkpoint, a LoRA adapter, or one without Linear layers
/// @throws Error(usage) for an expression that is broken, matches no layer or takes too long
Catalog open_catalog(const std::filesystem::path& folder, const std::string& filter);

}  // namespace alphahill
