#include "formats/group_casts.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/base/error.hpp"
#include "formats/minifloat.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr float above_all = std::numeric_limits<float>::infinity();

std::vector<float> cast_of(std::string_view precision, const std::vector<float>& weights,
                           std::optional<Extremes> tensor = {}) {
  ScaleInputs inputs;
  inputs.group.include(weights);
  inputs.tensor = tensor.value_or(inputs.group);
  std::vector<float> rounded(weights.size());
  parse_precision(precision, "precision").scaling.cast(weights, inputs, rounded);
  return rounded;
}

/// The values >= 0 of a format, ascending: codes are those of the mantissa and above it the exponent.
std::vector<float> values_of(int mantissa_bits, int min_exponent, float largest) {
  std::vector<float> values;
  for (int code = 0;; ++code) {
    const int exponent = code >> mantissa_bits;
    const int mantissa = code & ((1 << mantissa_bits) - 1);
    const int whole = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
    values.push_back(
        std::ldexp(static_cast<float>(whole), min_exponent - mantissa_bits + std::max(exponent - 1, 0)));
    if (values.back() == largest) return values;
  }
}

/// By definition: the nearest value, of two the one with an even code.
float nearest_of(const std::vector<float>& values, float magnitude) {
  std::size_t best = 0;
  for (std::size_t code = 1; code < values.size(); ++code) {
    const double error = std::fabs(double{values[code]} - magnitude);
    const double least = std::fabs(double{values[best]} - magnitude);
    if (error < least || (error == least && code % 2 == 0)) best = code;
  }
  return values[best];
}

template <class Format>
void expect_rounding(int mantissa_bits, int min_exponent, float largest) {
  const std::vector<float> values = values_of(mantissa_bits, min_exponent, largest);
  std::vector<float> tried{0x1p-149F, 0x1p-127F, largest};
  for (std::size_t code = 0; code < values.size(); ++code) {
    EXPECT_EQ(Format::round(values[code]), values[code]);
    const float border = code == 0 ? values[1] / 2 : (values[code - 1] + values[code]) / 2;
    for (const float side : {std::nextafter(border, 0.0F), border, std::nextafter(border, above_all)}) {
      tried.push_back(side);
    }
  }
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> uniform(0, largest);
  for (int i = 0; i < 2000; ++i) tried.push_back(uniform(random) * std::ldexp(1.0F, -(i % 20)));
  for (const float value : tried) {
    const float expected = nearest_of(values, value);
    EXPECT_EQ(Format::round(value), expected) << value;
    EXPECT_EQ(Format::round(-value), -expected) << value;
  }
  EXPECT_TRUE(std::isnan(Format::round(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Minifloat, RoundsToTheNearestOfAllCodesAndTiesToEven) {
  expect_rounding<E4m3>(3, -6, 448);
  expect_rounding<E5m2>(2, -14, 57344);
  expect_rounding<E2m3>(3, 0, 7.5);
  expect_rounding<E3m2>(2, -2, 28);
  expect_rounding<E2m1>(1, 0, 6);
}

TEST(GroupCast, SymmetricIntegersUseAllCodesOfTheNegativeSide) {
  // amax/((2^2 - 1)/2) is 2: codes -2 ... 1
  EXPECT_THAT(cast_of("int2", {-3, -1, 1, 2.9F, 3}), ElementsAre(-4, 0, 0, 2, 2));
}

TEST(GroupCast, AsymmetricIntegersHoldZero) {
  // (9 - 0)/(2^2 - 1) is 3, and the zero point the lowest code
  EXPECT_THAT(cast_of("int2_asym", {0, 1, 2, 5, 9}), ElementsAre(0, 0, 3, 6, 9));
  EXPECT_THAT(cast_of("int2_asym", {-9, 0}), ElementsAre(-9, 0));
}

TEST(GroupCast, ScalesOfMxfp4FollowTheirRules) {
  // Of 7: 2^(2 - 2) clips, and 7 is so near to 8 that compressed-tensors and ModelOpt take 2.
  EXPECT_THAT(cast_of("mxfp4", {7, 1.2F}), ElementsAre(8, 1));
  EXPECT_THAT(cast_of("mxfp4_ceil", {7, 1.2F}), ElementsAre(8, 1));
  EXPECT_THAT(cast_of("mxfp4_ocp", {7, 1.2F}), ElementsAre(6, 1));
  // 6.5 is not: compressed-tensors clips as OCP does.
  EXPECT_THAT(cast_of("mxfp4", {6.5F, 1.2F}), ElementsAre(6, 1));
  EXPECT_THAT(cast_of("mxfp4_ceil", {6.5F, 1.2F}), ElementsAre(6, 1));
}

TEST(GroupCast, Nvfp4ScalesAGroupByTheLargestWeightOfTheTensor) {
  Extremes tensor;
  tensor.include(std::vector<float>{2688});  // G is 1
  EXPECT_THAT(cast_of("nvfp4", {6, 3.4F, -0.2F}, tensor), ElementsAre(6, 3, -0.0F));
  EXPECT_THAT(cast_of("nvfp4", {0x1p-12F}, tensor), ElementsAre(0)) << "its scale is 0, replaced by 1/8";
}

TEST(GroupCast, Nf4IsSymmetricAtItsEndsOnly) {
  EXPECT_THAT(cast_of("nf4", {-2, -1.4F, 0.07F, 1.4F, 2}),
              ElementsAre(-2, 2 * -0.6961928F, 0.0F, 2 * 0.72295684F, 2));
}

std::int64_t clipped_of(std::string_view precision, const std::vector<float>& weights) {
  ScaleInputs inputs;
  inputs.group.include(weights);
  inputs.tensor = inputs.group;
  std::vector<float> rounded(weights.size());
  return parse_precision(precision, "precision").scaling.cast(weights, inputs, rounded);
}

TEST(GroupCast, WeightsMoreThanHalfAStepBeyondTheRangeAreClipped) {
  // Scales 1, so that the range ends at 6, and 2.
  EXPECT_EQ(clipped_of("mxfp4_ocp", {7, 7.5F, -7.9F, 6.9F, 1}), 2);
  EXPECT_EQ(clipped_of("mxfp4", {7, 7.5F, -7.9F, 6.9F, 1}), 0);
  // Scale 1, up to 28 in steps of 4.
  EXPECT_EQ(clipped_of("mxfp6_e3m2", {30, 31, -31, 29, 1}), 2);
}

class EveryScaledPrecision : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryScaledPrecision, KeepsZerosAndTellsOfNanAndInf) {
  EXPECT_THAT(cast_of(GetParam(), {0, 0, -0.0F, 0}), Each(0.0F));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), above_all, -above_all}) {
    const std::vector<float> rounded = cast_of(GetParam(), {1, bad, -1, 0.5F});
    EXPECT_FALSE(std::isfinite(rounded[1])) << bad;
  }
}

TEST_P(EveryScaledPrecision, ClipsNothingWhoseScaleIsChosenByTheLargestWeight) {
  std::mt19937 random(1);
  std::student_t_distribution<float> heavy_tails(3);
  std::int64_t clipped = 0;
  for (int group = 0; group < 1000; ++group) {
    std::vector<float> weights(32);
    for (float& weight : weights) weight = heavy_tails(random);
    clipped += clipped_of(GetParam(), weights);
  }
  const bool scale_may_be_too_small = GetParam() == "mxfp4_ocp" || GetParam() == "mxfp6_e3m2";
  EXPECT_EQ(clipped > 0, scale_may_be_too_small) << clipped;
}

TEST_P(EveryScaledPrecision, IsNearTheWeightsWhateverTheirSize) {
  for (const float size : {0x1p-110F, 1.0F, 0x1p100F}) {
    const std::vector<float> weights{size, -size / 2, size / 3, 0.9F * size};
    const std::vector<float> rounded = cast_of(GetParam(), weights);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_LE(std::fabs(rounded[i] - weights[i]), 0.7F * size) << GetParam() << " of " << weights[i];
    }
  }
}

/// Any number of weights, so that vectors and what remains of them are both used.
TEST_P(EveryScaledPrecision, RoundsAWeightWhereverItStands) {
  std::vector<float> weights;
  for (int i = 0; i < 67; ++i) weights.push_back(std::sin(static_cast<float>(i)));
  const std::vector<float> rounded = cast_of(GetParam(), weights);
  std::rotate(weights.begin(), weights.begin() + 5, weights.end());
  const std::vector<float> rotated = cast_of(GetParam(), weights);
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(rotated[i], rounded[(i + 5) % weights.size()]);
}

std::vector<std::string_view> scaled_names() {
  std::vector<std::string_view> names;
  for (const Precision& precision : all_precisions()) {
    if (precision.scaled()) names.push_back(precision.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, EveryScaledPrecision, testing::ValuesIn(scaled_names()));

constexpr std::int64_t row = 4096;

std::vector<float> normal_weights() {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> weights(64 * row);
  std::ranges::generate(weights, [&] { return normal(random); });
  return weights;
}

/// ||cast - W|| / ||W||.
double relative_error(std::string_view name, const std::vector<float>& weights) {
  const Precision precision = parse_precision(name, "precision");
  const auto group = static_cast<std::size_t>(std::min(precision.scaling.group.in, row));
  ScaleInputs inputs;
  inputs.tensor.include(weights);
  std::vector<float> rounded(weights.size());
  double squares = 0, errors = 0;
  for (std::size_t first = 0; first < weights.size(); first += group) {
    const std::span part = std::span(weights).subspan(first, group);
    inputs.group = {};
    inputs.group.include(part);
    precision.scaling.cast(part, inputs, std::span(rounded).subspan(first, group));
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    squares += double{weights[i]} * weights[i];
    errors += std::pow(double{rounded[i]} - weights[i], 2);
  }
  return std::sqrt(errors / squares);
}

/// Values measured with numpy, by the definitions.
TEST(GroupCast, ErrorsOfNormalWeightsAreThoseOfTheFormats) {
  const std::vector<float> weights = normal_weights();
  for (const auto& [name, expected] : std::vector<std::pair<std::string_view, double>>{
           {"int8", .00865},          {"int8_g128", .00652},    {"fp8_e4m3", .02646},  {"mxfp8", .02655},
           {"mxfp6_e3m2", .0540},     {"mxfp6_e2m3", .0284},    {"nvfp4", .0951},      {"nf4", .0920},
           {"mxfp4_ocp", .1150},      {"mxfp4", .1119},         {"mxfp4_ceil", .1154}, {"int6_g128", .0264},
           {"int6_g64", .0245},       {"int6_g32", .0226},      {"int5_g128", .0536},  {"int5_g64", .0498},
           {"int5_g32", .0459},       {"int4_g128", .1109},     {"int4_g64", .1029},   {"int4_g32", .0949},
           {"int4_g128_asym", .1006}, {"int4_g32_asym", .0807}, {"int3_g128", .237},   {"int3_g64", .220},
           {"int3_g32", .203},        {"int2_g128", .549},      {"int2_g64", .511},    {"int2_g32", .472},
           {"int2_g64_asym", .456}}) {
    EXPECT_NEAR(relative_error(name, weights) / expected, 1, 0.01) << name;
  }
}

TEST(Precision, IsFoundByAnAliasAndInEitherCase) {
  EXPECT_EQ(parse_precision("FP8", "precisions").name, "fp8_e4m3");
  EXPECT_EQ(parse_precision("fp4", "precisions").name, "nvfp4");
  EXPECT_EQ(parse_precision("Int4_G128_Asym", "precisions").name, "int4_g128_asym");
}

std::string refusal_of(std::string_view name) {
  try {
    parse_precision(name, "--precisions");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Precision, ThatThereIsNotIsToldTheNearest) {
  EXPECT_EQ(refusal_of("int4_sym"),
            "--precisions: 'int4_sym' is no precision, did you mean int4 or int4_asym? alpha-hill --help "
            "formats lists "
            "all");
  EXPECT_THAT(refusal_of("int4_128"), testing::HasSubstr("int4_g128"));
  EXPECT_THAT(refusal_of("fp6"), testing::HasSubstr("mxfp6_e2m3"));
  EXPECT_THAT(refusal_of("fp16 int4"), testing::HasSubstr("with commas between"));
}

TEST(Precision, CountsTheBitsOfItsScales) {
  const auto bits = [](std::string_view name) {
    return parse_precision(name, "").bits_per_weight(256, 4096);
  };
  EXPECT_EQ(bits("bf16"), 16);
  EXPECT_EQ(bits("int4_g128"), 4.125);
  EXPECT_EQ(bits("mxfp4"), 4.25);
  EXPECT_EQ(bits("nvfp4"), 4.5);
  EXPECT_EQ(bits("nf4"), 4.5);
  EXPECT_EQ(bits("fp8_e4m3"), 8 + 32.0 / 4096);
  EXPECT_EQ(parse_precision("int4_g128", "").bits_per_weight(2, 200), 4 + 2 * 16 / 200.0)
      << "with a partial group";
}

}  // namespace
}  // namespace alphahill
