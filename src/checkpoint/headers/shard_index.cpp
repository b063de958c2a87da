#include "checkpoint/headers/shard_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "alphahill/base/error.hpp"
#include "checkpoint/headers/json.hpp"

namespace alphahill {

namespace {

using WeightMap = std::vector<std::pair<std::string, std::string>>;  // tensor, file

/// True for a relative name without "..": it stays in the folder, but for symbolic links, which are the
/// user's.
bool stays_in_folder(const std::filesystem::path& name) {
  return !name.empty() && name.is_relative() && std::ranges::count(name, "..") == 0 &&
         name.native().find('\0') == std::string::npos;
}

WeightMap read_weight_map(json::Value value, const std::string& where) {
  json::Object fields;
  if (value.get_object().get(fields) != simdjson::SUCCESS) {
    throw Error(Fault::input, where, "weight_map: expected an object, found " + json::shown(value));
  }
  WeightMap map;
  for (simdjson::ondemand::field field : fields) {
    const std::string_view tensor = field.unescaped_key();
    std::string_view file;
    if (field.value().get_string().get(file) != simdjson::SUCCESS || !stays_in_folder(file)) {
      throw Error(Fault::input, where,
                  fmt::format("tensor '{}': expected the name of a file beside the index, found {}", tensor,
                              json::shown(field.value())));
    }
    map.emplace_back(tensor, file);
  }
  return map;
}

std::optional<WeightMap> read_index(std::string& json, const std::string& where) {
  std::optional<WeightMap> map;
  json::read_object(json, [&](json::Object fields) {
    for (simdjson::ondemand::field field : fields) {
      if (field.unescaped_key().value() != "weight_map") {
        json::skip(field.value());
      } else if (map) {
        throw Error(Fault::input, where, "weight_map is there twice");
      } else {
        map = read_weight_map(field.value(), where);
      }
    }
  });
  return map;
}

}  // namespace

ShardIndex ShardIndex::parse(std::string json, const std::string& where) {
  std::optional<WeightMap> map;
  try {
    map = read_index(json, where);
  } catch (const simdjson::simdjson_error& error) {
    throw Error(Fault::input, where, json::reason_of(error));
  }
  if (!map || map->empty()) throw Error(Fault::input, where, "weight_map is missing or empty");
  std::ranges::sort(*map);
  const auto twice = std::ranges::adjacent_find(*map, {}, &WeightMap::value_type::first);
  if (twice != map->end()) throw Error(Fault::input, where, "tensor '" + twice->first + "' is there twice");
  std::map<std::string, std::vector<std::string>> tensors_of;
  for (auto& [tensor, file] : *map) tensors_of[file].push_back(std::move(tensor));
  return ShardIndex(std::move(tensors_of));
}

}  // namespace alphahill
