/// A picture on a page of pixels, drawn by gnuplot.
///
/// Everything that is drawn lies in a table (one block of rows a kind of thing), which the script names by a
/// number; the script itself is constant text and numbers. So a name from a checkpoint, whatever it holds, is
/// never read as a command.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace alphahill {

enum class PlotFormat : std::uint8_t { png, pdf, svg };
/// "png", "pdf", "svg".
std::string_view name_of(PlotFormat format);

using Colour = std::uint32_t;  ///< 0xRRGGBB
inline constexpr Colour ink = 0x222222;
inline constexpr Colour faint_ink = 0x666666;
inline constexpr Colour grid_grey = 0xDDDDDD;
inline constexpr Colour band_grey = 0xF4F4F4;

/// Pixels from the upper left corner of the page.
struct Point {
  double x, y;
};
struct Rect {
  double left, right, top, bottom;
};

struct Marker {
  int shape;  ///< gnuplot's point type
  double size;
  Colour colour;
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
inline constexpr std::size_t text_styles = 9;

class Picture {
 public:
  explicit Picture(double width) : width_(width) {}

  double width() const { return width_; }
  void set_height(double height) { height_ = height; }

  // Later things cover earlier ones of their kind; lines cover fills, markers lines, texts markers.
  void fill(Rect place, Colour colour);
  void line(Point from, Point to, Colour colour);
  void mark(Point place, Marker marker);
  void text(Point place, TextStyle style, std::string_view text, Colour colour = ink);

  /// gnuplot commands that draw the table called `table_<number>` into the file `plot_<number>`.
  std::string script(std::int64_t number, PlotFormat format) const;
  /// Blocks of tab-separated rows, two blank lines apart.
  std::string table() const;

 private:
  double width_;
  double height_ = 0;
  std::string fills_;
  std::string lines_;
  std::string marks_;
  std::array<std::string, text_styles> texts_;
};

/// Commands to be given once before any picture's.
std::string_view picture_preamble();

}  // namespace alphahill
