/// The catalog of a checkpoint: which tensors are Linear layers, what they are called, and how they are stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "alphahill/checkpoint/stored_layout.hpp"

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

/// One Linear layer.
struct Layer {
  std::string name;  ///< without ".weight", control characters escaped
  std::string category;
  std::int64_t out_features = 0;
  std::int64_t in_features = 0;
  std::string stored_dtype;  ///< as the checkpoint calls it: "BF16"; of codes and scales "MXFP4"
  /// Of multi-token prediction: in the file, and not in the model that answers.
  bool predicts_further_tokens = false;
  StoredLayout layout = Plain{};
  std::vector<Layer> fused_with;  ///< as fused_partners has them, where the catalog keeps them

  std::int64_t numel() const { return out_features * in_features; }
  WeightShape shape() const {
    return std::visit([](const auto& stored) { return stored.shape(); }, layout);
  }
  /// The dtype, and where that does not say it how codes and scales lie: "F8_E4M3 block 128x128".
  std::string stored_as() const {
    return std::visit(
        [&](const auto& stored) {
          if constexpr (requires { stored.stored_as(); }) return stored.stored_as();
          return stored_dtype;
        },
        layout);
  }
  /// With scales, zero points and the like; 0 where it cannot be analysed.
  double bits_per_weight() const {
    const double weights = static_cast<double>(numel());
    return weights > 0 ? 8 * static_cast<double>(shape().stored_bytes) / weights : 0;
  }
  /// Are its figures those of numbers that codes stand for?
  bool dequantized() const { return unsupported() == nullptr && is_coded(layout); }
  /// Why the layer cannot be analysed; null where it can.
  const std::string* unsupported() const {
    const auto* found = std::get_if<Unsupported>(&layout);
    return found == nullptr ? nullptr : &found->reason;
  }

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.name, self.category, self.out_features, self.in_features, self.stored_dtype,
            self.predicts_further_tokens, self.layout, self.fused_with);
  }
};

/// Tensors of two and more dimensions that are neither layer, part of one, embedding, norm nor convolution.
struct OtherTensors {
  std::int64_t count = 0;
  double share = 0;     ///< of all weights of the checkpoint
  std::string largest;  ///< "name [rows, cols]"; control characters escaped

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.count, self.share, self.largest);
  }
};

/// The layers of a checkpoint in the order in which the model applies them; layer i has number i + 1.
struct Catalog {
  std::string folder;
  /// Hex; changes with the name, size, header or a sampled block of weights of any file (a small file is sampled
  /// whole), or config.json.
  std::string fingerprint;
  std::vector<SourceFile> files;
  std::vector<Layer> layers;
  OtherTensors others = {};

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.folder, self.fingerprint, self.files, self.layers, self.others);
  }
};

/// Reads the headers of a checkpoint (no weights).
/// @param checkpoint      a folder, or a safetensors file
/// @param filter          Perl regular expression searched for anywhere in a layer's name; empty keeps all layers
/// @param include_mtp     keep those of multi-token prediction too
/// @param allow_unmerged  take the weights under an adapter that is not merged as they are
/// @throws Error(input) for a broken checkpoint, a LoRA adapter, weights that the model does not apply as they are
///                      (an adapter that is not merged, empty placeholders, a slice of a tensor-parallel model), or
///                      one without Linear layers
/// @throws Error(usage) for an expression that is broken, matches no layer or takes too long
Catalog open_catalog(const std::filesystem::path& checkpoint, const std::string& filter,
                     bool include_mtp = false, bool allow_unmerged = false);

/// The closing line on the tensors that are nothing known, a warning where they are more than 1% of all weights; none
/// where all are known.
void report_other_tensors(const OtherTensors& others);

/// Which layers are kept, one value a layer; logs how many of multi-token prediction are not. Parameters and errors are
/// those of open_catalog.
std::vector<bool> kept_layers(const Catalog& catalog, const std::string& filter, bool include_mtp = false);

/// The catalog with some of its layers, and the files that hold them and those that they are fused with.
/// @param kept  one a layer
Catalog with_layers(Catalog catalog, const std::vector<bool>& kept);

}  // namespace alphahill
