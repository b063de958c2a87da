/// The arithmetic of the GPU's cast kernels, compiled for the host, against the CPU's casts and survey.
#include "spectrum/backends/device/block_cast.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "alphahill/formats/cast.hpp"

namespace alphahill {
namespace {

constexpr ElementFormat narrow[] = {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16};
constexpr ElementFormat all[] = {ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                 ElementFormat::bf16};

bool same(double one, double other) {
  return std::isnan(one) ? std::isnan(other)
                         : std::bit_cast<std::uint64_t>(one) == std::bit_cast<std::uint64_t>(other);
}

/// Casts every value by both ways, through every chain.
void expect_equal_casts(ElementFormat stored, std::span<const std::byte> bytes) {
  const auto count = bytes.size() / static_cast<std::size_t>(bytes_of(stored));
  std::vector<double> decoded(count);
  std::vector<float> loaded(count);
  std::vector<float> cast_values(count);
  decode(stored, bytes, decoded);
  for (const ElementFormat load : narrow) {
    cast_loaded(load, decoded, loaded);
    for (const ElementFormat precision : all) {
      cast(precision, loaded, cast_values);
      for (std::size_t i = 0; i < count; ++i) {
        const double mine = decode_at(stored, bytes.data(), static_cast<std::int64_t>(i));
        ASSERT_TRUE(same(mine, decoded[i])) << i;
        const float mine_loaded = load_value(load, mine);
        ASSERT_TRUE(same(mine_loaded, loaded[i])) << decoded[i] << " as " << name_of(load);
        ASSERT_TRUE(same(cast_value(precision, mine_loaded), cast_values[i]))
            << loaded[i] << " as " << name_of(precision);
      }
    }
  }
}

TEST(BlockCast, All16BitCodesAreCastAsOnTheCpu) {
  std::vector<std::uint16_t> codes(1 << 16);
  std::iota(codes.begin(), codes.end(), std::uint16_t{0});
  expect_equal_casts(ElementFormat::fp16, std::as_bytes(std::span(codes)));
  expect_equal_casts(ElementFormat::bf16, std::as_bytes(std::span(codes)));
}

/// Beside the floats all over the range: both neighbours of every value of fp16 and bf16 and of every tie
/// between two of them, subnormals, overflows, infinities and NaN among them.
std::vector<float> fp32_edge_cases() {
  std::vector<float> values;
  for (std::uint32_t high = 0; high < 1 << 16; ++high) {
    for (const std::uint32_t low :
         {0U, 1U, 0xFFFU, 0x1000U, 0x1001U, 0x2000U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      values.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  for (std::uint32_t code = 0; code < 1 << 16; ++code) {
    const float value = decode_fp16(static_cast<std::uint16_t>(code));
    for (const float edge : {value, value + 0x1p-25F, value - 0x1p-25F}) {
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(edge);
      for (const std::uint32_t near : {bits - 1, bits, bits + 1})
        values.push_back(std::bit_cast<float>(near));
    }
  }
  return values;
}

TEST(BlockCast, EdgeCasesOfFp32AreCastAsOnTheCpu) {
  const std::vector<float> values = fp32_edge_cases();
  expect_equal_casts(ElementFormat::fp32, std::as_bytes(std::span(values)));
}

TEST(BlockCast, EdgeCasesOfFp64AreCastAsOnTheCpu) {
  std::vector<double> values;
  for (const float edge : fp32_edge_cases()) {
    const double value = edge;
    for (const double factor : {1.0, 1 - 0x1p-52, 1 + 0x1p-52, 1 + 0x1p-26}) values.push_back(value * factor);
  }
  for (const double huge : {1e39, -1e39, 1e300, 1e-300, -1e-46, 0x1p-150, 0x1.8p-150}) values.push_back(huge);
  expect_equal_casts(ElementFormat::fp64, std::as_bytes(std::span(values)));
}

TEST(BlockCast, DifferencesOfEqualBitsAreZeroEvenForNan) {
  const float nan = std::bit_cast<float>(0x7FC00001U);
  EXPECT_EQ(difference_of(nan, nan), 0);
  EXPECT_EQ(difference_of(1.5F, 1.25F), 0.25);
  EXPECT_TRUE(std::isinf(difference_of(1.0F, INFINITY)));
}

}  // namespace
}  // namespace alphahill
