#include "checkpoint/weights/partners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "alphahill/base/text.hpp"

namespace alphahill {

std::string shown(const StoredTensor& tensor) {
  return fmt::format("{} [{}]", tensor.dtype, fmt::join(tensor.shape, ", "));
}

void throw_misfit(const StoredTensor& tensor, std::string_view expected) {
  throw Misfit(fmt::format("{}: expected {}, found {}", printable(tensor.name), expected, shown(tensor)));
}

const StoredTensor& required(const CheckpointHeaders& headers, const std::string& name) {
  const StoredTensor* tensor = headers.find(name);
  if (tensor == nullptr) throw Misfit(fmt::format("{} is missing", printable(name)));
  return *tensor;
}

void refuse_partner(const CheckpointHeaders& headers, const std::string& name, std::string_view codes) {
  if (headers.find(name) == nullptr) return;
  throw Misfit(fmt::format("{} beside {} is not read", printable(name), codes));
}

ScaleFormat scale_format(const StoredTensor& scales) {
  struct Named {
    std::string_view dtype;
    ScaleFormat format;
  };
  constexpr std::array<Named, 6> formats{{{"F32", ScaleFormat::f32},
                                          {"F16", ScaleFormat::f16},
                                          {"BF16", ScaleFormat::bf16},
                                          {"F8_E8M0", ScaleFormat::f8_e8m0},
                                          {"U8", ScaleFormat::f8_e8m0},
                                          {"F8_E4M3", ScaleFormat::f8_e4m3}}};
  const auto* found = std::ranges::find(formats, scales.dtype, &Named::dtype);
  if (found == formats.end()) throw_misfit(scales, "F32, F16, BF16, F8_E8M0, U8 or F8_E4M3");
  return found->format;
}

TensorSlice one_f32(const StoredTensor& tensor) {
  const TensorSlice value = as_matrix(tensor);
  if (tensor.dtype != "F32" || value.rows != 1 || value.cols != 1) throw_misfit(tensor, "one F32");
  return value;
}

TensorSlice as_matrix(const StoredTensor& tensor) {
  if (tensor.shape.size() > 2) throw_misfit(tensor, "at most two dimensions");
  const std::int64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();
  const std::int64_t cols = tensor.shape.size() == 2 ? tensor.shape.back() : 1;
  return {.file = tensor.file, .offset = tensor.offset, .rows = rows, .cols = cols, .row_stride = cols};
}

}  // namespace alphahill
