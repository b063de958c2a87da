#include "checkpoint/weights/partner_tensors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/formats/cast.hpp"
#include "checkpoint/weights/partners.hpp"

namespace alphahill {

namespace {

std::string misfit_of(const CheckpointHeaders& headers, const ExpectedTensor& expected) {
  const StoredTensor* found = headers.find(expected.name);
  if (found == nullptr) return fmt::format("{} is missing", expected.name);
  const bool fits = found->shape == expected.shape &&
                    std::ranges::find(expected.dtypes, found->dtype) != expected.dtypes.end();
  if (fits) return {};
  return fmt::format("{}: expected {} [{}], found {}", expected.name, fmt::join(expected.dtypes, " or "),
                     fmt::join(expected.shape, ", "), shown(*found));
}

}  // namespace

std::string misfit(const CheckpointHeaders& headers, std::span<const ExpectedTensor> expected) {
  for (const ExpectedTensor& tensor : expected) {
    std::string found = misfit_of(headers, tensor);
    if (!found.empty()) return found;
  }
  return {};
}

TensorSlice whole_tensor(const StoredTensor& tensor) {
  const std::int64_t rows = tensor.shape.size() < 2 ? 1 : tensor.shape[0];
  const std::int64_t cols = tensor.shape.empty() ? 1 : tensor.shape.back();
  return {.file = tensor.file, .offset = tensor.offset, .rows = rows, .cols = cols, .row_stride = cols};
}

void refuse_values(const std::string& tensor, std::string reason) {
  throw Error(Fault::internal, fmt::format("tensor '{}'", tensor), std::move(reason));
}

std::vector<float> read_scales(LayerFiles& files, const TensorSlice& slice, ElementFormat format,
                               const std::string& tensor) {
  const SliceReader reader(files, slice, bytes_of(format));
  std::vector<float> scales(static_cast<std::size_t>(slice.rows * slice.cols));
  const auto cols = static_cast<std::size_t>(slice.cols);
  std::vector<std::byte> row(cols * static_cast<std::size_t>(bytes_of(format)));
  std::vector<double> values(cols);
  for (std::int64_t i = 0; i < slice.rows; ++i) {
    reader.read({i, 1, 0, slice.cols}, row);
    decode(format, row, values);
    std::ranges::transform(values, scales.begin() + i * slice.cols,
                           [](double value) { return static_cast<float>(value); });
  }
  const auto wrong = std::ranges::find_if_not(scales, [](float scale) { return std::isfinite(scale); });
  if (wrong != scales.end()) {
    refuse_values(tensor, fmt::format("value {} is {}", wrong - scales.begin(), *wrong));
  }
  return scales;
}

void require_not_negative(std::span<const float> scales, const std::string& tensor) {
  const auto wrong = std::ranges::find_if(scales, [](float scale) { return scale < 0; });
  if (wrong == scales.end()) return;
  refuse_values(tensor, fmt::format("value {} is negative: {}", wrong - scales.begin(), *wrong));
}

}  // namespace alphahill
