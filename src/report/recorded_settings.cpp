#include "report/recorded_settings.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "alphahill/base/text.hpp"
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
  "min_eigenvalues": {}
}}
)",
      json_text(settings.version), joined(sources, ",\n              "), csv_number(settings.k_frac),
      json_list(settings.precisions), settings.all_precisions, json_text(settings.filter_layers),
      settings.all_layers, settings.min_eigenvalues);
}

std::string text_in(simdjson::dom::element object, const char* key) {
  return std::string(std::string_view(object[key]));
}

/// 0 where reports of earlier versions do not say it.
std::int64_t min_eigenvalues_in(simdjson::dom::element json) {
  std::int64_t value = 0;
  return json["min_eigenvalues"].get(value) == simdjson::SUCCESS ? value : 0;
}

RecordedSettings parsed(simdjson::dom::element json, const fs::path& folder) {
  RecordedSettings settings{.version = text_in(json, "version"),
                            .sources = {},
                            .k_frac = double(json["k_frac"]),
                            .precisions = {},
                            .all_precisions = bool(json["all_precisions"]),
                            .filter_layers = text_in(json, "filter_layers"),
                            .all_layers = bool(json["all_layers"]),
                            .min_eigenvalues = min_eigenvalues_in(json)};
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

std::string layers_of(const RecordedSettings& settings) {
  return settings.all_layers ? "all" : fmt::format("'{}'", settings.filter_layers);
}

std::string layers_part(const RecordedSettings& settings) {
  return settings.all_layers ? "all_layers" : FileNames().make("layers_", settings.filter_layers);
}

}  // namespace

std::string short_name(const fs::path& results_file) {
  const fs::path name = results_file.stem();
  return (name == "alpha_hill" ? results_file.parent_path().filename() : name).string();
}

RecordedSettings recorded_settings(const ReportView& view, const std::string& version) {
  RecordedSettings settings{.version = version,
                            .sources = {},
                            .k_frac = view.k_frac,
                            .precisions = view.precisions,
                            .all_precisions = view.all_precisions,
                            .filter_layers = view.filter_layers,
                            .all_layers = view.all_layers,
                            .min_eigenvalues = view.min_eigenvalues};
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
  const bool all_precisions = wanted.all_precisions && (!stored || stored->all_precisions);
  if (!all_precisions && (!stored || stored->precisions != wanted.precisions)) {
    found.push_back({"precisions", stored ? joined(stored->precisions) : "", joined(wanted.precisions),
                     FileNames().make("precisions_", joined(wanted.precisions, "_"))});
  }
  const bool all_layers = wanted.all_layers && (!stored || stored->all_layers);
  if (!all_layers && (!stored || stored->filter_layers != wanted.filter_layers)) {
    found.push_back({"layers", stored ? layers_of(*stored) : "", layers_of(wanted), layers_part(wanted)});
  }
  const std::int64_t stored_least = stored ? stored->min_eigenvalues : 0;
  if (stored_least != wanted.min_eigenvalues) {
    found.push_back({"min_eigenvalues", stored ? fmt::format("{}", stored_least) : "",
                     fmt::format("{}", wanted.min_eigenvalues),
                     fmt::format("min_eigenvalues_{}", wanted.min_eigenvalues)});
  }
  return found;
}

void save_settings(const fs::path& folder, const RecordedSettings& settings) {
  save_text(folder / settings_name, json_of(settings, folder));
}

std::optional<RecordedSettings> stored_settings(const fs::path& folder) {
  try {
    simdjson::dom::parser parser;
    return parsed(parser.load((folder / settings_name).string()), folder);
  } catch (const simdjson::simdjson_error&) {
    return std::nullopt;
  }
}

}  // namespace alphahill
