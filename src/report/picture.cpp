#include "alphahill/report/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/replace.hpp>
#include <cmath>
#include <iterator>
#include <vector>

#include "alphahill/report/picture_text.hpp"

namespace alphahill {

namespace {

constexpr double pixels_per_inch = 96;
constexpr double png_scale = 1.5;  // for crisp text where screens are fine

constexpr std::array<const char*, text_styles> style_clauses{
    "left font ',15'",
    "left",
    "center",
    "right",
    "center font ',10'",
    "center rotate by 90",
    "left rotate by 90 font ',10'",
    "right rotate by 90 font ',10'",
    "right rotate by 45 font ',11'",
};

/// The font scales make a text as wide on a page of each terminal.
std::string terminal(PlotFormat format, double width, double height) {
  switch (format) {
    case PlotFormat::png:
      return fmt::format(
          "pngcairo noenhanced size {},{} font 'DejaVu Sans,12' fontscale {} linewidth {} pointscale {}",
          std::ceil(width * png_scale), std::ceil(height * png_scale), 0.75 * png_scale, png_scale,
          png_scale);
    case PlotFormat::pdf:
      return fmt::format("pdfcairo noenhanced size {},{} font 'DejaVu Sans,12' fontscale 0.5625",
                         width / pixels_per_inch, height / pixels_per_inch);
    case PlotFormat::svg:
      return fmt::format("svg noenhanced size {},{} font 'sans-serif,12' background '#ffffff'", width,
                         height);
  }
  return {};
}

/// A text as gnuplot reads it from a table: it takes backslashes for escapes, and its SVG must not hold
/// "]]>".
std::string table_text(std::string_view text) {
  std::string escaped = boost::replace_all_copy(drawable(text), "\\", "\\\\");
  boost::replace_all(escaped, "]]>", "]] >");
  return escaped;
}

}  // namespace

std::string_view name_of(PlotFormat format) {
  constexpr std::array names{"png", "pdf", "svg"};
  return names.at(static_cast<std::size_t>(format));
}

void Picture::fill(Rect place, Colour colour) {
  fmt::format_to(std::back_inserter(fills_), "{0:.2f}\t{2:.2f}\t{0:.2f}\t{1:.2f}\t{2:.2f}\t{3:.2f}\t{4}\n",
                 place.left, place.right, place.bottom, place.top, colour);
}

void Picture::line(Point from, Point to, Colour colour) {
  fmt::format_to(std::back_inserter(lines_), "{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\t{}\n", from.x, from.y,
                 to.x - from.x, to.y - from.y, colour);
}

void Picture::mark(Point place, Marker marker) {
  fmt::format_to(std::back_inserter(marks_), "{:.2f}\t{:.2f}\t{:.2f}\t{}\t{}\n", place.x, place.y,
                 marker.size, marker.shape, marker.colour);
}

void Picture::text(Point place, TextStyle style, std::string_view text, Colour colour) {
  fmt::format_to(std::back_inserter(texts_[static_cast<std::size_t>(style)]), "{:.2f}\t{:.2f}\t{}\t{}\n",
                 place.x, place.y, colour, table_text(text));
}

std::string Picture::script(std::int64_t number, PlotFormat format) const {
  std::vector<std::string> clauses;
  const auto add = [&](const std::string& rows, std::string_view columns_and_style) {
    if (rows.empty()) return;
    clauses.push_back(
        fmt::format("'table_{}' index {} using {} notitle", number, clauses.size(), columns_and_style));
  };
  add(fills_, "1:2:3:4:5:6:7 with boxxyerror fillstyle solid 1 noborder linecolor rgb variable");
  add(lines_, "1:2:3:4:5 with vectors nohead linecolor rgb variable");
  add(marks_, "1:2:3:4:5 with points pointsize variable pointtype variable linecolor rgb variable");
  for (std::size_t i = 0; i < text_styles; ++i) {
    add(texts_[i], fmt::format("1:2:4:3 with labels noenhanced {} textcolor rgb variable", style_clauses[i]));
  }
  return fmt::format(
      "set terminal {}\nset output 'plot_{}'\nset xrange [0:{}]\nset yrange [{}:0]\nplot {}\nunset output\n",
      terminal(format, width_, height_), number, width_, height_, fmt::join(clauses, ", "));
}

std::string Picture::table() const {
  std::string table;
  const auto add = [&](const std::string& rows) {
    if (!rows.empty()) table += rows + "\n\n";
  };
  add(fills_);
  add(lines_);
  add(marks_);
  for (const std::string& rows : texts_) add(rows);
  return table;
}

std::string_view picture_preamble() {
  return R"(set encoding utf8
set datafile separator "\t"
set datafile commentschars ""
set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 0
set tmargin at screen 1
unset border
unset tics
unset key
)";
}

}  // namespace alphahill
