#include "report/plots/png.hpp"

#include <cairo.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace alphahill {
namespace {

struct Image {
  int width;
  int height;
  std::vector<std::uint32_t> pixels;  ///< 0x00RRGGBB
};

/// As libpng reads it, through cairo; of width 0 where it is refused.
Image decoded(const std::string& file) {
  struct Reader {
    const std::string& bytes;
    std::size_t at = 0;
  } reader{file};
  const auto read = [](void* from, unsigned char* to, unsigned size) {
    auto& [bytes, at] = *static_cast<Reader*>(from);
    if (at + size > bytes.size()) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(to, bytes.data() + at, size);
    at += size;
    return CAIRO_STATUS_SUCCESS;
  };
  cairo_surface_t* surface = cairo_image_surface_create_from_png_stream(read, &reader);
  Image image{cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface), {}};
  for (int y = 0; y < image.height; ++y) {
    const unsigned char* row =
        cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
    for (int x = 0; x < image.width; ++x) {
      std::uint32_t pixel = 0;
      std::memcpy(&pixel, row + 4 * x, sizeof pixel);
      image.pixels.push_back(pixel & 0xFFFFFFU);
    }
  }
  cairo_surface_destroy(surface);
  return image;
}

void expect_back(const std::vector<std::uint32_t>& pixels, int width) {
  const Image image = decoded(png_file(pixels, static_cast<std::size_t>(width)));
  EXPECT_EQ(image.width, width);
  EXPECT_EQ(image.pixels, pixels);
}

TEST(Png, OnePixelComesBack) {
  expect_back({0x123456}, 1);
}

TEST(Png, EveryPixelComesBackWhereNothingCanBeCompressed) {
  std::mt19937 random(3);
  std::vector<std::uint32_t> pixels(301 * 211);
  for (std::uint32_t& pixel : pixels) pixel = random() & 0xFFFFFFU;
  expect_back(pixels, 301);
}

TEST(Png, AnEmptyPageIsSmall) {
  const std::vector<std::uint32_t> pixels(2000 * 1000, 0xFFFFFF);
  EXPECT_LT(png_file(pixels, 2000).size(), 50'000U);
  expect_back(pixels, 2000);
}

TEST(Png, TheUnusedByteOfAPixelDoesNotCount) {
  EXPECT_EQ(png_file(std::vector<std::uint32_t>{0xFF123456, 0x80ABCDEF}, 2),
            png_file(std::vector<std::uint32_t>{0x00123456, 0x00ABCDEF}, 2));
}

}  // namespace
}  // namespace alphahill
