#include "checkpoint/catalog/quantization_config.hpp"

#include <algorithm>

namespace alphahill {

namespace {

template <class Item>
void add_once(std::vector<Item>& items, const Item& item) {
  if (std::ranges::find(items, item) == items.end()) items.push_back(item);
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

void read_block_size(json::Value value, QuantizationConfig& config) {
  json::Array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return;
  std::vector<std::int64_t> sizes;
  for (json::Value item : array) {
    std::int64_t size = 0;
    if (item.get_int64().get(size) == simdjson::SUCCESS && size > 0) sizes.push_back(size);
  }
  if (sizes.size() == 2) add_once(config.block_sizes, BlockSize{sizes[0], sizes[1]});
}

/// `weights` of a group of compressed-tensors.
void read_weights(json::Value value, QuantizationConfig& config) {
  for_each_field(value, [&](std::string_view key, json::Value field) {
    std::int64_t bits = 0;
    if (key == "block_structure") read_block_size(field, config);
    if (key == "num_bits" && field.get_int64().get(bits) == simdjson::SUCCESS) {
      add_once(config.integer_bits, bits);
    }
  });
}

void read_groups(json::Value value, QuantizationConfig& config) {
  for_each_field(value, [&](std::string_view, json::Value group) {
    for_each_field(group, [&](std::string_view key, json::Value field) {
      if (key == "weights") read_weights(field, config);
    });
  });
}

}  // namespace

void QuantizationConfig::read_field(std::string_view key, json::Value value) {
  if (key == "weight_block_size") read_block_size(value, *this);
  if (key == "config_groups") read_groups(value, *this);
}

}  // namespace alphahill
