#include "alphahill/report/picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Picture page(double width, double height) {
  Picture picture(width);
  picture.set_height(height);
  return picture;
}

std::string svg_of(std::string_view text) {
  Picture picture = page(600, 400);
  picture.text({10, 20}, TextStyle::left, text);
  return picture.file(PlotFormat::svg);
}

/// A number of a PNG's header.
std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

TEST(Picture, APngHasOneAndAHalfPixelsForOneOfThePage) {
  const std::string png = page(601, 400).file(PlotFormat::png);
  EXPECT_EQ(big_endian(png, 16), 902U);
  EXPECT_EQ(big_endian(png, 20), 600U);
}

TEST(Picture, APdfHas96PixelsToAnInch) {
  EXPECT_THAT(page(960, 480).file(PlotFormat::pdf), HasSubstr("/MediaBox [ 0 0 720 360 ]"));
}

TEST(Picture, AnSvgHasThePagesPixels) {
  EXPECT_THAT(page(600, 400).file(PlotFormat::svg), HasSubstr("width=\"600\" height=\"400\""));
}

TEST(Picture, TextIsTextInAnSvg) {
  EXPECT_THAT(svg_of("q_proj ± 2 × \"a\" 'b' `touch x`"),
              HasSubstr(">q_proj ± 2 × \"a\" 'b' `touch x`</text>"));
}

TEST(Picture, AnSvgNamesAFontThatEverySystemHas) {
  EXPECT_THAT(svg_of("q_proj"), HasSubstr("font-family=\"sans-serif\""));
}

TEST(Picture, TextCannotBecomeMarkup) {
  EXPECT_THAT(svg_of("]]></text><script>&lt;"),
              HasSubstr(">]]&gt;&lt;/text&gt;&lt;script&gt;&amp;lt;</text>"));
}

TEST(Picture, TextCannotHoldWhatNoFormatCanShow) {
  EXPECT_THAT(svg_of(std::string("a\tb\n\x00\xff\xc3", 7) + "c"), HasSubstr(">a?b????c</text>"));
}

TEST(Picture, AnyTextIsDrawn) {
  for (const PlotFormat format : {PlotFormat::png, PlotFormat::pdf}) {
    Picture picture = page(600, 400);
    for (int byte = 0; byte < 256; ++byte) {
      const std::string text{static_cast<char>(byte), static_cast<char>(0x80 | (byte & 0x3F))};
      picture.text({10, 20}, TextStyle::slanted_end, text);
    }
    EXPECT_GT(picture.file(format).size(), 1000U);
  }
}

TEST(Picture, LaterKindsCoverEarlierOnes) {
  Picture picture = page(20, 20);
  picture.text({0, 10}, TextStyle::left, "t");
  picture.mark({10, 10}, {Shape::disc, 8, ink});
  picture.line({0, 10}, {20, 10}, ink);
  picture.fill({0, 20, 0, 20}, band_grey);
  const std::string svg = picture.file(PlotFormat::svg);
  std::size_t before = 0;
  for (const char* kind : {"fill=\"#f4f4f4\"", "<path", "<circle", "<text"}) {
    const std::size_t place = svg.find(kind);
    ASSERT_NE(place, std::string::npos) << kind;
    EXPECT_GT(place, before) << kind;
    before = place;
  }
}

TEST(Picture, EveryShapeIsDrawnInEveryFormat) {
  const std::string empty_png = page(40, 40).file(PlotFormat::png);
  for (int shape = 0; shape <= static_cast<int>(Shape::cross); ++shape) {
    Picture picture = page(40, 40);
    picture.mark({20, 20}, {static_cast<Shape>(shape), 8, 0x0072B2});
    EXPECT_NE(picture.file(PlotFormat::png), empty_png);
    EXPECT_THAT(picture.file(PlotFormat::svg), HasSubstr("#0072b2"));
  }
}

TEST(Picture, AHollowMarkerIsWhiteInside) {
  for (const Shape shape : {Shape::disc, Shape::triangle}) {
    Picture picture = page(40, 40);
    picture.mark({20, 20}, {shape, 8, 0x0072B2, true});
    const std::string svg = picture.file(PlotFormat::svg);
    EXPECT_GT(svg.rfind("#ffffff"), svg.rfind("#0072b2"));
  }
}

TEST(Picture, APageTooLargeForAPngIsAnError) {
  EXPECT_STREQ(thrown_by([] { page(30'000, 10).file(PlotFormat::png); }).value().what(),
               "PNG: 45000 pixels wide or high, at most 32767 are possible");
}

}  // namespace
}  // namespace alphahill
