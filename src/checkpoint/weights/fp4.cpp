/// FP4 with scales, two codes to a byte.

#include <fmt/format.h>

#include <array>
#include <string>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/layer_files.hpp"
#include "checkpoint/weights/partners.hpp"
#include "checkpoint/weights/scaled_codes.hpp"

namespace alphahill {

namespace {

using TensorScale = ScaledCodes::TensorScale;

/// A way in which libraries store FP4.
struct Fp4Form {
  std::string_view weights;  ///< behind the layer's name
  std::string_view dtype;
  std::string_view scales;
  ScaleFormat scale_format;
  std::int64_t group;
  TensorScale tensor_scale;
  std::string_view tensor_scale_name;
};
constexpr std::array<Fp4Form, 4> forms{{
    {"weight_packed", "U8", "weight_scale", ScaleFormat::f8_e4m3, 16, TensorScale::divisor,
     "weight_global_scale"},
    {"weight_packed", "U8", "weight_scale", ScaleFormat::f8_e8m0, 32, TensorScale::none, ""},
    {"weight", "U8", "weight_scale", ScaleFormat::f8_e4m3, 16, TensorScale::factor, "weight_scale_2"},
    {"weight", "I8", "scale", ScaleFormat::f8_e8m0, 32, TensorScale::none, ""},
}};

/// One scale for each `group` weights of a row. @throws Misfit
ScaleGrid scales_of_groups(const StoredTensor& scales, const Fp4Form& form, Features features) {
  const TensorSlice values = as_matrix(scales);
  if (values.rows != features.out || checked_multiply(values.cols, form.group) != features.in) {
    throw_misfit(scales, fmt::format("[{}, {} / {}]", features.out, features.in, form.group));
  }
  return {values, form.scale_format, 1, form.group};
}

/// @throws Misfit
ScaledCodes fp4_codes(const CodedTensor& coded, const StoredTensor& scales, const Fp4Form& form,
                      const std::string& stem, Features features) {
  ScaledCodes stored{.format = CodeFormat::f4_e2m1,
                     .bits = 4,
                     .rows = features.out,
                     .cols = features.in,
                     .codes = whole_matrix(coded.tensor),
                     .scales = scales_of_groups(scales, form, features),
                     .scale_name = scales.name,
                     .tensor_scale = form.tensor_scale};
  if (form.tensor_scale != TensorScale::none) {
    const StoredTensor& of_tensor = required(coded.headers, stem + std::string(form.tensor_scale_name));
    stored.tensor_scale_value = one_f32(of_tensor);
    stored.tensor_scale_name = of_tensor.name;
  }
  refuse_partner(coded.headers, stem + "weight_zero_point", "FP4");
  add_group_indices(coded.headers, stem, stored);
  return stored;
}

std::optional<Layer> layer_of_form(const CodedTensor& coded, const Fp4Form& form) {
  const StoredTensor& tensor = coded.tensor;
  const auto stem = without_ending(tensor.name, form.weights);
  if (!stem || !stem->ends_with('.') || tensor.shape.size() != 2 || tensor.dtype != form.dtype) {
    return std::nullopt;
  }
  const StoredTensor* scales = coded.headers.find(std::string(*stem) + std::string(form.scales));
  const auto in = checked_multiply<std::int64_t>(tensor.shape[1], 2);
  if (!in) return std::nullopt;
  const std::string_view name = stem->substr(0, stem->size() - 1);
  const Features features{tensor.shape[0], *in};
  if (scales == nullptr) {
    const bool of_form =
        form.weights == "weight_packed" ||
        (form.tensor_scale != TensorScale::none &&
         coded.headers.find(std::string(*stem) + std::string(form.tensor_scale_name)) != nullptr);
    if (!of_form) return std::nullopt;  // other formats have such a tensor too
    return unsupported_layer(tensor, name, features,
                             fmt::format("{}{} is missing", printable(*stem), form.scales));
  }
  try {
    if (scale_format(*scales) != form.scale_format) return std::nullopt;
    return make_layer(tensor, name, fp4_codes(coded, *scales, form, std::string(*stem), features));
  } catch (const Misfit& reason) {
    return unsupported_layer(tensor, name, features, reason.what());
  }
}

/// compressed-tensors' FP4 whose scales are of no form. @pre no form has found it
std::optional<Layer> with_other_scales(const CodedTensor& coded) {
  const StoredTensor& tensor = coded.tensor;
  const auto name = without_ending(tensor.name, ".weight_packed");
  const StoredTensor* scales = name ? coded.headers.find(std::string(*name) + ".weight_scale") : nullptr;
  if (scales == nullptr || tensor.dtype != "U8" || tensor.shape.size() != 2) return std::nullopt;
  const auto in = checked_multiply<std::int64_t>(tensor.shape[1], 2);
  return unsupported_layer(tensor, *name, {tensor.shape[0], in.value_or(tensor.shape[1])},
                           fmt::format("{}: expected F8_E4M3 (NVFP4) or U8 (MXFP4), found {}",
                                       printable(scales->name), shown(*scales)));
}

}  // namespace

std::optional<Layer> find_fp4(const CodedTensor& coded) {
  for (const Fp4Form& form : forms) {
    if (std::optional<Layer> layer = layer_of_form(coded, form)) return layer;
  }
  return with_other_scales(coded);
}

}  // namespace alphahill
