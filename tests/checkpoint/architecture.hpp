/// The layers that a checkpoint of a certain architecture shows, as text to compare.
#pragma once

#include <gtest/gtest.h>

#include "alphahill/checkpoint/catalog.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {

class Architecture : public testing::Test {
 protected:
  /// Adds X.weight in BF16.
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    builder_.add(name + ".weight", "BF16", std::move(shape));
  }
  void add_all(const std::string& prefix,
               const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& layers) {
    for (const auto& [name, shape] : layers) add(prefix + name, shape);
  }

  /// A line "name category out x in" for each layer.
  std::string layers_of(const std::string& config) const {
    const TemporaryFolder folder;
    folder.write("config.json", config);
    builder_.write(folder.path());
    std::string lines = "\n";
    for (const Layer& layer : open_catalog(folder.path(), "").layers) {
      lines +=
          fmt::format("{} {} {}x{}\n", layer.name, layer.category, layer.out_features, layer.in_features);
    }
    return lines;
  }

  CheckpointBuilder builder_;
};

}  // namespace alphahill
