#include "alphahill/checkpoint/catalog.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/layer_filter.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/layer_order.hpp"
#include "checkpoint/catalog/linear_layers.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t most_config_bytes = 16 * 1024 * 1024;

/// The text of config.json; an empty object where there is none.
std::string read_config(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return read_text(path, most_config_bytes);
  spdlog::warn("{} is missing: the model's type and whether its head is tied are not known", path.string());
  return "{}";
}

void warn_of_unknown_quantization(const std::vector<Layer>& layers, const std::string& method) {
  const bool known = std::ranges::any_of(
      layers, [](const Layer& layer) { return !std::holds_alternative<Plain>(layer.layout); });
  if (method.empty() || known) return;
  spdlog::warn(
      "config.json says that weights are quantized ({}), but none are found in a form that is known: "
      "layers may be missing from the list",
      printable(method));
}

void say_what_is_dequantized(const std::vector<Layer>& layers) {
  const auto quantized = std::ranges::count_if(layers, &Layer::dequantized);
  if (quantized == 0) return;
  spdlog::info("stored quantized: {} of {}; their figures are those of the dequantized weights", quantized,
               counted(std::ssize(layers), "layer"));
}

/// The files that hold a layer; the layers' file numbers follow.
std::vector<SourceFile> files_of(std::vector<Layer>& layers, const std::vector<SourceFile>& files) {
  std::vector<SourceFile> used;
  std::map<std::int64_t, std::int64_t> number_of;
  for (const Layer& layer : layers) {
    for_each_slice(layer.layout, [&](const TensorSlice& slice) { number_of.emplace(slice.file, 0); });
  }
  for (auto& [file, number] : number_of) {
    number = std::ssize(used);
    used.push_back(files[static_cast<std::size_t>(file)]);
  }
  for (Layer& layer : layers) {
    for_each_slice(layer.layout, [&](TensorSlice& slice) { slice.file = number_of.at(slice.file); });
  }
  return used;
}

/// All layers, in the order of their names. The headers, which may take more memory, go.
Catalog layers_found(const std::filesystem::path& folder) {
  CheckpointHeaders headers = read_checkpoint_headers(folder);
  const auto config_path = folder / "config.json";
  const std::string config_text = read_config(config_path);
  const ModelConfig config = ModelConfig::parse(config_text, config_path.string());
  headers.fingerprint.add(config_text);

  Catalog catalog{folder.string(), headers.fingerprint.hex(), std::move(headers.files),
                  find_linear_layers(headers, config)};
  warn_of_unknown_quantization(catalog.layers, config.quantization_method);
  return catalog;
}

}  // namespace

Catalog open_catalog(const std::filesystem::path& folder, const std::string& filter, bool include_mtp) {
  Catalog catalog = layers_found(folder);
  const auto left_out =
      include_mtp ? 0 : std::ranges::count(catalog.layers, true, &Layer::predicts_further_tokens);
  if (std::ssize(catalog.layers) == left_out) {
    throw Error(Fault::input, folder.string(), "no Linear layers: expected 2-D tensors called *.weight");
  }
  if (left_out > 0) {
    spdlog::info("left out: {} of multi-token prediction; --include-mtp takes them in",
                 counted(left_out, "layer"));
  }
  say_what_is_dequantized(catalog.layers);
  sort_in_model_order(catalog.layers);
  const std::vector<bool> kept = kept_layers(catalog, filter, include_mtp);
  return with_layers(std::move(catalog), kept);
}

std::vector<bool> kept_layers(const Catalog& catalog, const std::string& filter, bool include_mtp) {
  const auto is_candidate = [&](const Layer& layer) { return include_mtp || !layer.predicts_further_tokens; };
  std::vector<std::string> names;
  for (const Layer& layer : catalog.layers) {
    if (is_candidate(layer)) names.push_back(layer.name);
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
