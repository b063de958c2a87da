/// The precisions that weights are cast to: how a number is coded, which weights share a scale, and how that is
/// chosen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "alphahill/formats/element_format.hpp"

namespace alphahill {

/// Which weights of W [out_features, in_features] share a scale: blocks of consecutive ones, counted from 0.
struct ScaleGroup {
  static constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();

  std::int64_t out = 1;  ///< features of the block; `all` of them
  std::int64_t in = 1;
};

/// The smallest and the largest of some weights.
struct Extremes {
  float lowest = std::numeric_limits<float>::infinity();
  float highest = -std::numeric_limits<float>::infinity();

  void include(std::span<const float> weights) {
    for (const float weight : weights) {
      lowest = std::min(lowest, weight);
      highest = std::max(highest, weight);
    }
  }
  float largest_magnitude() const { return std::max(std::fabs(lowest), std::fabs(highest)); }
};

/// What a scale is chosen by.
struct ScaleInputs {
  Extremes group;   ///< of the weights that share the scale
  Extremes tensor;  ///< of all weights of the layer; only where the precision has a scale of the tensor
};

/// Casts weights that share a scale and lie side by side along in_features: a whole group or a part of one.
/// `from` and `to` have equal length and do not overlap. NaN and Inf among the weights must give NaN or Inf.
using GroupCast = void (*)(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

struct Precision {
  /// Rounded weight by weight, without a scale.
  Precision(ElementFormat format)
      : name(name_of(format)),
        element(format),
        bits_per_weight(8.0 * static_cast<double>(bytes_of(format))) {}
  /// With scales.
  Precision(std::string_view its_name, ElementFormat coded_as, double bits, ScaleGroup shared_by,
            GroupCast cast_of_group, bool with_tensor_scale = false)
      : name(its_name),
        element(coded_as),
        bits_per_weight(bits),
        group(shared_by),
        cast_group(cast_of_group),
        tensor_scale(with_tensor_scale) {}

  std::string_view name;   ///< in options and files
  ElementFormat element;   ///< how a number is coded
  double bits_per_weight;  ///< with scales
  ScaleGroup group;
  GroupCast cast_group = nullptr;
  bool tensor_scale = false;  ///< a second scale, of all weights together

  bool scaled() const { return cast_group != nullptr; }
};

/// The table of precisions, widest first.
std::span<const Precision> all_precisions();

/// "fp64, fp32, fp16, bf16".
std::string precision_names();

std::optional<Precision> find_precision(std::string_view name);

/// @throws Error(usage) naming `option` and the precisions that there are
Precision parse_precision(std::string_view name, std::string_view option);

}  // namespace alphahill
