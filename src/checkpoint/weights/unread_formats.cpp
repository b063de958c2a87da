#include "checkpoint/weights/unread_formats.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

#include "alphahill/base/checked.hpp"
#include "checkpoint/catalog/stored_layer.hpp"

namespace alphahill {

namespace {

using Tensor = const StoredTensor&;

/// A format, known by the tensor of a module X that holds its codes and by one beside that.
struct UnreadFormat {
  std::string_view name;
  std::string_view codes;    ///< behind "X"
  std::string_view partner;  ///< likewise; empty where the codes alone tell
  Features (*features)(Tensor codes, Tensor partner);
};

/// Of that number, or 1 where there are fewer, times the factor; a hostile shape whose product overflows stays.
std::int64_t side(Tensor tensor, std::size_t number, std::int64_t factor = 1) {
  const std::int64_t count = number < tensor.shape.size() ? tensor.shape[number] : 1;
  return checked_multiply(count, factor).value_or(count);
}

Features as_stored(Tensor codes, Tensor /*unused*/) {
  return {side(codes, 0), side(codes, 1)};
}
Features exl2(Tensor codes, Tensor permutation) {
  return {side(codes, 1), side(permutation, 0)};
}
Features exl3(Tensor codes, Tensor /*unused*/) {
  constexpr std::int64_t tile = 16;
  return {side(codes, 1, tile), side(codes, 0, tile)};
}
Features aqlm(Tensor codes, Tensor codebooks) {
  return {side(codes, 0, side(codebooks, 2)), side(codes, 1, side(codebooks, 3))};
}
Features vptq(Tensor /*unused*/, Tensor indices) {
  return {side(indices, 1), side(indices, 2)};
}
Features quip(Tensor codes, Tensor signs_of_inputs) {
  return {side(codes, 0), side(signs_of_inputs, 0)};
}
Features sparse(Tensor /*unused*/, Tensor mask) {
  return {side(mask, 0), side(mask, 1, 8)};
}
/// @tparam inputs  to a row of codes
template <std::int64_t inputs>
Features marlin(Tensor codes, Tensor scales) {
  return {side(scales, 1), side(codes, 0, inputs)};
}

constexpr std::array<UnreadFormat, 13> formats{{
    {"EXL2", ".q_weight", ".q_invperm", exl2},
    {"EXL3", ".trellis", ".svh", exl3},
    {"HQQ", ".W_q", "", as_stored},
    {"AQLM", ".codes", ".codebooks", aqlm},
    {"VPTQ", ".centroids.weight", ".indices", vptq},
    {"torchao", "._weight_qdata", "", as_stored},
    {"QuIP#", ".Qidxs", ".SU", quip},
    {"SpQR", ".dense_weights", ".row_offsets", as_stored},
    {"compressed-tensors sparse with a bitmask", ".compressed", ".bitmask", sparse},
    {"compressed-tensors sparse with a bitmask", ".weight.compressed", ".weight.bitmask", sparse},
    {"Marlin", ".B", ".s", marlin<16>},
    {"QQQ", ".B", ".s_channel", marlin<16>},
    {"Marlin 2:4", ".weight_packed", ".scale_packed",
     marlin<32>},  // half of the weights are 0, without codes
}};

bool is_plain(Tensor tensor) {
  return format_of(tensor.dtype).has_value();
}

/// VPTQ: centroids of the residuals and of outliers are called as the weights of modules inside X.
bool is_further_centroids(std::string_view name, const CheckpointHeaders& headers) {
  const auto module = without_ending(name, "_centroids.weight");
  if (!module) return false;
  const auto parent = module->substr(0, module->rfind('.') + 1);
  return headers.find(std::string(parent) + "indices") != nullptr;
}

}  // namespace

std::optional<std::vector<Layer>> layers_of_unread_format(const StoredTensor& tensor,
                                                          const CheckpointHeaders& headers) {
  for (const UnreadFormat& format : formats) {
    // The longer of two endings that fit is another format's: X.weight is no module.
    const auto module = without_ending(tensor.name, format.codes);
    if (!module || module->ends_with(".weight")) continue;
    const StoredTensor* partner = headers.find(fmt::format("{}{}", *module, format.partner));
    if (format.partner.empty()) partner = &tensor;
    if (partner == nullptr || (is_plain(tensor) && is_plain(*partner))) continue;
    return std::vector{
        unsupported_layer(tensor, *module, format.features(tensor, *partner), pre_quantized(format.name))};
  }
  if (is_further_centroids(tensor.name, headers)) return std::vector<Layer>{};
  return std::nullopt;
}

}  // namespace alphahill
