#include "report/plots/page_parts.hpp"

#include <algorithm>
#include <cmath>

#include "report/plots/picture_text.hpp"

namespace alphahill {

namespace {

constexpr double legend_left = 20;
constexpr double title_scale = 1.25;  // relative to normal text
constexpr double label_gap = 8;

/// A line as long as the page is wide.
std::string fitted(const Picture& picture, const std::string& text, double scale) {
  return shortened(text, characters_in((picture.width() - 2 * page_margin) / scale));
}

/// Of a marker, a text, and the distance to the next.
double legend_entry_width(const std::string& text) {
  return 14 + text_width(text) + 20;
}

/// Left ends of as many columns as fit; the entries fill one row after another.
std::vector<double> legend_columns(const std::vector<LegendEntry>& entries, double width) {
  for (std::size_t count = entries.size(); count > 1; --count) {
    std::vector<double> widths(count);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      widths[i % count] = std::max(widths[i % count], legend_entry_width(entries[i].text));
    }
    std::vector<double> lefts{legend_left};
    for (const double column : widths) lefts.push_back(lefts.back() + column);
    if (lefts.back() > width) continue;
    lefts.pop_back();
    return lefts;
  }
  return {legend_left};
}

void shorten(std::vector<LegendEntry>& entries, double width) {
  const std::size_t longest = characters_in(width - 2 * legend_left - legend_entry_width(""));
  for (LegendEntry& entry : entries) entry.text = shortened(entry.text, longest);
}

bool overlap(const AxisLabel& a, const AxisLabel& b) {
  return std::abs(a.middle - b.middle) < (text_width(a.text) + text_width(b.text)) / 2 + label_gap;
}

/// Every n-th of these labels, which do not overlap then.
std::vector<AxisLabel> thinned(const std::vector<AxisLabel>& labels) {
  for (std::size_t power = 1;; power *= 10) {
    for (const std::size_t factor : {1U, 2U, 5U}) {
      std::vector<AxisLabel> kept;
      for (std::size_t i = 0; i < labels.size(); i += factor * power) kept.push_back(labels[i]);
      if (std::ranges::adjacent_find(kept, overlap) == kept.end()) return kept;
    }
  }
}

}  // namespace

double draw_header(Picture& picture, const std::string& title, const std::string& subtitle) {
  picture.text({page_margin, 20}, TextStyle::title, fitted(picture, title, title_scale));
  picture.text({page_margin, 42}, TextStyle::left, fitted(picture, subtitle, 1), faint_ink);
  return 62;
}

double draw_legend(Picture& picture, std::vector<LegendEntry> entries, double y) {
  if (entries.empty()) return y;
  shorten(entries, picture.width());
  const std::vector<double> columns = legend_columns(entries, picture.width());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t column = i % columns.size();
    if (i > 0 && column == 0) y += line_height;
    picture.mark({columns[column], y}, entries[i].marker);
    picture.text({columns[column] + 12, y}, TextStyle::left, entries[i].text);
  }
  return y + line_height;
}

double draw_footnotes(Picture& picture, const std::vector<std::string>& notes, double y) {
  for (const std::string& note : notes) {
    y += line_height;
    picture.text({page_margin, y}, TextStyle::left, fitted(picture, note, 1), faint_ink);
  }
  return y;
}

void draw_axis_labels(Picture& picture, std::vector<AxisLabel> labels, double y, double left, double right) {
  for (AxisLabel& label : labels) {
    label.text = shortened(label.text, characters_in(right - left));
    const double half = text_width(label.text) / 2;
    label.middle = std::clamp(label.middle, left + half, std::max(left + half, right - half));
  }
  const auto counting = std::stable_partition(labels.begin(), labels.end(),
                                              [](const AxisLabel& label) { return !label.counts; });
  const std::vector<AxisLabel> every_nth = thinned({counting, labels.end()});
  labels.erase(counting, labels.end());
  labels.insert(labels.end(), every_nth.begin(), every_nth.end());
  std::vector<AxisLabel> drawn;
  for (const AxisLabel& label : labels) {
    if (std::ranges::any_of(drawn, [&](const AxisLabel& other) { return overlap(label, other); })) continue;
    picture.text({label.middle, y}, TextStyle::center, label.text);
    drawn.push_back(label);
  }
}

void draw_border(Picture& picture, const Rect& frame) {
  for (const double y : {frame.top, frame.bottom}) picture.line({frame.left, y}, {frame.right, y}, faint_ink);
  for (const double x : {frame.left, frame.right}) picture.line({x, frame.top}, {x, frame.bottom}, faint_ink);
}

}  // namespace alphahill
