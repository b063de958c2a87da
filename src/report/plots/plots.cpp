#include "report/plots/plots.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include "alphahill/base/text.hpp"
#include "report/file_name.hpp"
#include "report/plots/picture_text.hpp"
#include "report/plots/rounding_charts.hpp"
#include "report/rounding.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t most_individual_plots = 500;
constexpr std::size_t usual_layers_per_plot = 10;
constexpr std::size_t most_batch_plots = 30;

constexpr const char* distribution_name = "alpha_distribution_by_precision";
constexpr const char* category_prefix = "category_";
constexpr const char* all_combined_name = "all_layers_combined";
constexpr const char* batch_prefix = "combined_batch_";
constexpr const char* errors_name = "error_by_layer";
constexpr const char* ranking_name = "score_ranking";
constexpr const char* against_base_name = "alpha_against_base";
constexpr const char* individual_folder = "individual_layers";
constexpr const char* individual_prefix = "layer_";

using Indices = std::vector<std::size_t>;

Indices range(std::size_t first, std::size_t last) {
  Indices indices(last - first);
  std::iota(indices.begin(), indices.end(), first);
  return indices;
}

/// What all plots of a view share.
class PlotSource {
 public:
  explicit PlotSource(const ReportView& view)
      : view_(view), labels_(layer_labels(view.layers)), roles_(roles_of(view)) {
    std::vector<double> changes;
    bool compares = false;
    for (const ReportedLayer& layer : view.layers) {
      for (const ResultRow& row : layer.figures) {
        if (row.precision == view.reference) continue;
        compares = true;
        changes.push_back(relative_change(row.alpha, layer.reference_alpha));
      }
    }
    // One scale for all plots, so that they can be compared.
    if (compares) changes_.emplace(changes);
  }

  ChartTable table(std::string title, const Indices& layers) const {
    ChartTable table;
    table.title = std::move(title);
    table.subtitle =
        fmt::format("{} · k-frac {}{}", shortened(view_.model, 80), view_.k_frac, dequantized_text(layers));
    table.roles.names = roles_.names;
    table.reference_name = view_.reference;
    table.changes = changes_;
    for (const std::string& precision : view_.precisions) {
      table.series.push_back({precision, style_of(view_, precision), precision == view_.reference, {}, {}});
    }
    for (const std::size_t i : layers) {
      table.layers.push_back(labels_[i]);
      table.roles.of_layer.push_back(roles_.of_layer[i]);
      table.reference.push_back(view_.layers[i].reference_alpha);
      for (std::size_t p = 0; p < table.series.size(); ++p) {
        const ResultRow& row = view_.layers[i].figures[p];
        table.series[p].alphas.push_back(row.alpha);
        table.series[p].errors.push_back(row.alpha_stderr);
      }
    }
    return table;
  }

  /// Without series where no precision rounds, or only the one that changes are relative to, at 16 bits or more.
  RoundingTable rounding_table() const {
    RoundingTable table;
    table.subtitle = shortened(view_.model, 80) + dequantized_text(range(0, view_.layers.size()));
    table.k_frac = view_.k_frac;
    table.layers = labels_;
    table.roles = roles_;
    table.reference_name = view_.reference;
    for (const ReportedLayer& layer : view_.layers) table.reference.push_back(layer.reference_alpha);
    for (Rounding& rounding : roundings_of(view_)) {
      const auto has_place = [](double error) { return std::isfinite(error) && error > 0; };
      if (std::ranges::none_of(rounding.errors, has_place)) continue;
      const std::size_t style = style_of(view_, rounding.precision);
      table.series.push_back({std::move(rounding), style});
    }
    const auto is_shown = [&](const RoundedSeries& series) {
      return series.rounding.scaled || series.rounding.precision != view_.reference;
    };
    if (std::ranges::none_of(table.series, is_shown)) table.series.clear();
    return table;
  }

  Picture single_layer(std::size_t layer) const { return draw_single_layer(view_, layer, changes_); }

 private:
  std::string dequantized_text(const Indices& layers) const {
    const auto is_dequantized = [&](std::size_t i) { return view_.layers[i].layer.dequantized; };
    return std::ranges::any_of(layers, is_dequantized) ? " · dequantized weights" : "";
  }

  const ReportView& view_;
  std::vector<LayerLabel> labels_;
  Roles roles_;
  std::optional<ChangeScale> changes_;
};

/// Layers of each category, categories in the order in which they first come.
std::vector<LayerGroup> categories_of(const ReportView& view) {
  std::vector<LayerGroup> groups;
  for (std::size_t i = 0; i < view.layers.size(); ++i) {
    const std::string& category = view.layers[i].layer.category;
    auto group = std::ranges::find(groups, category, &LayerGroup::label);
    if (group == groups.end()) group = groups.insert(group, LayerGroup{category, {}});
    group->layers.push_back(i);
  }
  return groups;
}

/// @param asked  0: all of them; nothing: the usual number, unless that makes too many plots
std::size_t layers_per_plot(std::size_t layers, std::optional<std::int64_t> asked) {
  if (asked) return *asked == 0 ? layers : std::min(static_cast<std::size_t>(*asked), layers);
  if (layers <= usual_layers_per_plot * most_batch_plots) return std::min(usual_layers_per_plot, layers);
  spdlog::info(
      "one combined plot of all {} layers: batches of {} would be more than {} plots "
      "(--max-layers-per-plot {} draws them)",
      layers, usual_layers_per_plot, most_batch_plots, usual_layers_per_plot);
  return layers;
}

/// Builds the list of plots of one report.
class PlotList {
 public:
  PlotList(const ReportView& view, const ReportSettings& settings)
      : view_(view), settings_(settings), source_(std::make_shared<const PlotSource>(view)) {}

  void add_distribution() {
    std::vector<LayerGroup> groups = categories_of(view_);
    if (groups.size() == 1) groups.clear();
    groups.insert(groups.begin(), {"all layers", range(0, view_.layers.size())});
    add(distribution_name, [source = source_, groups, all = groups.front().layers] {
      return draw_distribution(source->table("alpha by precision and category", all), groups);
    });
  }

  void add_categories() {
    for (const LayerGroup& group : categories_of(view_)) {
      const std::string title =
          fmt::format("{}: {}", group.label, counted(std::ssize(group.layers), "layer"));
      add(names_.make(category_prefix, group.label), [source = source_, title, layers = group.layers] {
        return draw_layers(source->table(title, layers));
      });
    }
  }

  void add_combined() {
    const std::size_t layers = view_.layers.size();
    const std::size_t size = layers_per_plot(layers, settings_.max_layers_per_plot);
    for (std::size_t first = 0; first < layers; first += size) {
      const std::size_t last = std::min(first + size, layers);
      const std::string name =
          size == layers ? all_combined_name : fmt::format("{}{}", batch_prefix, first / size + 1);
      const std::string title = size == layers
                                    ? counted(static_cast<std::int64_t>(layers), "layer")
                                    : fmt::format("layers {} to {} of {}", first + 1, last, layers);
      add(name, [=, source = source_] { return draw_layers(source->table(title, range(first, last))); });
    }
  }

  void add_rounding() {
    const auto table = std::make_shared<const RoundingTable>(source_->rounding_table());
    if (table->series.empty()) return;
    add(errors_name, [table] { return draw_errors_by_layer(*table); });
    if (!series_with_scores(*table).empty())
      add(ranking_name, [table] { return draw_score_ranking(*table); });
    if (!series_against_base(*table).empty()) {
      add(against_base_name, [table] { return draw_alpha_against_base(*table); });
    }
  }

  void add_individual() {
    for (std::size_t i = 0; i < view_.layers.size(); ++i) {
      const std::string prefix = fmt::format("{}{:03}_", individual_prefix, view_.layers[i].number);
      add(fmt::format("{}/{}", individual_folder, names_.make(prefix, view_.layers[i].layer.name)),
          [source = source_, i] { return source->single_layer(i); });
    }
  }

  std::vector<Plot> take() { return std::move(plots_); }

 private:
  void add(const std::string& name, std::function<Picture()> draw) {
    const std::string file = fmt::format("{}.{}", name, name_of(settings_.plot_format));
    plots_.push_back({settings_.output_dir / plots_folder_name / file, std::move(draw)});
  }

  const ReportView& view_;
  const ReportSettings& settings_;
  std::shared_ptr<const PlotSource> source_;
  FileNames names_;
  std::vector<Plot> plots_;
};

bool wants_individual(const ReportView& view, IndividualPlots wish) {
  if (wish != IndividualPlots::automatic) return wish == IndividualPlots::always;
  if (std::ssize(view.layers) <= most_individual_plots) return true;
  spdlog::info("no plots of single layers: {} layers are more than {} (--individual-plots always draws them)",
               view.layers.size(), most_individual_plots);
  return false;
}

/// Also one that was being written when a run was killed.
bool has_name_of_plot(std::filesystem::path file, std::span<const PlotFormat> formats,
                      std::initializer_list<std::string_view> beginnings) {
  if (file.extension() == ".tmp") file.replace_extension();
  const std::string extension = file.extension().string();
  const std::string name = file.filename().string();
  return std::ranges::any_of(formats,
                             [&](PlotFormat f) { return extension == fmt::format(".{}", name_of(f)); }) &&
         std::ranges::any_of(beginnings,
                             [&](std::string_view beginning) { return name.starts_with(beginning); });
}

void remove_plots_in(const std::filesystem::path& folder, std::initializer_list<std::string_view> beginnings,
                     std::span<const PlotFormat> formats, const std::set<std::filesystem::path>& kept) {
  if (!std::filesystem::is_directory(folder)) return;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && has_name_of_plot(entry.path(), formats, beginnings) &&
        !kept.contains(entry.path()))
      stale.push_back(entry.path());
  }
  for (const auto& file : stale) std::filesystem::remove(file);
  if (std::filesystem::is_empty(folder)) std::filesystem::remove(folder);
}

void remove_plots(const std::filesystem::path& output_dir, std::span<const PlotFormat> formats,
                  const std::set<std::filesystem::path>& kept) {
  const std::filesystem::path plots = output_dir / plots_folder_name;
  remove_plots_in(plots / individual_folder, {individual_prefix}, formats, kept);
  remove_plots_in(plots,
                  {distribution_name, category_prefix, all_combined_name, batch_prefix, errors_name,
                   ranking_name, against_base_name},
                  formats, kept);
}

}  // namespace

void remove_plots(const std::filesystem::path& output_dir) {
  remove_plots(output_dir, plot_formats, {});
}

void remove_plots_but(const std::vector<Plot>& plots, const ReportSettings& settings) {
  std::set<std::filesystem::path> kept;
  for (const Plot& plot : plots) kept.insert(plot.file);
  remove_plots(settings.output_dir, std::array{settings.plot_format}, kept);
}

std::vector<Plot> plots_of(const ReportView& view, const ReportSettings& settings) {
  PlotList list(view, settings);
  list.add_rounding();
  if (view.precisions.empty()) return list.take();
  list.add_distribution();
  list.add_categories();
  list.add_combined();
  if (wants_individual(view, settings.individual_plots)) list.add_individual();
  return list.take();
}

}  // namespace alphahill
