#include "alphahill/formats/cast.hpp"

#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <cstring>
#include <numeric>
#include <vector>

namespace alphahill {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// CRC-32 of the values, every NaN as the same one; the expected ones are printed by cast_reference.py.
std::uint32_t checksum(std::vector<float> values) {
  for (float& value : values) {
    if (std::isnan(value)) value = nan;
  }
  boost::crc_32_type crc;
  crc.process_bytes(values.data(), values.size() * sizeof(float));
  return crc.checksum();
}

std::vector<float> decoded(ElementFormat stored) {
  std::vector<std::uint16_t> codes(1 << 16);
  std::iota(codes.begin(), codes.end(), std::uint16_t{0});
  std::vector<double> values(codes.size());
  decode(stored, std::as_bytes(std::span(codes)), values);
  return {values.begin(), values.end()};
}

/// A million floats over the whole range of bit patterns.
std::vector<float> floats() {
  std::vector<float> values(1 << 20);
  for (std::uint32_t i = 0; i < values.size(); ++i) values[i] = std::bit_cast<float>(i * 4099U);
  return values;
}

/// A million doubles of 2^-30 … 2^19.
std::vector<double> doubles() {
  std::vector<double> values(1 << 20);
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    const std::uint64_t bits = i * 0x9E3779B97F4A7C15U;
    values[i] = std::bit_cast<double>((bits & 0x800FFFFFFFFFFFFFU) | ((1023 - 30 + bits % 50) << 52));
  }
  return values;
}

std::vector<float> cast_floats(ElementFormat precision) {
  const std::vector<float> from = floats();
  std::vector<float> to(from.size());
  cast(precision, from, to);
  return to;
}

std::vector<float> load_doubles(ElementFormat load) {
  const std::vector<double> from = doubles();
  std::vector<float> to(from.size());
  cast_loaded(load, from, to);
  return to;
}

TEST(Cast, AllFp16CodesDecodeAsInNumpy) {
  EXPECT_EQ(checksum(decoded(ElementFormat::fp16)), 0x3020C7A7U);
}
TEST(Cast, AllBf16CodesDecodeAsInMlDtypes) {
  EXPECT_EQ(checksum(decoded(ElementFormat::bf16)), 0x28C5ED34U);
}
TEST(Cast, Fp32RoundsToFp16AsInNumpy) {
  EXPECT_EQ(checksum(cast_floats(ElementFormat::fp16)), 0x0E8EE693U);
}
TEST(Cast, Fp32RoundsToBf16AsInMlDtypes) {
  EXPECT_EQ(checksum(cast_floats(ElementFormat::bf16)), 0xD4CD6A3FU);
}
TEST(Cast, Fp64RoundsToFp32AsInNumpy) {
  EXPECT_EQ(checksum(load_doubles(ElementFormat::fp32)), 0x9872BAE4U);
}
TEST(Cast, Fp64RoundsToFp16OnceAsInNumpy) {
  EXPECT_EQ(checksum(load_doubles(ElementFormat::fp16)), 0x7BECB6DDU);
}

std::vector<float> cast_doubles(ElementFormat precision) {
  const std::vector<double> from = doubles();
  std::vector<double> to(from.size());
  cast(precision, from, to);
  return {to.begin(), to.end()};
}

TEST(Cast, ValuesLoadedAsFp64AreRoundedOnceAsThoseThatAreStored) {
  for (const ElementFormat precision : {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}) {
    EXPECT_EQ(checksum(cast_doubles(precision)), checksum(load_doubles(precision))) << name_of(precision);
  }
  const std::vector<double> from = doubles();
  std::vector<double> to(from.size());
  cast(ElementFormat::fp64, from, to);
  EXPECT_EQ(to, from);
}

TEST(Cast, Fp32AndFp64HoldEveryLoadedValue) {
  EXPECT_EQ(checksum(cast_floats(ElementFormat::fp32)), checksum(floats()));
  EXPECT_EQ(checksum(cast_floats(ElementFormat::fp64)), checksum(floats()));
}

/// Between two neighbouring values of a 16-bit format lies a tie: it goes to the even code, and a float just
/// beside it to the nearer one.
template <class Decode, class Round>
void expect_nearest_even(Decode decode_code, Round round, std::uint16_t last_finite) {
  for (std::uint16_t code = 0; code < last_finite; ++code) {
    const auto next = static_cast<std::uint16_t>(code + 1);
    const float low = decode_code(code);
    const float high = decode_code(next);
    const float tie = low + (high - low) / 2;
    ASSERT_EQ(round(low), low);
    ASSERT_EQ(round(tie), code % 2 == 0 ? low : high) << code;
    ASSERT_EQ(round(std::nextafter(tie, low)), low) << code;
    ASSERT_EQ(round(std::nextafter(tie, high)), high) << code;
    ASSERT_EQ(round(-tie), -round(tie)) << code;
  }
}

TEST(Cast, EveryTieBetweenFp16ValuesGoesToTheEvenOne) {
  expect_nearest_even(decode_fp16, round_to_fp16, 0x7BFF);
}
TEST(Cast, EveryTieBetweenBf16ValuesGoesToTheEvenOne) {
  expect_nearest_even(decode_bf16, round_to_bf16, 0x7F7F);
}

TEST(Cast, Fp16OverflowsFrom65520On) {
  EXPECT_EQ(round_to_fp16(65519.996F), 65504.0F);
  EXPECT_EQ(round_to_fp16(65520.0F), infinity);
  EXPECT_EQ(round_to_fp16(-65520.0F), -infinity);
  EXPECT_EQ(round_to_fp16(infinity), infinity);
}

TEST(Cast, Bf16OverflowsAtHalfAStepAboveItsLargest) {
  EXPECT_EQ(round_to_bf16(std::bit_cast<float>(0x7F7F7FFFU)), std::bit_cast<float>(0x7F7F0000U));
  EXPECT_EQ(round_to_bf16(std::bit_cast<float>(0x7F7F8000U)), infinity);
}

TEST(Cast, Fp16SubnormalsAreMultiplesOfTheSmallest) {
  EXPECT_EQ(round_to_fp16(0x1p-24F), 0x1p-24F);
  EXPECT_EQ(round_to_fp16(0x1p-25F), 0.0F) << "a tie goes to zero";
  EXPECT_EQ(round_to_fp16(0x1.000002p-25F), 0x1p-24F);
  EXPECT_EQ(round_to_fp16(0x1.8p-24F), 0x1p-23F);
  EXPECT_TRUE(std::signbit(round_to_fp16(-0x1p-26F)));
}

TEST(Cast, NanStaysNan) {
  for (const std::uint32_t bits : {0x7FC00000U, 0x7F800001U, 0xFFFFFFFFU, 0x7FFFFFFFU}) {
    EXPECT_TRUE(std::isnan(round_to_fp16(std::bit_cast<float>(bits))));
    EXPECT_TRUE(std::isnan(round_to_bf16(std::bit_cast<float>(bits))));
  }
  EXPECT_TRUE(std::isnan(round_to_odd_fp32(std::numeric_limits<double>::quiet_NaN())));
}

TEST(Cast, LoadingRoundsOnceWhereTwoRoundingsWouldGoWrong) {
  const double just_above_a_tie = 1.0 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(round_to_fp16(static_cast<float>(just_above_a_tie)), 1.0F);
  EXPECT_EQ(round_to_fp16(round_to_odd_fp32(just_above_a_tie)), 1.0F + 0x1p-10F);
  EXPECT_EQ(round_to_bf16(round_to_odd_fp32(1.0 + 0x1p-8 + 0x1p-40)), 1.0F + 0x1p-7F);
  EXPECT_EQ(round_to_fp16(round_to_odd_fp32(-1e300)), -infinity);
}

TEST(Cast, BlocksOfAnyLengthAndAlignmentAreCastWhole) {
  const std::vector<float> values = floats();
  std::vector<std::byte> bytes(41 * sizeof(float) + 1);
  for (std::size_t count = 0; count <= 40; ++count) {
    std::memcpy(bytes.data() + 1, values.data() + 1000, count * sizeof(float));
    std::vector<double> to(count);
    decode(ElementFormat::fp32, std::span(bytes).subspan(1, count * sizeof(float)), to);
    EXPECT_TRUE(std::equal(to.begin(), to.end(), values.begin() + 1000));
  }
}

}  // namespace
}  // namespace alphahill
