/// What a picture is drawn on, and the words for it: points, colours, styles of text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace alphahill {

enum class PlotFormat : std::uint8_t { png, pdf, svg };
inline constexpr std::array plot_formats{PlotFormat::png, PlotFormat::pdf, PlotFormat::svg};
/// "png", "pdf", "svg".
std::string_view name_of(PlotFormat format);

using Colour = std::uint32_t;  ///< 0xRRGGBB
inline constexpr Colour ink = 0x222222;
inline constexpr Colour faint_ink = 0x666666;
inline constexpr Colour grid_grey = 0xDDDDDD;
inline constexpr Colour band_grey = 0xF4F4F4;
inline constexpr Colour white = 0xFFFFFF;

/// Pixels from the upper left corner of the page.
struct Point {
  double x, y;
};
struct Rect {
  double left, right, top, bottom;
};

enum class TextStyle : std::uint8_t {
  title,  ///< large, begins at the point
  left,   ///< begins at the point
  center,
  right,  ///< ends at the point
  small_center,
  up,            ///< written upwards, centred
  small_up,      ///< small, written upwards, begins at the point
  small_up_end,  ///< small, written upwards, ends at the point
  slanted_end,   ///< at 45 degrees upwards, ends at the point
};

/// How a text of some style is set; its capitals are centred on the height of its point.
struct Typesetting {
  double size;    ///< of the font, in pixels
  double anchor;  ///< part of the text that lies before its point: 0 begins there, 1 ends there
  double degrees_upwards;
};
Typesetting typesetting_of(TextStyle style);
/// From the height of a text's point down to its baseline, as a part of the font's size.
inline constexpr double baseline_drop = 0.36;

/// A white page.
class Canvas {
 public:
  Canvas() = default;
  virtual ~Canvas() = default;
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  virtual void fill(Rect place, Colour colour) = 0;
  /// A pixel wide.
  virtual void line(Point from, Point to, Colour colour) = 0;
  virtual void disc(Point middle, double diameter, Colour colour) = 0;
  virtual void polygon(std::span<const Point> corners, Colour colour) = 0;
  /// @param text  drawable() (picture_text.hpp)
  virtual void text(Point place, TextStyle style, std::string_view text, Colour colour) = 0;

  /// The file of the page; nothing can be drawn any more. @throws Error where drawing failed
  virtual std::string finish() = 0;
};

/// A page of this size. A PNG has `png_scale` pixels for one of the page's; a PDF 96 of them to an inch.
/// @throws Error(system) when the page is too large
std::unique_ptr<Canvas> make_canvas(PlotFormat format, double width, double height);
inline constexpr double png_scale = 1.5;  ///< for crisp text where screens are fine

}  // namespace alphahill
