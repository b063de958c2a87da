/// The page that all plots share: a header, alpha above, its relative change below, one slot a thing
/// compared.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "alphahill/report/picture.hpp"
#include "report/plots/page_parts.hpp"
#include "report/plots/scales.hpp"
#include "report/plots/series_style.hpp"

namespace alphahill {

struct PagePlan {
  std::string title;
  std::string subtitle;
  std::vector<LegendEntry> legend;
  std::vector<std::string> slots;  ///< labels, beneath the panels
  std::vector<std::string> bands;  ///< one a slot: where it changes, the background does; or none at all
  std::string bands_are;           ///< what a band is; labels narrow slots by their bands, where it is set
  double slot_width = 0;           ///< pixels wished for; many slots get less
  double least_slot_width = 6;     ///< pixels; less only where the page would be too wide
  std::size_t series = 1;          ///< side by side in a slot
  /// Where slots are narrow: the upper panel shows the reference alone, in colours and shapes of these. Else empty.
  std::vector<LegendEntry> roles;
  std::vector<double> alphas;          ///< all that the upper panel has to show
  std::optional<ChangeScale> changes;  ///< nothing: no lower panel
  std::string reference;               ///< what changes are relative to
  bool missing = false;                ///< some series have no figure in some slot
  bool prints_values = true;           ///< leaves room for them, where series are wide enough
  std::vector<std::string> footnotes;
};

/// Slots are too narrow for a label each, or for a mark of each series beside the others.
bool has_narrow_slots(const PagePlan& plan);

/// Slots are not narrow, and series wide enough for a bar each that shows the standard error of an alpha.
bool has_room_for_error_bars(const PagePlan& plan);

/// The page with all but its figures drawn, and where those go.
class ChartPage {
 public:
  explicit ChartPage(PagePlan plan);

  Picture picture;

  double slot_width() const { return slot_width_; }
  double series_width() const;
  /// Middle of a series in a slot.
  double x(std::size_t slot, std::size_t series) const;
  double slot_middle(std::size_t slot) const { return slot_left(slot) + slot_width_ / 2; }
  /// Of an alpha beyond the scale, which only flat spectra have, the upper end of it.
  double alpha_y(double alpha) const { return alpha_.y(std::min(alpha, alpha_.high)); }
  double change_y(double change) const { return change_.y(plan_.changes->place(change)); }
  /// Wider slots, higher panels and larger markers tell them apart.
  bool has_many_series() const;
  /// Of a size that fits the room of a series.
  Marker marker(std::size_t style) const;
  /// Marks an alpha beside those of the other series.
  void mark_alpha(std::size_t slot, std::size_t series, std::size_t style, double alpha);
  /// Marks the alpha of the reference, where slots are narrow.
  void mark_role(std::size_t slot, std::size_t role, double alpha);
  /// Series are wide enough for figures written upwards, and for figures on the level.
  bool has_room_for_values() const;
  bool has_room_for_level_values() const;
  /// A change as a stem from the zero line, with its value where there is room; without stems where these
  /// would cover each other.
  void draw_change(std::size_t slot, std::size_t series, std::size_t style, double change);
  /// Marks the standard error of an alpha by a bar.
  void mark_error(std::size_t slot, std::size_t series, std::size_t style, double alpha, double error);
  /// Marks that a series, or where slots are narrow the reference, has no figure in a slot.
  void mark_missing(std::size_t slot, std::size_t series, const std::string& text = "N/A");

 private:
  /// A frame, and the part of it that a vertical scale spans.
  struct Panel {
    Rect frame;
    double low_y, high_y;
    double low, high;
    double y(double place) const { return low_y + (place - low) / (high - low) * (high_y - low_y); }
  };

  /// Slots first, first + 1, ... before last.
  struct Band {
    std::size_t first, last;
  };
  std::vector<Band> bands() const;
  bool shows_roles() const { return !plan_.roles.empty(); }
  std::vector<double> scaled_alphas() const;
  double slot_left(std::size_t slot) const { return left_ + slot_width_ * static_cast<double>(slot); }
  std::vector<LegendEntry> upper_legend() const;
  template <class Scale>
  Panel add_panel(const Scale& scale, const std::string& title, double head_room, double foot_room);
  void draw_bands(const Rect& frame);
  void draw_labels();
  void draw_slot_labels();
  std::vector<std::size_t> labelled_slots(double least_distance) const;
  void draw_band_labels();

  PagePlan plan_;
  double left_;
  double slot_width_;
  double y_ = 0;  ///< how far down the page is drawn
  Panel alpha_{};
  Panel change_{};
};

}  // namespace alphahill
