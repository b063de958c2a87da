#include "report/csv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>

#include "alphahill/base/file.hpp"
#include "alphahill/results/sensitivity.hpp"
#include "alphahill/results/statistics.hpp"

namespace alphahill {

std::string csv_number(double value) {
  if (std::isnan(value)) return {};
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".ein") == std::string::npos) text += ".0";
  return text;
}

std::string csv_text(std::string_view text) {
  using namespace std::string_view_literals;
  const bool formula = !text.empty() && "=+-@\t\r"sv.find(text.front()) != std::string_view::npos;
  std::string cell = formula ? fmt::format("'{}", text) : std::string(text);
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char character : cell) {
    if (character == '"') quoted += '"';
    quoted += character;
  }
  return quoted + '"';
}

std::set<std::string> first_cells(std::string_view csv) {
  std::set<std::string> cells;
  bool quoted = false;
  bool in_first_cell = true;
  bool in_header = true;
  std::string cell;
  for (const char character : csv) {
    if (character == '"') quoted = !quoted;
    const bool ends_row = character == '\n' && !quoted;
    if ((character == ',' && !quoted) || ends_row) in_first_cell = false;
    if (in_first_cell) cell += character;
    if (!ends_row) continue;
    if (!in_header) cells.insert(cell);
    in_header = false;
    in_first_cell = true;
    cell.clear();
  }
  return cells;
}

namespace {

/// What the table says of a row in `method`: how its figure was computed, or that there is none.
std::string_view shown_method(const ResultRow& row) {
  if (row.status == Status::ok) return row.method;
  return row.status == Status::degenerate ? "degenerate" : "failed";
}

/// The names of these columns for each precision.
std::string columns_of(const ReportView& view, std::initializer_list<std::string_view> columns) {
  std::string csv;
  for (const std::string& precision : view.precisions) {
    for (const std::string_view column : columns) {
      csv += ',' + csv_text(fmt::format("{}_{}", column, precision));
    }
  }
  return csv;
}

}  // namespace

std::string results_csv(const ReportView& view) {
  std::string csv = "layer_name,category,out_features,in_features,numel";
  csv += columns_of(view, {"alpha", "k_used", "n_eigs", "method"});
  csv += columns_of(view, {"status", "reason", "alpha_stderr"}) + '\n';
  for (const ReportedLayer& reported : view.layers) {
    const LayerRow& layer = reported.layer;
    csv += fmt::format("{},{},{},{},{}", csv_text(layer.name), csv_text(layer.category), layer.out_features,
                       layer.in_features, layer.numel);
    for (const ResultRow& row : reported.figures) {
      csv += fmt::format(",{},{},{},{}", csv_number(row.alpha), row.k_used, row.n_eigs,
                         csv_text(shown_method(row)));
    }
    for (const ResultRow& row : reported.figures) {
      csv +=
          fmt::format(",{},{},{}", name_of(row.status), csv_text(row.reason), csv_number(row.alpha_stderr));
    }
    csv += '\n';
  }
  return csv;
}

std::string summary_csv(const ReportView& view) {
  std::string csv = "precision,count,mean,std,min,median,max,q25,q75\n";
  for (std::size_t i = 0; i < view.precisions.size(); ++i) {
    const Statistics s = statistics_of(view.alphas(i));
    csv += fmt::format("{},{}", csv_text(view.precisions[i]), s.count);
    for (const double value : {s.mean, s.std, s.min, s.median, s.max, s.q25, s.q75}) {
      csv += ',' + csv_number(value);
    }
    csv += '\n';
  }
  return csv;
}

std::string sensitivity_csv(const ReportView& view) {
  std::string csv =
      "layer_name,category,precision,bits_per_weight,relative_error,largest_error,zeroed,clipped,alpha,"
      "alpha_stderr,alpha_change,alpha_change_stderr,effective_rank,score,score_per_weight\n";
  for (const ReportedLayer& layer : view.layers) {
    for (const Sensitivity& s : sensitivities_of(layer)) {
      const ResultRow& row = *s.row;
      csv += fmt::format("{},{},{}", csv_text(layer.layer.name), csv_text(layer.layer.category),
                         csv_text(row.precision));
      for (const double value : {s.bits_per_weight, row.cast_error, row.largest_error, row.zeroed,
                                 row.clipped, row.alpha, row.alpha_stderr, s.alpha_change,
                                 s.alpha_change_stderr, layer.effective_rank, s.score, s.score_per_weight}) {
        csv += ',' + csv_number(value);
      }
      csv += '\n';
    }
  }
  return csv;
}

std::string metrics_csv(const ReportView& view) {
  std::string csv = "layer_name,category,precision";
  for (const std::string& metric : view.metrics) csv += ',' + metric;
  csv += '\n';
  for (const ReportedLayer& layer : view.layers) {
    for (std::size_t p = 0; p < view.precisions.size(); ++p) {
      csv += fmt::format("{},{},{}", csv_text(layer.layer.name), csv_text(layer.layer.category),
                         csv_text(view.precisions[p]));
      for (const double value : layer.metrics[p]) csv += ',' + csv_number(value);
      csv += '\n';
    }
  }
  return csv;
}

void save_text(const std::filesystem::path& path, std::string_view text) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    File file = File::open_or_create(temporary);
    file.truncate(0);
    file.write_at(std::as_bytes(std::span(text)), 0);
  });
}

}  // namespace alphahill
