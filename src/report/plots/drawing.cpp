#include "report/plots/drawing.hpp"

#include <cairo-pdf.h>
#include <cairo.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <mutex>
#include <numbers>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "report/plots/png.hpp"

namespace alphahill {

namespace {

constexpr const char* font = "DejaVu Sans";
constexpr double pdf_points_per_pixel = 0.75;

void check(cairo_status_t status, const char* call) {
  if (status == CAIRO_STATUS_SUCCESS) return;
  throw Error(Fault::system, "cairo", std::string(call) + " failed: " + cairo_status_to_string(status));
}

struct SurfaceDeleter {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct ContextDeleter {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};
struct FontOptionsDeleter {
  void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceDeleter>;
using Context = std::unique_ptr<cairo_t, ContextDeleter>;
using FontOptions = std::unique_ptr<cairo_font_options_t, FontOptionsDeleter>;

Surface checked(cairo_surface_t* surface, const char* call) {
  Surface owned(surface);
  check(cairo_surface_status(surface), call);
  return owned;
}

void set_font(cairo_t* context) {
  cairo_select_font_face(context, font, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  // Shapes of their own at every size, in grey, whatever the desktop's settings are.
  const FontOptions options(cairo_font_options_create());
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(context, options.get());
}

/// Where the system has no font at all, cairo draws letters of strokes that it has built in.
void warn_without_fonts(cairo_t* context) {
  static std::once_flag once;
  if (cairo_scaled_font_get_type(cairo_get_scaled_font(context)) != CAIRO_FONT_TYPE_USER) return;
  std::call_once(once, [] {
    spdlog::warn(
        "no fonts are found: the text of plots is drawn in plain strokes (Debian: fonts-dejavu-core)");
  });
}

/// A page of a surface of cairo's.
class CairoCanvas : public Canvas {
 public:
  /// @param scale   of the surface's units to a pixel of the page
  /// @param snaps   puts upright and level edges between the surface's units, for crisp pixels
  CairoCanvas(Surface surface, double scale, bool snaps)
      : surface_(std::move(surface)), context_(cairo_create(surface_.get())), grid_(snaps ? scale : 0) {
    cairo_scale(context_.get(), scale, scale);
    // Pixels: a whole number of them to a line.
    cairo_set_line_width(context_.get(), snaps ? std::round(scale) / scale : 1);
    set_font(context_.get());
    warn_without_fonts(context_.get());
    check(cairo_status(context_.get()), "cairo_create");
  }

  void fill(Rect place, Colour colour) override {
    const auto [left, top] = snapped({place.left, place.top});
    const auto [right, bottom] = snapped({place.right, place.bottom});
    use(colour);
    cairo_rectangle(context_.get(), left, top, right - left, bottom - top);
    cairo_fill(context_.get());
  }

  void line(Point from, Point to, Colour colour) override {
    use(colour);
    from = snapped(from);
    to = snapped(to);
    cairo_move_to(context_.get(), from.x, from.y);
    cairo_line_to(context_.get(), to.x, to.y);
    cairo_stroke(context_.get());
  }

  void disc(Point middle, double diameter, Colour colour) override {
    use(colour);
    cairo_arc(context_.get(), middle.x, middle.y, diameter / 2, 0, 2 * std::numbers::pi);
    cairo_fill(context_.get());
  }

  void polygon(std::span<const Point> corners, Colour colour) override {
    use(colour);
    for (const Point& corner : corners) cairo_line_to(context_.get(), corner.x, corner.y);
    cairo_close_path(context_.get());
    cairo_fill(context_.get());
  }

  void text(Point place, TextStyle style, std::string_view text, Colour colour) override {
    const auto [size, anchor, degrees_upwards] = typesetting_of(style);
    const std::string terminated(text);
    use(colour);
    cairo_save(context_.get());
    cairo_translate(context_.get(), place.x, place.y);
    cairo_rotate(context_.get(), -degrees_upwards * std::numbers::pi / 180);
    cairo_set_font_size(context_.get(), size);
    cairo_text_extents_t extents{};
    if (anchor > 0) cairo_text_extents(context_.get(), terminated.c_str(), &extents);
    cairo_move_to(context_.get(), -anchor * extents.x_advance, baseline_drop * size);
    cairo_show_text(context_.get(), terminated.c_str());
    cairo_restore(context_.get());
  }

 protected:
  /// Ends the page. @throws Error(system) where a call failed since its beginning
  void finish_surface() {
    check(cairo_status(context_.get()), "drawing");
    cairo_surface_finish(surface_.get());
    check(cairo_surface_status(surface_.get()), "cairo_surface_finish");
  }

 private:
  void use(Colour colour) {
    const auto part = [&](int shift) { return (colour >> shift & 0xFFU) / 255.0; };
    cairo_set_source_rgb(context_.get(), part(16), part(8), part(0));
  }
  Point snapped(Point point) const {
    if (grid_ == 0) return point;
    return {std::round(point.x * grid_) / grid_, std::round(point.y * grid_) / grid_};
  }

  Surface surface_;
  Context context_;
  double grid_;  ///< units of the surface in a pixel of the page, or 0 where edges may lie anywhere
};

struct Pixels {
  int width;
  int height;
  std::vector<std::uint32_t> values;

  Pixels(double page_width, double page_height)
      : width(size_of(page_width)),
        height(size_of(page_height)),
        values(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), white) {}

  Surface surface() {
    auto* bytes = reinterpret_cast<unsigned char*>(values.data());
    return checked(cairo_image_surface_create_for_data(bytes, CAIRO_FORMAT_RGB24, width, height,
                                                       width * static_cast<int>(sizeof values.front())),
                   "cairo_image_surface_create_for_data");
  }

 private:
  static int size_of(double page) {
    constexpr double largest = 32767;  // of an image of cairo's
    const double size = std::ceil(page * png_scale);
    if (size >= 1 && size <= largest) return static_cast<int>(size);
    throw Error(Fault::system, "PNG",
                fmt::format("{} pixels wide or high, at most {} are possible", size, largest));
  }
};

class PngCanvas : private Pixels, public CairoCanvas {
 public:
  PngCanvas(double page_width, double page_height)
      : Pixels(page_width, page_height), CairoCanvas(Pixels::surface(), png_scale, true) {}

  std::string finish() override {
    finish_surface();
    return png_file(values, static_cast<std::size_t>(width));
  }
};

/// Where cairo puts the bytes of a PDF.
struct PdfBytes {
  std::string bytes;

  Surface surface(double width, double height) {
    return checked(cairo_pdf_surface_create_for_stream(append, &bytes, width * pdf_points_per_pixel,
                                                       height * pdf_points_per_pixel),
                   "cairo_pdf_surface_create_for_stream");
  }

 private:
  static cairo_status_t append(void* bytes, const unsigned char* more, unsigned size) {
    static_cast<std::string*>(bytes)->append(reinterpret_cast<const char*>(more), size);
    return CAIRO_STATUS_SUCCESS;
  }
};

class PdfCanvas : private PdfBytes, public CairoCanvas {
 public:
  PdfCanvas(double width, double height)
      : CairoCanvas(PdfBytes::surface(width, height), pdf_points_per_pixel, false) {}

  std::string finish() override {
    finish_surface();
    return std::move(bytes);
  }
};

}  // namespace

std::unique_ptr<Canvas> make_png_canvas(double width, double height) {
  return std::make_unique<PngCanvas>(width, height);
}

std::unique_ptr<Canvas> make_pdf_canvas(double width, double height) {
  return std::make_unique<PdfCanvas>(width, height);
}

}  // namespace alphahill
