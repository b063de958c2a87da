#include "programs/run/run_journal.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/environment.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/checkpoint/fused_partners.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/runtime/crash_note.hpp"
#include "programs/command_line/version.hpp"

namespace alphahill {

namespace {

LayerRow row_of(const Catalog& catalog, const Layer& layer) {
  return {.name = layer.name,
          .category = layer.category,
          .out_features = layer.out_features,
          .in_features = layer.in_features,
          .numel = layer.numel(),
          .stored_dtype = layer.stored_dtype,
          .source_file = catalog.files.at(static_cast<std::size_t>(first_file(layer.layout))).name,
          .stored_as = layer.stored_as(),
          .bits_per_weight = layer.unsupported() == nullptr ? layer.bits_per_weight() : no_figure,
          .dequantized = layer.dequantized(),
          .predicts_further_tokens = layer.predicts_further_tokens};
}

std::vector<std::string> names_of(const std::vector<Precision>& precisions) {
  std::vector<std::string> names;
  for (const Precision& precision : precisions) names.emplace_back(precision.name);
  return names;
}

/// Without layers.
RunDescription describe(const Options& options, const Catalog& catalog) {
  return {.model = options.model,
          .model_fingerprint = catalog.fingerprint,
          .load_dtype = std::string(name_of(options.settings.load)),
          .precisions = precision_names_of(options),
          .k_frac = options.settings.k_fraction,
          .share_tolerance = options.settings.share_tolerance,
          .filter_layers = options.filter_layers,
          .version = version_text(),
          .host = host_name(),
          .layers = {},
          .fuse_scales = options.settings.fuse_scales};
}

std::filesystem::path journal_of(const Options& options) {
  return options.report.output_dir / journal_name;
}

RunRequest request_of(const Options& options, const AskedModel& model) {
  RunRequest request{
      describe(options, model.catalog), {}, options.include_mtp, names_of(options.settings.survey)};
  for (std::size_t i = 0; i < model.wanted.size(); ++i) {
    request.model_layers.push_back(row_of(model.catalog, model.catalog.layers[i]));
    if (model.wanted[i]) request.run.layers.push_back(request.model_layers.back());
  }
  return request;
}

bool any_begun(const Journal& journal) {
  for (std::int64_t layer = 1; layer <= std::ssize(journal.run().layers); ++layer) {
    if (journal.attempts(layer).unexplained > 0) return true;
  }
  return false;
}

}  // namespace

AskedModel open_model(const Options& options) {
  constexpr bool include_mtp = true;
  AskedModel model{
      open_catalog(find_model(options.model, options.revision), "", include_mtp, options.allow_unmerged), {}};
  if (options.settings.fuse_scales) keep_fused_partners(model.catalog);
  model.wanted = kept_layers(model.catalog, options.filter_layers, options.include_mtp);
  return model;
}

std::vector<std::string> precision_names_of(const Options& options) {
  return names_of(options.settings.all_precisions());
}

Journal open_journal(const Options& options, const AskedModel& model) {
  const std::filesystem::path& folder = options.report.output_dir;
  create_folders(folder);
  const RunRequest request = request_of(options, model);
  Journal journal = options.restart ? Journal::restart(journal_of(options), request)
                                    : Journal::open_or_resume(journal_of(options), request);
  if (!options.restart && !journal.replaces_another()) return journal;
  best_effort([&] { take_crash_notes(folder); }, "notes of crashes before this run may count against layers");
  std::filesystem::remove(folder / results_name);
  remove_report(folder);
  return journal;
}

void enter_crash_notes(const std::filesystem::path& folder, std::span<const std::string> precisions,
                       Journal& journal) {
  std::vector<Attempt> attempts;
  const auto layers = std::ssize(journal.run().layers);
  std::vector<std::int64_t> noted;
  best_effort([&] { noted = take_crash_notes(folder); },
              "crashes of earlier runs are not counted against their layers");
  if (!any_begun(journal)) noted.clear();
  std::erase_if(noted, [&](std::int64_t layer) { return layer < 1 || layer > layers; });
  for (const std::int64_t layer : noted) attempts.push_back({layer, AttemptEvent::crash});
  for (std::int64_t layer = 1; !noted.empty() && layer <= layers; ++layer) {
    const bool begun = !journal.has(layer, precisions) && journal.attempts(layer).unexplained > 0;
    if (begun && std::ranges::find(noted, layer) == noted.end())
      attempts.push_back({layer, AttemptEvent::released});
  }
  if (!attempts.empty()) journal.note(attempts);
}

std::vector<bool> layers_in(const Journal& journal, const Catalog& catalog) {
  std::set<std::string_view> names;
  for (const LayerRow& layer : journal.run().layers) names.insert(layer.name);
  std::vector<bool> in;
  for (const Layer& layer : catalog.layers) in.push_back(names.contains(layer.name));
  return in;
}

bool reconsider_layer(Journal& journal, std::int64_t layer, const Options& options) {
  const std::vector<std::string> precisions = precision_names_of(options);
  const bool failed = journal.reconsider(layer, precisions, Status::failed);
  const bool unsupported = journal.reconsider(layer, precisions, Status::unsupported);
  journal.reconsider(layer, names_of(options.settings.precisions), Status::surveyed);
  return failed || unsupported;
}

std::int32_t stored_precisions(const Journal& journal, std::int64_t layer, const Options& options) {
  const std::vector<std::string> spectra = names_of(options.settings.precisions);
  const auto missing = std::ranges::find_if(
      spectra, [&](const std::string& precision) { return !journal.has(layer, std::span(&precision, 1)); });
  return static_cast<std::int32_t>(missing - spectra.begin());
}

StoredLayers stored_layers(const Options& options, const AskedModel& model) {
  if (options.restart) return {};
  std::optional<Journal> journal = Journal::find_resumable(journal_of(options), request_of(options, model));
  if (!journal) return {};
  StoredLayers stored;
  const std::vector<std::string> precisions = precision_names_of(options);
  for (std::int64_t number = 1; number <= std::ssize(journal->run().layers); ++number) {
    const std::string& name = journal->run().layers[static_cast<std::size_t>(number - 1)].name;
    reconsider_layer(*journal, number, options);
    if (journal->has(number, precisions)) {
      stored.finished.insert(name);
    } else {
      stored.precisions[name] = stored_precisions(*journal, number, options);
    }
  }
  return stored;
}

}  // namespace alphahill
