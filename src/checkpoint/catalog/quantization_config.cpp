#include "checkpoint/catalog/quantization_config.hpp"

#include <algorithm>
#include <charconv>

#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

template <class Item>
void add_once(std::vector<Item>& items, const Item& item) {
  if (std::ranges::find(items, item) == items.end()) items.push_back(item);
}

std::optional<std::int64_t> integer(json::Value value) {
  std::int64_t number = 0;
  return value.get_int64().get(number) == simdjson::SUCCESS ? std::optional(number) : std::nullopt;
}

std::string text(json::Value value) {
  std::string_view found;
  return value.get_string().get(found) == simdjson::SUCCESS ? std::string(found) : std::string();
}

std::optional<bool> boolean(json::Value value) {
  bool found = false;
  return value.get_bool().get(found) == simdjson::SUCCESS ? std::optional(found) : std::nullopt;
}

/// Calls use(key, value) for each field where the value is an object.
template <class Use>
void for_each_field(json::Value value, const Use& use) {
  json::Object fields;
  if (value.get_object().get(fields) != simdjson::SUCCESS) return;
  for (simdjson::ondemand::field field : fields) {
    const std::string_view key = field.unescaped_key();
    use(key, field.value());
  }
}

/// The two numbers of "128x128"; others where it is no such text.
BlockSize block_size_of(std::string_view text) {
  BlockSize size;
  const char* const end = text.data() + text.size();
  const auto [cross, error] = std::from_chars(text.data(), end, size.rows);
  if (error != std::errc() || cross == end || *cross != 'x') return {};
  const auto [behind, wrong] = std::from_chars(cross + 1, end, size.cols);
  return wrong == std::errc() && behind == end ? size : BlockSize{};
}

/// The two numbers of [128, 128]; others where it is no such array.
BlockSize block_size_of(json::Array array) {
  std::vector<std::int64_t> sizes;
  for (json::Value item : array) sizes.push_back(integer(item).value_or(0));
  return sizes.size() == 2 ? BlockSize{sizes[0], sizes[1]} : BlockSize{};
}

void read_block_size(json::Value value, QuantizationConfig& config) {
  json::Array array;
  const bool is_array = value.get_array().get(array) == simdjson::SUCCESS;
  const BlockSize size = is_array ? block_size_of(array) : block_size_of(text(value));
  if (size.rows > 0 && size.cols > 0) add_once(config.block_sizes, size);
}

/// ModelOpt's name of a format: one of them has blocks of a size that it does not say.
void read_algorithm(json::Value value, QuantizationConfig& config) {
  if (text(value) == "FP8_PB_WO") add_once(config.block_sizes, model_opt_block);
}

/// `weights` of a group of compressed-tensors.
void read_weights(json::Value value, QuantizationConfig& config) {
  std::optional<std::int64_t> bits;
  bool are_floats = false;
  for_each_field(value, [&](std::string_view key, json::Value field) {
    if (key == "block_structure") read_block_size(field, config);
    if (key == "num_bits") bits = integer(field);
    if (key == "type") are_floats = text(field) == "float";
  });
  if (bits && !are_floats) add_once(config.integer_bits, *bits);
}

/// `quantized_layers` of ModelOpt, where formats are mixed.
void read_algorithms(json::Value value, QuantizationConfig& config) {
  for_each_field(value, [&](std::string_view, json::Value module) {
    for_each_field(module, [&](std::string_view key, json::Value field) {
      if (key == "quant_algo") read_algorithm(field, config);
    });
  });
}

void read_groups(json::Value value, QuantizationConfig& config) {
  for_each_field(value, [&](std::string_view, json::Value group) {
    for_each_field(group, [&](std::string_view key, json::Value field) {
      if (key == "weights") read_weights(field, config);
    });
  });
}

void read_integer_groups(std::string_view key, json::Value value, IntegerGroups& groups) {
  if (key == "bits") groups.bits = integer(value);
  if (key == "group_size") groups.group_size = integer(value);
}

/// A field whose name is that of a module.
void read_module(std::string_view key, json::Value value, QuantizationConfig& config) {
  IntegerGroups groups;
  for_each_field(value,
                 [&](std::string_view name, json::Value field) { read_integer_groups(name, field, groups); });
  if (groups.bits || groups.group_size) config.groups_of_module.emplace(key, groups);
}

}  // namespace

const IntegerGroups& QuantizationConfig::groups_of(std::string_view module) const {
  const auto found = groups_of_module.find(module);
  return found == groups_of_module.end() ? groups : found->second;
}

void QuantizationConfig::read_field(std::string_view key, json::Value value) {
  if (key == "weight_block_size") {
    read_block_size(value, *this);
  } else if (key == "config_groups") {
    read_groups(value, *this);
  } else if (key == "quantized_layers") {
    read_algorithms(value, *this);
  } else if (key == "quant_algo") {
    read_algorithm(value, *this);
  } else if (value.type().value() == simdjson::ondemand::json_type::object) {
    read_module(key, value, *this);
  } else if (key == "checkpoint_format" || (key == "format" && checkpoint_format.empty())) {
    checkpoint_format = text(value);
  } else if (key == "version") {
    version = in_lower_case(text(value));
  } else if (key == "sym") {
    symmetric = boolean(value);
  } else if (key == "packing_format") {
    packing_format = text(value);
  } else {
    read_integer_groups(key, value, groups);
  }
}

}  // namespace alphahill
