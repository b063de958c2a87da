/// compressed-tensors' integers, packed into words of 32 bits.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scaled_codes.hpp"

namespace alphahill {

namespace {

using ZeroPointFormat = ScaledCodes::ZeroPoints;

struct Packing {
  std::int32_t bits;
  bool in_words;  ///< no code crosses two words, as until version 0.17 where the bits do not divide 32
};

std::int64_t words_of(Packing packing, std::int64_t codes) {
  if (packing.in_words) return divide_rounding_up(codes, 32 / packing.bits);
  return codes / 32 * packing.bits + divide_rounding_up(codes % 32 * packing.bits, 32);
}

/// The numbers in X.weight_shape. @throws Misfit
Features stored_shape(const StoredTensor& tensor) {
  Features features{};
  if (tensor.shape != std::vector<std::int64_t>{2} || (tensor.dtype != "I64" && tensor.dtype != "I32")) {
    throw_misfit(tensor, "I64 [2]");
  }
  if (tensor.dtype == "I64" && tensor.contents.size() == sizeof features) {
    std::memcpy(&features, tensor.contents.data(), sizeof features);
  } else if (std::array<std::int32_t, 2> narrow{}; tensor.contents.size() == sizeof narrow) {
    std::memcpy(&narrow, tensor.contents.data(), sizeof narrow);
    features = {narrow[0], narrow[1]};
  }
  return features;
}

std::vector<Packing> fitting(const std::vector<std::int64_t>& bits, std::int64_t in, std::int64_t words) {
  std::vector<Packing> packings;
  for (const std::int64_t b : bits) {
    for (const bool in_words : {false, true}) {
      const Packing packing{static_cast<std::int32_t>(b), in_words};
      const bool another = !in_words || 32 % b != 0;
      if (another && words_of(packing, in) == words) packings.push_back(packing);
    }
  }
  return packings;
}

/// By the bits of config.json; where it names none, and several fit, by words * 32 / in.
/// @throws Misfit
Packing packing_of(const CodedTensor& coded, std::int64_t in) {
  const auto& known = coded.config.integer_bits;
  std::vector<std::int64_t> bits;
  for (std::int64_t b = 2; b <= 8; ++b) {
    if (known.empty() || std::ranges::find(known, b) != known.end()) bits.push_back(b);
  }
  const std::int64_t words = coded.tensor.shape[1];
  std::vector<Packing> packings = fitting(bits, in, words);
  if (known.empty() && packings.size() > 1) {
    std::erase_if(packings, [&](const Packing& packing) {
      return packing.in_words ||
             checked_multiply<std::int64_t>(in, packing.bits) != checked_multiply<std::int64_t>(words, 32);
    });
  }
  if (packings.size() == 1) return packings.front();
  throw_misfit(coded.tensor, fmt::format("a width that says how {} integers of {} bits are packed", in,
                                         fmt::join(bits, " or ")));
}

/// @throws Misfit
ScaleGrid scale_grid(const StoredTensor& scales, Features features) {
  const TensorSlice values = as_matrix(scales);
  const ScaleFormat format = scale_format(scales);
  const BlockSize whole{std::max<std::int64_t>(features.out, 1), std::max<std::int64_t>(features.in, 1)};
  if (values.rows == 1 && values.cols == 1) return {values, format, whole.rows, whole.cols};
  if (values.rows != features.out || values.cols == 0 || features.in % values.cols != 0) {
    throw_misfit(scales, fmt::format("[{}, groups of equal size of {} columns]", features.out, features.in));
  }
  return {values, format, 1, std::max<std::int64_t>(features.in / values.cols, 1)};
}

/// Packed as the codes are. @throws Misfit
void add_packed_zero_points(const StoredTensor& zero_points, Packing packing, ScaledCodes& stored) {
  const TensorSlice values = as_matrix(zero_points);
  const TensorSlice& scales = stored.scales.values;
  const std::int64_t words = words_of(packing, scales.rows);
  if (zero_points.dtype != "I32" || values.cols != scales.cols || values.rows != words) {
    throw_misfit(zero_points, fmt::format("I32 [{}, {}], {} of {} bits a column", words, scales.cols,
                                          scales.rows, stored.bits));
  }
  stored.zero_points = packing.in_words ? ZeroPointFormat::words : ZeroPointFormat::bit_string;
  stored.zero_point_values = values;
}

/// @param features  those of weight_shape
/// @throws Misfit
ScaledCodes packed_codes(const CodedTensor& coded, const std::string& stem, Features features) {
  if (features.out != coded.tensor.shape[0] || features.in < 0) {
    throw_misfit(coded.tensor, fmt::format("the codes of {} x {} weights, as weight_shape says", features.out,
                                           features.in));
  }
  const Packing packing = packing_of(coded, features.in);
  if (!checked_multiply<std::int64_t>(coded.tensor.shape[1], sizeof(std::uint32_t))) {  // there is no row
    throw_misfit(coded.tensor, "rows that a file can hold");
  }
  ScaledCodes stored{.format = packing.in_words ? CodeFormat::words : CodeFormat::bit_string,
                     .bits = packing.bits,
                     .rows = features.out,
                     .cols = features.in,
                     .codes = in_bytes(whole_matrix(coded.tensor)),
                     .scales = scale_grid(required(coded.headers, stem + "weight_scale"), features),
                     .scale_name = stem + "weight_scale"};
  if (const auto* zeros = coded.headers.find(stem + "weight_zero_point")) {
    add_packed_zero_points(*zeros, packing, stored);
  }
  add_group_indices(coded.headers, stem, stored);
  return stored;
}

}  // namespace

std::optional<Layer> find_packed(const CodedTensor& coded) {
  const StoredTensor& tensor = coded.tensor;
  const auto name = without_ending(tensor.name, ".weight_packed");
  if (!name || tensor.shape.size() != 2 || tensor.dtype != "I32") return std::nullopt;
  const std::string stem = std::string(*name) + '.';
  try {
    const Features features = stored_shape(required(coded.headers, stem + "weight_shape"));
    return make_layer(tensor, *name, packed_codes(coded, stem, features));
  } catch (const Misfit& reason) {
    return unsupported_layer(tensor, *name, {tensor.shape[0], tensor.shape[1]}, reason.what());
  }
}

}  // namespace alphahill
