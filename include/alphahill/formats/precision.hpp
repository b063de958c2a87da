/// The precisions that weights are cast to: how a number is coded, which weights share a scale, and how that is
/// chosen.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "alphahill/formats/element_format.hpp"
#include "alphahill/formats/extremes.hpp"

namespace alphahill {

/// Which weights of W [out_features, in_features] share a scale: blocks of consecutive ones, counted from 0. Where
/// features are no multiple, the last block is smaller and has a scale of its own.
struct ScaleGroup {
  static constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();

  std::int64_t out = 1;  ///< features of the block; `all` of them
  std::int64_t in = 1;
  bool over_row_ends = false;  ///< blocks of `in` weights of the flattened W instead; `out` is 1

  std::int64_t count(std::int64_t out_features, std::int64_t in_features) const;
};

/// What a scale is chosen by.
struct ScaleInputs {
  Extremes group;  ///< of the weights that share the scale
  /// Of all weights of the layer, and of its partners'; only where the precision has a second scale, of the tensor.
  Extremes tensor;
};

/// Casts weights that share a scale and lie side by side along in_features: a whole group or a part of one.
/// `from` and `to` have equal length and do not overlap. NaN and Inf among the weights must give NaN or Inf.
/// Returns how many weights are clipped: they lie beyond the ends of the range by more than half a step.
using GroupCast = std::int64_t (*)(std::span<const float> from, const ScaleInputs& inputs,
                                   std::span<float> to);

/// The scales of a precision.
struct Scaling {
  ScaleGroup group = {};
  double bits = 0;  ///< that a group takes besides its weights, for scale and zero point
  GroupCast cast = nullptr;
  bool of_tensor = false;      ///< a second scale, of all weights together
  std::string_view rule = {};  ///< for people
  Extremes partners = {};  ///< of other layers' weights that share the scale of the tensor; none in the table
};

struct Precision {
  /// Rounded weight by weight, without a scale.
  Precision(ElementFormat format)
      : name(name_of(format)), element(format), element_bits(8.0 * static_cast<double>(bytes_of(format))) {}
  Precision(std::string_view its_name, double bits, Scaling its_scaling, std::string_view loader = {})
      : name(its_name), element_bits(bits), scaling(its_scaling), loaded_by(loader) {}

  std::string_view name;                        ///< in options and files
  ElementFormat element = ElementFormat::fp32;  ///< of one without scales
  double element_bits;                          ///< without scales
  Scaling scaling;
  std::string_view loaded_by;  ///< for people

  bool scaled() const { return scaling.cast != nullptr; }
  /// One that all weights of the layer share: engines that fuse projections share it among these.
  bool has_tensor_scale() const {
    return scaled() && (scaling.of_tensor || scaling.group.out == ScaleGroup::all);
  }
  /// With scales.
  double bits_per_weight(std::int64_t out_features, std::int64_t in_features) const;
};

/// The table of precisions: those without scales, widest first, then by bits.
std::span<const Precision> all_precisions();

/// By a name or an alias, in letters of either case.
std::optional<Precision> find_precision(std::string_view name);

/// @throws Error(usage) naming `option` and the nearest names that there are
Precision parse_precision(std::string_view name, std::string_view option);

/// The table for people, in lines: name, group, scale and its rule, bits a weight, who loads it;
/// and which scales several layers may share.
std::string precision_table();

}  // namespace alphahill
