#include "alphahill/checkpoint/catalog.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/base/layer_filter.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/layer_order.hpp"
#include "checkpoint/catalog/linear_layers.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/multi_token_prediction.hpp"
#include "checkpoint/catalog/unapplied_weights.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"
#include "checkpoint/headers/counted_tensors.hpp"
#include "checkpoint/headers/weight_files.hpp"

namespace alphahill {

namespace {

void warn_of_unknown_quantization(const std::vector<Layer>& layers, const std::string& method) {
  const bool known = std::ranges::any_of(layers, is_coded, &Layer::layout);
  if (method.empty() || known) return;
  spdlog::warn(
      "config.json says that weights are quantized ({}), but none are found in a form that is known: "
      "layers may be missing from the list",
      printable(method));
}

void warn_of_surplus(const std::vector<Layer>& layers, const CheckpointHeaders& headers,
                     const ModelConfig& config) {
  CountedTensors surplus;
  for (const Layer& layer : layers) {
    if (is_surplus(layer.name, headers, config)) surplus.add(layer.name);
  }
  if (surplus.count == 0) return;
  spdlog::warn(
      "{} behind the last of the {} that config.json counts, {} first, {} taken for multi-token prediction",
      counted(surplus.count, "layer"), counted(*config.num_hidden_layers, "block"), surplus.first,
      surplus.count == 1 ? "is" : "are");
}

void warn_of_unsupported(const std::vector<Layer>& layers) {
  CountedTensors unsupported;
  std::string reason;
  for (const Layer& layer : layers) {
    if (layer.unsupported() == nullptr) continue;
    unsupported.add(layer.name);
    if (reason.empty()) reason = *layer.unsupported();
  }
  if (unsupported.count == 0) return;
  spdlog::warn("{} of {} cannot be analysed, {} first: {}", unsupported.count,
               counted(std::ssize(layers), "layer"), unsupported.first, reason);
}

void say_what_is_dequantized(const std::vector<Layer>& layers) {
  const auto quantized = std::ranges::count_if(layers, &Layer::dequantized);
  if (quantized == 0) return;
  spdlog::info("stored quantized: {} of {}; their figures are those of the dequantized weights", quantized,
               counted(std::ssize(layers), "layer"));
  const auto scaled = std::ranges::count_if(layers, [](const Layer& layer) {
    const auto* stored = std::get_if<ScaledCodes>(&layer.layout);
    return stored != nullptr && stored->inputs_are_scaled;
  });
  if (scaled == 0) return;
  spdlog::info(
      "inputs scaled before they are multiplied (pre_quant_scale): of {}, whose stored weights are not the "
      "original ones",
      counted(scaled, "layer"));
}

/// Of a layer and those that it is fused with.
template <class SomeLayer, class Use>
void for_each_slice_of(SomeLayer& layer, Use use) {
  for_each_slice(layer.layout, use);
  for (auto& partner : layer.fused_with) for_each_slice(partner.layout, use);
}

/// The files that hold a layer; the layers' file numbers follow.
std::vector<SourceFile> files_of(std::vector<Layer>& layers, const std::vector<SourceFile>& files) {
  std::vector<SourceFile> used;
  std::map<std::int64_t, std::int64_t> number_of;
  for (const Layer& layer : layers) {
    for_each_slice_of(layer, [&](const TensorSlice& slice) { number_of.emplace(slice.file, 0); });
  }
  for (auto& [file, number] : number_of) {
    number = std::ssize(used);
    used.push_back(files[static_cast<std::size_t>(file)]);
  }
  for (Layer& layer : layers) {
    for_each_slice_of(layer, [&](TensorSlice& slice) { slice.file = number_of.at(slice.file); });
  }
  return used;
}

/// All layers, in the order of their names. The headers, which may take more memory, go.
Catalog layers_found(const std::filesystem::path& checkpoint, bool allow_unmerged) {
  const std::filesystem::path folder = folder_of(checkpoint);
  const std::string where = checkpoint.string();
  CheckpointHeaders headers = read_checkpoint_headers(checkpoint);
  const auto [config_text, config] = read_config(folder);
  headers.fingerprint.add(config_text);
  refuse_placeholders(headers, config, where);
  refuse_unmerged_adapters(headers, where, allow_unmerged);
  FoundLayers found = find_linear_layers(headers, config);
  refuse_slices(found.layers, headers, config, where);
  warn_of_surplus(found.layers, headers, config);
  warn_of_unknown_quantization(found.layers, config.quantization_method);
  OtherTensors others = other_tensors(headers, found.roles, found.weights);
  return {folder.string(), headers.fingerprint.hex(), std::move(headers.files), std::move(found.layers),
          std::move(others)};
}

}  // namespace

Catalog open_catalog(const std::filesystem::path& checkpoint, const std::string& filter, bool include_mtp,
                     bool allow_unmerged) {
  Catalog catalog = layers_found(checkpoint, allow_unmerged);
  if (catalog.layers.empty()) {
    report_other_tensors(catalog.others);
    throw Error(Fault::input, checkpoint.string(), "no Linear layers: expected 2-D tensors called *.weight");
  }
  say_what_is_dequantized(catalog.layers);
  sort_in_model_order(catalog.layers);
  warn_of_unsupported(catalog.layers);
  const std::vector<bool> kept = kept_layers(catalog, filter, include_mtp);
  return with_layers(std::move(catalog), kept);
}

void report_other_tensors(const OtherTensors& others) {
  constexpr double worth_a_warning = 0.01;
  if (others.count == 0) return;
  spdlog::log(
      others.share > worth_a_warning ? spdlog::level::warn : spdlog::level::info,
      "{} of two and more dimensions {} neither layer, part of one, embedding, norm nor convolution, {:.2g}% "
      "of all weights; the largest is {}: --list-layers --all names them",
      counted(others.count, "tensor"), others.count == 1 ? "is" : "are", 100 * others.share, others.largest);
}

std::vector<bool> kept_layers(const Catalog& catalog, const std::string& filter, bool include_mtp) {
  const auto is_candidate = [&](const Layer& layer) { return include_mtp || !layer.predicts_further_tokens; };
  std::vector<std::string> names;
  for (const Layer& layer : catalog.layers) {
    if (is_candidate(layer)) names.push_back(layer.name);
  }
  if (names.empty()) {
    throw Error(Fault::input, catalog.folder,
                "no Linear layers but those of multi-token prediction; --include-mtp takes them in");
  }
  if (const auto left_out = std::ssize(catalog.layers) - std::ssize(names); left_out > 0) {
    spdlog::info("left out: {} of multi-token prediction; --include-mtp takes them in",
                 counted(left_out, "layer"));
  }
  const std::vector<bool> matches = layers_kept(names, filter);
  std::vector<bool> kept;
  auto match = matches.begin();
  for (const Layer& layer : catalog.layers) kept.push_back(is_candidate(layer) && *match++);
  return kept;
}

Catalog with_layers(Catalog catalog, const std::vector<bool>& kept) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    if (count < i) catalog.layers[count] = std::move(catalog.layers[i]);
    ++count;
  }
  catalog.layers.erase(catalog.layers.begin() + static_cast<std::ptrdiff_t>(count), catalog.layers.end());
  catalog.files = files_of(catalog.layers, catalog.files);
  return catalog;
}

}  // namespace alphahill
