#include "alphahill/results/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "alphahill/base/error.hpp"
#include "alphahill/base/layer_filter.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// In the order of Status.
constexpr std::array<std::string_view, 8> status_names{
    "ok", "degenerate", "no_tail", "nonfinite", "unsupported", "failed", "few_eigenvalues", "surveyed"};

}  // namespace

std::string_view name_of(Status status) {
  return status_names.at(static_cast<std::size_t>(status));
}

double seconds_of(const LayerRecord& record) {
  return std::accumulate(record.results.begin(), record.results.end(), 0.0,
                         [](double sum, const ResultRow& row) { return sum + row.seconds; });
}

Status parse_status(std::string_view name) {
  const auto found = std::ranges::find(status_names, name);
  if (found != status_names.end()) return static_cast<Status>(found - status_names.begin());
  const std::vector<std::string> names(status_names.begin(), status_names.end());
  throw Error(Fault::input, "status",
              "expected one of " + joined(names) + ", found '" + std::string(name) + "'");
}

void require_readable_version(std::int64_t version, const std::string& where) {
  if (version >= oldest_record_version && version <= record_version) return;
  throw Error(Fault::input, where,
              fmt::format("it has version {} of the records, this program reads {} to {}: {}", version,
                          oldest_record_version, record_version,
                          version > record_version ? "a newer alpha-hill wrote it, use that one"
                                                   : "compute it again with --restart"));
}

namespace {

void append_row(LayerRecord& record, ResultRow row, const LayerRecord& from,
                std::map<std::int64_t, std::int64_t>& offsets) {
  if (row.spectrum_length > 0) {
    const auto [offset, is_new] = offsets.emplace(row.spectrum_offset, std::ssize(record.eigenvalues));
    const auto first = from.eigenvalues.begin() + row.spectrum_offset;
    if (is_new) record.eigenvalues.insert(record.eigenvalues.end(), first, first + row.spectrum_length);
    row.spectrum_offset = offset->second;
  }
  record.results.push_back(std::move(row));
}

}  // namespace

LayerRecord merged(const LayerRecord& earlier, const LayerRecord& record,
                   std::span<const std::string> precisions) {
  LayerRecord all{.layer = record.layer, .results = {}, .eigenvalues = {}};
  std::map<std::int64_t, std::int64_t> offsets;
  std::map<std::int64_t, std::int64_t> earlier_offsets;
  for (const std::string& precision : precisions) {
    const auto now = std::ranges::find(record.results, precision, &ResultRow::precision);
    const auto before = std::ranges::find(earlier.results, precision, &ResultRow::precision);
    const bool is_there = now != record.results.end();
    const bool was_there = before != earlier.results.end();
    if (is_there && (!was_there || is_computed(now->status) || !is_computed(before->status))) {
      append_row(all, *now, record, offsets);
    } else if (was_there) {
      append_row(all, *before, earlier, earlier_offsets);
    }
  }
  return all;
}

std::string depths_text(const Asked& asked) {
  if (asked.survey.empty()) return joined(asked.precisions);
  const std::string surveyed = joined(asked.survey) + " surveyed";
  return asked.precisions.empty() ? surveyed : joined(asked.precisions) + "; " + surveyed;
}

Asked everything_in(const RunDescription& run) {
  return {.precisions = run.precisions, .filter_layers = {}};
}

std::vector<bool> asked_layers(const RunDescription& run, const Asked& asked) {
  std::vector<std::string> names;
  for (const LayerRow& layer : run.layers) names.push_back(layer.name);
  std::vector<bool> are_asked(names.size(), true);
  if (!asked.filter_layers.empty()) are_asked = layers_kept(names, asked.filter_layers);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!asked.include_mtp && run.layers[i].predicts_further_tokens) are_asked[i] = false;
  }
  return are_asked;
}

}  // namespace alphahill
