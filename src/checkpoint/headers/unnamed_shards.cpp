#include "checkpoint/headers/unnamed_shards.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/regex.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// What the names of the shards of one checkpoint share: what is before the number, and what is behind it.
using Series = std::pair<std::string, std::string>;

struct ShardName {
  Series series;
  std::int64_t count = 0;  ///< of shards in the series
};

std::optional<ShardName> parsed(const std::string& name) {
  static const boost::regex shard(R"((.*-)\d+(-of-(\d{1,9})\.safetensors))");
  boost::smatch match;
  if (!boost::regex_match(name, match, shard)) return std::nullopt;
  return ShardName{{match.str(1), match.str(2)}, std::stoll(match.str(3))};
}

/// Of each series the shards that are not there yet.
using Missing = std::map<Series, std::int64_t>;

Missing missing_of(const ShardIndex& index) {
  Missing missing;
  for (const auto& [name, tensors] : index.tensors_of()) {
    const std::optional<ShardName> shard = parsed(name);
    if (shard) --missing.emplace(shard->series, shard->count).first->second;
  }
  return missing;
}

std::vector<std::string> names_beside(const std::filesystem::path& folder, const std::string& prefix) {
  const std::filesystem::path below = std::filesystem::path(prefix).parent_path();
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder / below, ignored)) {
    names.push_back((below / entry.path().filename()).string());
  }
  std::ranges::sort(names);
  return names;
}

void warn_of_missing(const Missing& missing, const std::string& where) {
  for (const auto& [series, count] : missing) {
    if (count <= 0) continue;
    spdlog::warn("{}: {} called {}*{} {} neither named nor there: layers may be missing", printable(where),
                 counted(count, "file"), printable(series.first), printable(series.second),
                 count == 1 ? "is" : "are");
  }
}

}  // namespace

std::vector<std::string> unnamed_shards(const ShardIndex& index, const std::filesystem::path& folder,
                                        const std::string& where) {
  std::vector<std::string> unnamed;
  Missing missing = missing_of(index);
  for (auto& [series, count] : missing) {
    if (count <= 0) continue;
    for (std::string& name : names_beside(folder, series.first)) {
      const std::optional<ShardName> shard = parsed(name);
      if (!shard || shard->series != series || index.tensors_of().contains(name)) continue;
      --count;
      unnamed.push_back(std::move(name));
    }
  }
  if (!unnamed.empty()) {
    constexpr std::size_t most = 8;
    spdlog::warn("{}: {} of its shards that it does not name {} read too: {}", printable(where),
                 unnamed.size(), unnamed.size() == 1 ? "is" : "are",
                 printable(joined(some_of(unnamed, most))));
  }
  warn_of_missing(missing, where);
  return unnamed;
}

}  // namespace alphahill
