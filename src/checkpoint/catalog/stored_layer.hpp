/// From a stored tensor to a layer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// X of a tensor's name X + ending; nothing where the name does not end so or is the ending alone.
std::optional<std::string_view> without_ending(std::string_view name, std::string_view ending);

/// Endings of the names of a weight-normed layer's directions and lengths, before torch 2.1 and since.
struct WeightNormEndings {
  std::string_view directions;
  std::string_view lengths;
};
inline constexpr std::array<WeightNormEndings, 2> weight_norm_endings{
    {{".weight_v", ".weight_g"},
     {".parametrizations.weight.original1", ".parametrizations.weight.original0"}}};

/// The layer of that name which the tensor holds so; its category is not set.
Layer make_layer(const StoredTensor& tensor, std::string_view name, StoredLayout layout);

/// Features on the two sides of a layer.
struct Features {
  std::int64_t out;
  std::int64_t in;
};

/// A layer that is Unsupported for this reason.
/// @throws Error(input) for features whose product overflows: a shape with a 0 in front may hold any number
Layer unsupported_layer(const StoredTensor& tensor, std::string_view name, Features features,
                        const std::string& reason);

/// The reason why a layer in codes of that scheme is Unsupported.
std::string pre_quantized(std::string_view scheme);

}  // namespace alphahill
