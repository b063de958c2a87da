/// How a layer is stored: a small type for each way, which names the tensors that it takes.
///
/// Such a type, in a file of its own, has
///
///   fields                                    its byte form (base/bytes.hpp)
///   for_each_slice(self, use)                 calls use(TensorSlice&) for each tensor that it takes
///   static find(tensor, headers, config)      the layers that the tensor yields, none where it is stored otherwise
///   shape()                                   what is known before reading
///   open(files)                               its weights as numbers
///   stored_as()                               how, in a few words; only where the dtype does not say it
///
/// and is added to StoredLayout; nothing else knows the ways apart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "alphahill/formats/weight_source.hpp"

namespace alphahill {

struct CheckpointHeaders;
struct Layer;
struct ModelConfig;
struct StoredTensor;
class LayerFiles;

/// A matrix of values in a file, a tensor or a part of one: entry (i, j) is the value number i * row_stride +
/// j * col_stride from `offset` on.
struct TensorSlice {
  std::int64_t file = 0;    ///< index into the checkpoint's files
  std::int64_t offset = 0;  ///< bytes from the start of the file
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t row_stride = 0;  ///< values
  std::int64_t col_stride = 1;  ///< values

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.file, self.offset, self.rows, self.cols, self.row_stride, self.col_stride);
  }
};

/// Values of a floating-point format, as they are: X.weight [out, in], transposed for GPT-2's Conv1D; a matrix of
/// one expert in a tensor of all of them; MultiheadAttention's X.in_proj_weight.
struct Plain {
  ElementFormat format = ElementFormat::fp32;
  TensorSlice weights;
  bool transposed = false;  ///< rows are in_features

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.weights);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.format, self.weights, self.transposed);
  }
};

/// How a code of a quantized weight stands for a number.
enum class CodeFormat : std::uint8_t {
  f8_e4m3,
  int8,
  f4_e2m1,             ///< two to a byte, the first in the low bits
  f4_e2m1_in_columns,  ///< likewise, of two rows
  bit_string,          ///< integers without a sign, one after another from the lowest bit on
  words,               ///< the same, as many as fit whole into each word of 32 bits
};
constexpr CodeFormat last_of(CodeFormat) {
  return CodeFormat::words;
}

enum class ScaleFormat : std::uint8_t { f32, f16, bf16, f8_e8m0, f8_e4m3 };
constexpr ScaleFormat last_of(ScaleFormat) {
  return ScaleFormat::f8_e4m3;
}

/// Scales, each of a block of weights; blocks at the last rows and columns may be partial.
struct ScaleGrid {
  TensorSlice values;  ///< a row for each row of blocks
  ScaleFormat format = ScaleFormat::f32;
  std::int64_t block_rows = 0;  ///< weights
  std::int64_t block_cols = 0;  ///< weights

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.values, self.format, self.block_rows, self.block_cols);
  }
};

/// Codes of [out, in] with scales: FP8, compressed-tensors, NVFP4, MXFP4, MLX's floats; transposed for some tensors of
/// experts. A weight is (code - zero point) * scale, the scale itself multiplied or divided by one of the whole tensor in
/// some formats.
struct ScaledCodes {
  enum class ZeroPoints : std::uint8_t {
    none,
    int8,        ///< one a scale
    bit_string,  ///< one a scale, packed along the rows as the codes are along the columns
    words,       ///< likewise
  };
  friend constexpr ZeroPoints last_of(ZeroPoints) { return ZeroPoints::words; }
  enum class TensorScale : std::uint8_t { none, factor, divisor };
  friend constexpr TensorScale last_of(TensorScale) { return TensorScale::divisor; }

  CodeFormat format = CodeFormat::f8_e4m3;
  std::int32_t bits = 8;  ///< of a code
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  bool transposed = false;  ///< rows are in_features
  TensorSlice codes;        ///< bytes
  ScaleGrid scales;
  std::string scale_name;  ///< of the tensor, for errors, as the others: "X.weight_scale_inv"
  ZeroPoints zero_points = ZeroPoints::none;
  TensorSlice zero_point_values = {};
  TensorScale tensor_scale = TensorScale::none;
  TensorSlice tensor_scale_value = {};  ///< F32
  std::string tensor_scale_name = {};
  TensorSlice group_indices = {};     ///< I32, one a column
  std::string group_index_name = {};  ///< empty where columns have their groups in order
  bool inputs_are_scaled = false;     ///< ModelOpt's pre_quant_scale: W is not the original one

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  std::string stored_as() const;
  /// @throws Error(internal) where a scale or an index is none
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.codes);
    use(self.scales.values);
    if (self.zero_points != ZeroPoints::none) use(self.zero_point_values);
    if (self.tensor_scale != TensorScale::none) use(self.tensor_scale_value);
    if (!self.group_index_name.empty()) use(self.group_indices);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.format, self.bits, self.rows, self.cols, self.transposed, self.codes, self.scales,
            self.scale_name, self.zero_points, self.zero_point_values, self.tensor_scale,
            self.tensor_scale_value, self.tensor_scale_name, self.group_indices, self.group_index_name,
            self.inputs_are_scaled);
  }
};

/// Integers without a sign, each less the zero point of its group and times its scale, as GPTQ and AWQ have
/// them: [in, out], with scale and zero point for each output of a group of inputs.
struct GroupedIntegers {
  enum class Packing : std::uint8_t {
    gptq,  ///< X.qweight [in * bits / 32, out]: each column a string of bits, from the lowest of its first word on
    awq,  ///< X.qweight [in, out / 8]: the codes of eight outputs to a word, in the order 0 2 4 6 1 3 5 7
  };
  friend constexpr Packing last_of(Packing) { return Packing::awq; }

  Packing packing = Packing::gptq;
  std::string module;  ///< X
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t bits = 4;
  std::int64_t group_size = 0;   ///< rows
  std::int64_t zero_offset = 0;  ///< added to a stored zero point
  std::string symmetry;          ///< "sym", "asym", or empty where config.json does not say
  TensorSlice codes;             ///< words
  TensorSlice zero_points;       ///< words, packed along the outputs
  TensorSlice scales;            ///< [groups, out]
  ElementFormat scale_format = ElementFormat::fp16;
  bool has_group_indices = false;  ///< else rows have their groups in order
  TensorSlice group_indices = {};  ///< I32, one a row

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  /// "int4 g128 asym".
  std::string stored_as() const;
  /// @throws Error(internal) where a scale or an index is none
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.codes);
    use(self.zero_points);
    use(self.scales);
    if (self.has_group_indices) use(self.group_indices);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.packing, self.module, self.rows, self.cols, self.bits, self.group_size, self.zero_offset,
            self.symmetry, self.codes, self.zero_points, self.scales, self.scale_format,
            self.has_group_indices, self.group_indices);
  }
};

/// bitsandbytes with 4 bits: X.weight holds codes of the flattened matrix, two to a byte, the first in the high
/// bits; a code stands for a number of X.weight.quant_map, times the X.weight.absmax of its block. Blocks lie in
/// the flattened matrix too. X.weight.quant_state.bitsandbytes__nf4 (or fp4) is JSON.
struct BitsAndBytes4 {
  /// absmax in codes of 8 bits: fp32(fp32(map[code] * absmax[its block]) + offset).
  struct Nested {
    TensorSlice map;     ///< F32 [256]
    TensorSlice absmax;  ///< F32, one a block of codes
    std::int64_t block_size = 0;
    double offset = 0;

    template <class Archive, class Self>
    static void fields(Archive& archive, Self& self) {
      archive(self.map, self.absmax, self.block_size, self.offset);
    }
  };

  std::string tensor;  ///< X.weight
  std::string type;    ///< "nf4", "fp4"
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t block_size = 0;  ///< weights
  TensorSlice codes;            ///< bytes
  TensorSlice map;              ///< F32 [16]
  TensorSlice absmax;           ///< F32, or U8 where nested
  bool is_nested = false;
  Nested nested;

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  /// "nf4 block 64".
  std::string stored_as() const;
  /// @throws Error(internal) where a scale is none
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.codes);
    use(self.map);
    use(self.absmax);
    if (!self.is_nested) return;
    use(self.nested.map);
    use(self.nested.absmax);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.tensor, self.type, self.rows, self.cols, self.block_size, self.codes, self.map, self.absmax,
            self.is_nested, self.nested);
  }
};

/// bitsandbytes with 8 bits: X.weight [out, in] in I8, times X.SCB of the row / 127.
struct BitsAndBytes8 {
  std::string module;  ///< X
  TensorSlice codes;
  TensorSlice scales;  ///< F32 [out]
  bool has_format = false;
  TensorSlice format;  ///< X.weight_format, U8: 0 where codes are stored row by row

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  /// "int8 channel sym".
  std::string stored_as() const;
  /// @throws Error(internal) where a scale is none, or codes are stored otherwise
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.codes);
    use(self.scales);
    if (self.has_format) use(self.format);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.module, self.codes, self.scales, self.has_format, self.format);
  }
};

/// MLX's integers: X.weight in U32, each row a string of bits, with X.scales and X.biases for groups of a row: code *
/// scale + bias. X.switch_mlp holds all experts of a block, one above the other. What has no X.biases is found as
/// ScaledCodes.
struct MlxGroups {
  std::string module;  ///< X
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t bits = 4;
  std::int64_t group_size = 0;
  TensorSlice codes;   ///< words
  TensorSlice scales;  ///< [out, groups]
  TensorSlice biases;  ///< as the scales
  ElementFormat scale_format = ElementFormat::fp32;

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  /// "int4 g64 affine".
  std::string stored_as() const;
  /// @throws Error(internal) where a scale is none
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.codes);
    use(self.scales);
    use(self.biases);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.module, self.rows, self.cols, self.bits, self.group_size, self.codes, self.scales,
            self.biases, self.scale_format);
  }
};

/// A weight-normed layer: directions v [out, in] and lengths g, W = g v / ||v||, each length and norm that of a row, a
/// column or the whole. X.weight_v and X.weight_g, or X.parametrizations.weight.original1 and .original0.
struct WeightNorm {
  enum class Norm : std::uint8_t { rows, columns, whole };
  friend constexpr Norm last_of(Norm) { return Norm::whole; }

  Norm norm = Norm::rows;
  std::string module;  ///< X
  ElementFormat format = ElementFormat::fp32;
  TensorSlice directions;
  ElementFormat length_format = ElementFormat::fp32;
  TensorSlice lengths;

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const;
  /// "fp32 weight norm".
  std::string stored_as() const;
  /// Reads the directions once, for their norms.
  /// @throws Error(internal) where a norm is 0 or not finite
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.directions);
    use(self.lengths);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.norm, self.module, self.format, self.directions, self.length_format, self.lengths);
  }
};

/// A way that is known and cannot be analysed.
struct Unsupported {
  std::string reason;
  TensorSlice tensor;  ///< its place; rows and columns are not told

  static std::vector<Layer> find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                 const ModelConfig& config);
  WeightShape shape() const { return {}; }
  /// @throws Error(internal) with the reason
  std::unique_ptr<WeightSource> open(LayerFiles& files) const;

  template <class Self, class Use>
  static void for_each_slice(Self& self, Use use) {
    use(self.tensor);
  }
  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.reason, self.tensor);
  }
};

/// In the order in which a tensor is tried.
using StoredLayout = std::variant<BitsAndBytes4, Plain, BitsAndBytes8, GroupedIntegers, MlxGroups,
                                  ScaledCodes, WeightNorm, Unsupported>;

/// Codes with scales, and not numbers; also where they cannot be read.
inline bool is_coded(const StoredLayout& layout) {
  return !std::holds_alternative<Plain>(layout) && !std::holds_alternative<WeightNorm>(layout);
}

/// The layers that a tensor yields, by the first layout that finds any.
std::vector<Layer> layers_of(const StoredTensor& tensor, const CheckpointHeaders& headers,
                             const ModelConfig& config);

/// Calls use(TensorSlice&) for each tensor of a layout.
template <class Layout, class Use>
void for_each_slice(Layout& layout, Use use) {
  std::visit([&](auto& stored) { std::remove_cvref_t<decltype(stored)>::for_each_slice(stored, use); },
             layout);
}

/// Of its first tensor.
inline std::int64_t first_file(const StoredLayout& layout) {
  std::int64_t file = -1;
  for_each_slice(layout, [&](const TensorSlice& slice) { file = file < 0 ? slice.file : file; });
  return file;
}

}  // namespace alphahill
