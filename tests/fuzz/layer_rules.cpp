/// Fuzzes the rules that make layers of tensors. Input: fields of config.json, then tensors: name, dtype,
/// shape.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/checkpoint/layer_table.hpp"
#include "checkpoint/catalog/layer_order.hpp"
#include "checkpoint/catalog/linear_layers.hpp"
#include "fuzz/invariant.hpp"

namespace alphahill {
namespace {

constexpr std::array<std::string_view, 10> dtypes{"F64", "F32",     "F16", "BF16",    "U8",
                                                  "I32", "F8_E4M3", "I8",  "F8_E8M0", "I64"};
constexpr std::array<std::string_view, 12> categories{
    "attn_q",   "attn_k",      "attn_v",   "attn_qkv",       "attn_o",        "mlp_up",
    "mlp_gate", "mlp_gate_up", "mlp_down", "router_or_gate", "expert_linear", "other_linear"};

ModelConfig config_from(FuzzedDataProvider& input) {
  ModelConfig config;
  config.architectures = {input.ConsumeRandomLengthString(20)};
  config.model_type = input.ConsumeRandomLengthString(12);
  config.text_model_type = input.ConsumeRandomLengthString(12);
  config.num_hidden_layers = input.ConsumeIntegral<std::int64_t>();
  config.hidden_size = 32;
  config.num_nextn_predict_layers = input.ConsumeIntegral<std::int64_t>();
  if (input.ConsumeBool()) {
    const auto size = [&] { return input.ConsumeIntegralInRange<std::int64_t>(1, 1000); };
    config.quantization.block_sizes = {{size(), size()}};
    config.quantization.integer_bits = {input.ConsumeIntegral<std::int64_t>()};
  }
  return config;
}

/// A shape as a header may have it: the product from the left does not overflow.
std::vector<std::int64_t> shape_from(FuzzedDataProvider& input) {
  std::vector<std::int64_t> shape(input.ConsumeIntegralInRange<std::size_t>(0, 5));
  std::int64_t bits = 64;
  for (std::int64_t& count : shape) {
    count = input.ConsumeIntegralInRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max());
    if (!checked_multiply(bits, count)) count = 2;
    if (!checked_multiply(bits, count)) count = 0;
    bits *= count;
  }
  return shape;
}

CheckpointHeaders headers_from(FuzzedDataProvider& input) {
  CheckpointHeaders headers;
  headers.files = {{"model.safetensors", std::numeric_limits<std::int64_t>::max(), 0}};
  while (input.remaining_bytes() > 0 && headers.tensors.size() < 50) {
    StoredTensor& tensor = headers.tensors.emplace_back();
    tensor.name = input.ConsumeRandomLengthString(300);
    tensor.dtype = input.PickValueInArray(dtypes);
    tensor.shape = shape_from(input);
    if (tensor.shape == std::vector<std::int64_t>{2}) tensor.contents = input.ConsumeBytesAsString(16);
  }
  std::ranges::sort(headers.tensors, {}, &StoredTensor::name);
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  headers.tensors.erase(std::unique(headers.tensors.begin(), headers.tensors.end(), same_name),
                        headers.tensors.end());
  return headers;
}

std::vector<std::string> names_in_order(std::vector<Layer> layers) {
  sort_in_model_order(layers);
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name);
  return names;
}

void check(std::vector<Layer> layers) {
  for (const Layer& layer : layers) {
    promise(std::ranges::find(categories, layer.category) != categories.end(), "categories are known");
    promise(layer.numel() >= 0 && first_file(layer.layout) == 0,
            "sizes and files are those of the checkpoint");
    promise(layer.bits_per_weight() >= 0, "bits are counted");
    promise(layer.unsupported() != nullptr || layer.shape().rows * layer.shape().cols == layer.numel(),
            "a matrix is whole");
  }
  const std::string table = layer_table({"", "", {{"f", 0, 0}}, layers});
  promise(std::ranges::count(table, '\n') == std::ssize(layers) + 1, "the table has one line a layer");
  const std::vector<std::string> names = names_in_order(layers);
  std::ranges::reverse(layers);
  promise(names_in_order(layers) == names, "the order is that of the names alone");
}

void check(const OtherTensors& others, const CheckpointHeaders& headers) {
  promise(others.count >= 0 && others.count <= std::ssize(headers.tensors), "a tensor counts once");
  promise(others.share >= 0 && others.share <= 1, "a share is part of the whole");
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  FuzzedDataProvider input(bytes, size);
  const ModelConfig config = config_from(input);
  try {
    const CheckpointHeaders headers = headers_from(input);
    FoundLayers found = find_linear_layers(headers, config);
    constexpr std::size_t most_checked = 100;  // of a tensor of experts they are thousands, and alike
    found.layers.resize(std::min(found.layers.size(), most_checked));
    check(std::move(found.layers));
    check(other_tensors(headers, found.roles, found.weights), headers);
  } catch (const Error& error) {
    promise(error.fault() == Fault::input, "a hostile shape is the input's fault");
  }
  return 0;
}
