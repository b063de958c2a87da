#include "checkpoint/weights/scales.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/formats/cast.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/weights/partner_tensors.hpp"

namespace alphahill {

namespace {

template <class NumberOf>
void decode_halves(std::span<const std::byte> bytes, std::span<float> to, const NumberOf& number_of) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    std::uint16_t code = 0;
    std::memcpy(&code, &bytes[i * sizeof code], sizeof code);
    to[i] = number_of(code);
  }
}

void decode_scales(ScaleFormat format, std::span<const std::byte> bytes, std::span<float> to) {
  switch (format) {
    case ScaleFormat::f32:
      std::memcpy(to.data(), bytes.data(), bytes.size());
      return;
    case ScaleFormat::f16:
      return decode_halves(bytes, to, decode_fp16);
    case ScaleFormat::bf16:
      return decode_halves(bytes, to, decode_bf16);
    case ScaleFormat::f8_e8m0:
      return decode_f8_e8m0(bytes, to);
    case ScaleFormat::f8_e4m3:
      return decode_f8_e4m3(bytes, to);
  }
}

bool is_scale(float value) {
  return value >= 0 && std::isfinite(value);
}

}  // namespace

std::int64_t bytes_of(ScaleFormat format) {
  constexpr std::array<std::int64_t, 5> bytes{4, 2, 2, 1, 1};
  return bytes.at(static_cast<std::size_t>(format));
}

Scales::Scales(LayerFiles& files, const ScaleGrid& grid, std::string_view name)
    : format_(grid.format),
      cols_(grid.values.cols),
      values_(static_cast<std::size_t>(grid.values.rows * grid.values.cols * bytes_of(grid.format))) {
  SliceReader(files, grid.values, bytes_of(grid.format))
      .read({0, grid.values.rows, 0, grid.values.cols}, values_);
  std::vector<float> row(static_cast<std::size_t>(cols_));
  for (std::int64_t i = 0; i < grid.values.rows; ++i) {
    decode(i, 0, row);
    const auto found = std::ranges::find_if_not(row, is_scale);
    if (found == row.end()) continue;
    const auto scale = std::isnan(*found) ? std::abs(*found) : *found;  // a NaN's sign says nothing
    throw Error(
        Fault::internal, std::string(name),
        fmt::format("expected scales of at least 0, found {} at ({}, {})", scale, i, found - row.begin()));
  }
}

void Scales::decode(std::int64_t row, std::int64_t first, std::span<float> to) const {
  const auto size = static_cast<std::size_t>(bytes_of(format_));
  const auto begin = static_cast<std::size_t>(row * cols_ + first) * size;
  decode_scales(format_, std::span(values_).subspan(begin, to.size() * size), to);
}

std::uint32_t packed_integer(std::span<const std::uint32_t> words, std::int64_t begin, std::int64_t bits,
                             std::int64_t stride) {
  const auto word = [&](std::int64_t number) -> std::uint64_t {
    const auto at = static_cast<std::size_t>(number * stride);
    return at < words.size() ? words[at] : 0;
  };
  const std::uint64_t pair = word(begin / 32) | word(begin / 32 + 1) << 32;
  return static_cast<std::uint32_t>(pair >> (begin % 32)) & ((1U << bits) - 1);
}

double read_tensor_scale(LayerFiles& files, const ScaledCodes& stored) {
  using TensorScale = ScaledCodes::TensorScale;
  if (stored.tensor_scale == TensorScale::none) return 1;
  const float value = read_values<float>(files, stored.tensor_scale_value).front();
  if (is_positive(value)) return value;
  throw Error(Fault::internal, stored.tensor_scale_name,
              fmt::format("expected a positive number, found {}", value));
}

ZeroPoints::ZeroPoints(LayerFiles& files, const ScaledCodes& stored) : cols_(stored.scales.values.cols) {
  const std::int64_t rows = stored.scales.values.rows;
  values_.reserve(static_cast<std::size_t>(rows * cols_));
  if (stored.zero_points == ScaledCodes::ZeroPoints::int8) {
    const auto codes = read_values<std::int8_t>(files, stored.zero_point_values);
    values_.assign(codes.begin(), codes.end());
    return;
  }
  const auto words = read_values<std::uint32_t>(files, stored.zero_point_values);
  const std::int64_t in_word = 32 / stored.bits;
  const bool in_words = stored.zero_points == ScaledCodes::ZeroPoints::words;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t begin =
        in_words ? row / in_word * 32 + row % in_word * stored.bits : row * stored.bits;
    for (std::int64_t col = 0; col < cols_; ++col) {
      const auto column = std::span(words).subspan(static_cast<std::size_t>(col));
      values_.push_back(static_cast<std::int16_t>(packed_integer(column, begin, stored.bits, cols_)));
    }
  }
}

void ZeroPoints::decode(std::int64_t row, std::int64_t first, std::span<float> to) const {
  std::copy_n(values_.begin() + row * cols_ + first, to.size(), to.begin());
}

}  // namespace alphahill
