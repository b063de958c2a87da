#include "report/plots/series_style.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>

namespace alphahill {
namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

Triple operator*(const Matrix& matrix, const Triple& vector) {
  Triple product{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) product.at(i) += matrix.at(i).at(j) * vector.at(j);
  }
  return product;
}

/// Intensities of red, green and blue light: IEC 61966-2-1.
Triple light_of(Colour colour) {
  Triple light{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double code = (colour >> (16 - 8 * i) & 0xFFU) / 255.0;
    light.at(i) = code <= 0.04045 ? code / 12.92 : std::pow((code + 0.055) / 1.055, 2.4);
  }
  return light;
}

/// CIE L*a*b* at white point D65.
Triple lab_of(const Triple& light) {
  constexpr Matrix xyz_of_light{{{0.4124564, 0.3575761, 0.1804375},
                                 {0.2126729, 0.7151522, 0.0721750},
                                 {0.0193339, 0.1191920, 0.9503041}}};
  const Triple xyz = xyz_of_light * light;
  const Triple white_xyz = xyz_of_light * Triple{1, 1, 1};
  Triple f{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double part = xyz.at(i) / white_xyz.at(i);
    f.at(i) = part > 216.0 / 24389 ? std::cbrt(part) : (24389.0 / 27 * part + 16) / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

/// What somebody sees whose eyes turn light into other light.
Triple lab_seen(const Matrix& eyes, Colour colour) {
  Triple light = eyes * light_of(colour);
  for (double& part : light) part = std::clamp(part, 0.0, 1.0);
  return lab_of(light);
}

/// The least CIE 1976 distance between two of the first styles' colours.
double least_distance(const Matrix& eyes) {
  double least = 1e9;
  for (std::size_t i = 0; i < distinct_styles; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Triple a = lab_seen(eyes, series_colour(i));
      const Triple b = lab_seen(eyes, series_colour(j));
      least = std::min(least, std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
    }
  }
  return least;
}

using Look = std::tuple<Shape, bool, Colour>;

Look look_of(std::size_t style) {
  const Marker marker = series_marker(style);
  return {marker.shape, marker.hollow, marker.colour};
}

TEST(SeriesStyle, AtLeastSixteenSeriesHaveShapesOfTheirOwn) {
  static_assert(distinct_styles >= 16);
  std::set<std::pair<Shape, bool>> shapes;
  for (std::size_t i = 0; i < distinct_styles; ++i) {
    shapes.emplace(series_marker(i).shape, series_marker(i).hollow);
  }
  EXPECT_EQ(shapes.size(), distinct_styles);
  EXPECT_FALSE(shapes.contains({Shape::cross, false})) << "that is the mark of a missing figure";
}

TEST(SeriesStyle, TheirColoursAreFarApart) {
  constexpr Matrix all_cones{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  EXPECT_GE(least_distance(all_cones), 25);
}

TEST(SeriesStyle, TheirColoursAreApartForTheColourBlind) {
  // Machado, Oliveira, Fernandes (2009), severity 1.
  constexpr Matrix red_blind{
      {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}};
  constexpr Matrix green_blind{
      {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}};
  EXPECT_GE(least_distance(red_blind), 16);
  EXPECT_GE(least_distance(green_blind), 16);
}

TEST(SeriesStyle, ColoursStandOutFromAWhitePage) {
  for (std::size_t i = 0; i < distinct_styles; ++i) {
    EXPECT_LE(lab_of(light_of(series_colour(i)))[0], 78) << fmt::format("#{:06x}", series_colour(i));
  }
}

TEST(SeriesStyle, MoreSeriesStillDifferInShapeOrColour) {
  std::set<Look> looks;
  for (std::size_t i = 0; i < 100; ++i) looks.insert(look_of(i));
  EXPECT_EQ(looks.size(), 100U);
}

TEST(SeriesStyle, TheFirstFourAreAsInEarlierReports) {
  EXPECT_EQ(look_of(0), Look(Shape::disc, false, 0x0072B2));
  EXPECT_EQ(look_of(1), Look(Shape::square, false, 0xD55E00));
  EXPECT_EQ(look_of(2), Look(Shape::triangle, false, 0x009E73));
  EXPECT_EQ(look_of(3), Look(Shape::diamond, false, 0xCC79A7));
}

}  // namespace
}  // namespace alphahill
