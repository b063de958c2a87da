#include "report/recorded_settings.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>

#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "report/csv.hpp"
#include "report/file_name.hpp"

namespace alphahill {

namespace fs = std::filesystem;

namespace {

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    if (static_cast<unsigned char>(character) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<int>(character));
      continue;
    }
    if (character == '"' || character == '\\') quoted += '\\';
    quoted += character;
  }
  return quoted + '"';
}

std::string json_list(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(json_text(text));
  return fmt::format("[{}]", joined(quoted));
}

std::string json_of(const ReportSource& source, const fs::path& folder) {
  return fmt::format(R"({{"file": {}, "model": {}, "version": {}}})",
                     json_text(fs::relative(source.file, folder).string()), json_text(source.model),
                     json_text(source.version));
}

std::string json_of(const RecordedSettings& settings, const fs::path& folder) {
  std::vector<std::string> sources;
  for (const ReportSource& source : settings.sources) sources.push_back(json_of(source, folder));
  return fmt::format(
      R"({{
  "version": {},
  "sources": [{}],
  "k_frac": {},
  "precisions": {},
  "all_precisions": {},
  "filter_layers": {},
  "all_layers": {},
  "min_eigenvalues": {},
  "base": {},
  "metrics": {}
}}
)",
      json_text(settings.version), joined(sources, ",\n              "), csv_number(settings.k_frac),
      json_list(settings.precisions), settings.all_precisions, json_text(settings.filter_layers),
      settings.all_layers, settings.min_eigenvalues, json_text(settings.base), json_list(settings.metrics));
}

std::string text_in(simdjson::dom::element object, const char* key) {
  return std::string(std::string_view(object[key]));
}

/// 0 where reports of earlier versions do not say it.
std::int64_t min_eigenvalues_in(simdjson::dom::element json) {
  std::int64_t value = 0;
  return json["min_eigenvalues"].get(value) == simdjson::SUCCESS ? value : 0;
}

/// Empty where reports of earlier versions do not say it.
std::string base_in(simdjson::dom::element json) {
  std::string_view value;
  return json["base"].get(value) == simdjson::SUCCESS ? std::string(value) : "";
}

/// None where reports of earlier versions do not say it.
std::vector<std::string> metrics_in(simdjson::dom::element json) {
  std::vector<std::string> metrics;
  simdjson::dom::array names;
  if (json["metrics"].get(names) != simdjson::SUCCESS) return metrics;
  for (const simdjson::dom::element name : names) metrics.emplace_back(std::string_view(name));
  return metrics;
}

RecordedSettings parsed(simdjson::dom::element json, const fs::path& folder) {
  RecordedSettings settings{.version = text_in(json, "version"),
                            .sources = {},
                            .k_frac = double(json["k_frac"]),
                            .precisions = {},
                            .all_precisions = bool(json["all_precisions"]),
                            .filter_layers = text_in(json, "filter_layers"),
                            .all_layers = bool(json["all_layers"]),
                            .min_eigenvalues = min_eigenvalues_in(json),
                            .base = base_in(json),
                            .metrics = metrics_in(json)};
  for (const simdjson::dom::element source : simdjson::dom::array(json["sources"])) {
    settings.sources.push_back({fs::weakly_canonical(folder / text_in(source, "file")),
                                text_in(source, "model"), text_in(source, "version")});
  }
  for (const simdjson::dom::element precision : simdjson::dom::array(json["precisions"])) {
    settings.precisions.emplace_back(std::string_view(precision));
  }
  return settings;
}

std::vector<std::string> files_of(const RecordedSettings& settings) {
  std::vector<std::string> files;
  for (const ReportSource& source : settings.sources) files.push_back(source.file.string());
  return files;
}

std::string short_names(const RecordedSettings& settings) {
  std::vector<std::string> names;
  for (const ReportSource& source : settings.sources) names.push_back(short_name(source.file));
  return joined(names, "_");
}

/// "all 12", "12 by 'q_proj'".
std::string layers_of(const RecordedSettings& settings) {
  if (settings.filter_layers.empty()) return fmt::format("all {}", settings.layers.size());
  return fmt::format("{} by '{}'", settings.layers.size(), settings.filter_layers);
}

std::string layers_part(const RecordedSettings& settings) {
  return settings.filter_layers.empty() ? "all_layers" : FileNames().make("layers_", settings.filter_layers);
}

/// "none", "all", or their names.
std::string metrics_text(const std::vector<std::string>& metrics, std::string_view separator = ", ") {
  if (metrics.empty()) return "none";
  return metrics.size() == all_spectral_metrics().size() ? "all" : joined(metrics, separator);
}

/// Do both show the same precisions, or those of a run that has more by now?
bool same_precisions(const RecordedSettings& wanted, const RecordedSettings& stored) {
  if (stored.precisions == wanted.precisions) return true;
  const auto is_kept = [&](const std::string& precision) {
    return std::ranges::find(wanted.precisions, precision) != wanted.precisions.end();
  };
  return stored.all_precisions && wanted.all_precisions && std::ranges::all_of(stored.precisions, is_kept);
}

/// Do both show the same layers, or those of a run that has more by now?
bool same_layers(const RecordedSettings& wanted, const RecordedSettings& stored) {
  if (stored.layers == wanted.layers) return true;
  const bool same_selection =
      (stored.all_layers && wanted.all_layers) ||
      (stored.all_layers == wanted.all_layers && stored.filter_layers == wanted.filter_layers);
  return same_selection && std::ranges::includes(wanted.layers, stored.layers);
}

/// The tables of a report on one run, or of a comparison. @throws Error(system) where they cannot be read
std::set<std::string> layers_in_tables(const RecordedSettings& settings, const fs::path& folder) {
  const fs::path table = folder / (settings.sources.size() > 1 ? comparison_csv_name : results_csv_name);
  if (!fs::exists(table)) return {};
  return first_cells(read_text(table, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

std::string short_name(const fs::path& results_file) {
  const bool has_usual_name = results_file.filename() == results_name;
  return (has_usual_name ? results_file.parent_path().filename() : results_file.stem()).string();
}

std::vector<std::string> run_names(std::span<const fs::path> results_files) {
  std::set<std::string> short_names;
  for (const fs::path& file : results_files) short_names.insert(short_name(fs::absolute(file)));
  const bool distinct = short_names.size() == results_files.size();
  std::vector<std::string> names;
  FileNames given_out;
  for (const fs::path& file : results_files) {
    const fs::path path = fs::absolute(file);
    names.push_back(given_out.make("", distinct ? short_name(path) : path.parent_path().filename().string()));
  }
  return names;
}

RecordedSettings recorded_settings(const ReportView& view, const std::string& version) {
  RecordedSettings settings{.version = version,
                            .sources = {},
                            .k_frac = view.k_frac,
                            .precisions = view.shown_precisions(),
                            .all_precisions = view.all_precisions,
                            .filter_layers = view.filter_layers,
                            .all_layers = view.all_layers,
                            .min_eigenvalues = view.min_eigenvalues,
                            .base = view.base,
                            .metrics = view.metrics};
  for (const ReportedLayer& layer : view.layers) settings.layers.insert(csv_text(layer.layer.name));
  if (!view.source.empty()) {
    settings.sources.push_back({fs::weakly_canonical(view.source), view.model, view.run_version});
  }
  return settings;
}

std::vector<SettingDifference> differences(const RecordedSettings& wanted,
                                           const std::optional<RecordedSettings>& stored) {
  std::vector<SettingDifference> found;
  if (stored && files_of(*stored) != files_of(wanted)) {
    found.push_back({"source", joined(files_of(*stored)), joined(files_of(wanted)),
                     FileNames().make("", short_names(wanted))});
  }
  if (!stored || stored->k_frac != wanted.k_frac) {
    found.push_back({"k_frac", stored ? fmt::format("{}", stored->k_frac) : "",
                     fmt::format("{}", wanted.k_frac), fmt::format("k_frac_{}", wanted.k_frac)});
  }
  if (stored ? !same_precisions(wanted, *stored) : !wanted.all_precisions) {
    found.push_back({"precisions", stored ? joined(stored->precisions) : "", joined(wanted.precisions),
                     FileNames().make("precisions_", joined(wanted.precisions, "_"))});
  }
  if (stored ? !same_layers(wanted, *stored) : !wanted.all_layers) {
    found.push_back({"layers", stored ? layers_of(*stored) : "", layers_of(wanted), layers_part(wanted)});
  }
  const std::int64_t stored_least = stored ? stored->min_eigenvalues : 0;
  if (stored_least != wanted.min_eigenvalues) {
    found.push_back({"min_eigenvalues", stored ? fmt::format("{}", stored_least) : "",
                     fmt::format("{}", wanted.min_eigenvalues),
                     fmt::format("min_eigenvalues_{}", wanted.min_eigenvalues)});
  }
  const std::string stored_base = stored ? stored->base : "";
  if (stored_base != wanted.base) {
    const auto shown = [](const std::string& base) {
      return base.empty() ? "the nearest to the weights" : base;
    };
    found.push_back({"base", shown(stored_base), shown(wanted.base), FileNames().make("base_", wanted.base)});
  }
  const std::vector<std::string> stored_metrics = stored ? stored->metrics : std::vector<std::string>{};
  if (stored_metrics != wanted.metrics) {
    found.push_back({"metrics", metrics_text(stored_metrics), metrics_text(wanted.metrics),
                     FileNames().make("metrics_", metrics_text(wanted.metrics, "_"))});
  }
  return found;
}

void save_settings(const fs::path& folder, const RecordedSettings& settings) {
  save_text(folder / settings_name, json_of(settings, folder));
}

std::optional<RecordedSettings> stored_settings(const fs::path& folder) {
  try {
    simdjson::dom::parser parser;
    RecordedSettings settings = parsed(parser.load((folder / settings_name).string()), folder);
    settings.layers = layers_in_tables(settings, folder);
    return settings;
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

}  // namespace alphahill
