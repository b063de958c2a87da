#include "programs/run/one_process.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/hub_cache.hpp"
#include "alphahill/checkpoint/layer_table.hpp"
#include "alphahill/checkpoint/tensor_table.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "programs/run/preview.hpp"
#include "programs/run/run.hpp"
#include "programs/run/run_journal.hpp"

namespace alphahill {

namespace {

MemoryShare share_of_this_node(int ranks) {
  const NodeMemory memory = memory_of_node();
  if (!memory.warning.empty()) spdlog::warn("{}", memory.warning);
  return {memory.bytes / ranks, fmt::format("this node's, shared by {}; --memory-per-rank tells another's",
                                            counted(ranks, "rank"))};
}

void show_preview(const Options& options, int ranks) {
  const int ranks_here = std::clamp(cores_of_node() / options.threads_per_rank, 1, ranks);
  const MemoryShare memory = options.memory_per_rank
                                 ? MemoryShare{*options.memory_per_rank, "--memory-per-rank"}
                                 : share_of_this_node(ranks_here);
  AskedModel model = open_model(options);
  const StoredLayers stored = stored_layers(options, model);
  const Catalog catalog = with_layers(std::move(model.catalog), model.wanted);
  const BlockLayout blocks = blocks_of(options, ranks, true);
  fmt::print("{}", preview(catalog, options.settings, stored, blocks, memory));
  report_other_tensors(catalog.others);
  require_computable_layer(catalog, options.settings, stored.finished, blocks, memory.bytes);
}

void show_layers(const Options& options) {
  if (options.list_all_tensors) {
    fmt::print("{}", tensor_table(find_model(options.model, options.revision)));
    return;
  }
  AskedModel model = open_model(options);
  const Catalog catalog = with_layers(std::move(model.catalog), model.wanted);
  fmt::print("{}", layer_table(catalog));
  report_other_tensors(catalog.others);
}

}  // namespace

void show(const Options& options, int ranks) {
  if (!options.text.empty()) {
    fmt::print("{}", options.text);
  } else if (options.list_layers) {
    show_layers(options);
  } else {
    show_preview(options, options.ranks.value_or(ranks));
  }
}

}  // namespace alphahill
