/// Fuzzes how quantized layers are found, opened and decoded: scales, shapes and indices that do not fit. Input: what
/// config.json says, tensors of quantized modules, and the first bytes of the file that they lie in.
#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/checkpoint/layer_weights.hpp"
#include "checkpoint/catalog/linear_layers.hpp"
#include "fuzz/invariant.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

constexpr std::size_t written_bytes = 256;
constexpr std::int64_t file_bytes = 64 << 10;

constexpr std::array<std::string_view, 6> modules{"a",
                                                  "l.experts.gate_up_proj",
                                                  "l.experts.down_proj",
                                                  "l.experts.w13_weight",
                                                  "l.moe.up_proj",
                                                  "l.switch_mlp.up_proj"};
constexpr std::array<std::string_view, 34> endings{"",
                                                   ".weight",
                                                   ".weight_packed",
                                                   ".weight_scale",
                                                   ".weight_scale_inv",
                                                   ".weight_scale_2",
                                                   ".weight_global_scale",
                                                   ".weight_shape",
                                                   ".weight_zero_point",
                                                   ".weight_g_idx",
                                                   ".scale",
                                                   ".qweight",
                                                   ".qzeros",
                                                   ".scales",
                                                   ".biases",
                                                   ".g_idx",
                                                   ".SCB",
                                                   ".weight_format",
                                                   ".weight.absmax",
                                                   ".weight.quant_map",
                                                   ".weight.nested_absmax",
                                                   ".weight.nested_quant_map",
                                                   ".weight.quant_state.bitsandbytes__nf4",
                                                   ".weight_v",
                                                   ".weight_g",
                                                   ".pre_quant_scale",
                                                   "_blocks",
                                                   "_scales",
                                                   "_scale",
                                                   "_scale_inv",
                                                   "_weight_scale",
                                                   "_weight_scale_2",
                                                   ".parametrizations.weight.original0",
                                                   ".parametrizations.weight.original1"};
struct Dtype {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array<Dtype, 10> dtypes{{{"F32", 4},
                                        {"F16", 2},
                                        {"BF16", 2},
                                        {"U8", 1},
                                        {"I8", 1},
                                        {"I32", 4},
                                        {"U32", 4},
                                        {"F8_E4M3", 1},
                                        {"F8_E8M0", 1},
                                        {"I64", 8}}};
constexpr std::array<std::int64_t, 16> sides{0,  1,  2,  3,  4,  5,  8,   12,
                                             16, 24, 32, 48, 64, 96, 128, 1'000'000'007};
/// Where a tensor begins: at bytes of the input, at zeros, or at 0x38, which is 1 in FP8 and small in other formats.
constexpr std::array<std::int64_t, 4> offsets{0, 100, written_bytes, file_bytes / 2};

std::int64_t side(FuzzedDataProvider& input) {
  return input.PickValueInArray(sides);
}

ModelConfig config_from(FuzzedDataProvider& input) {
  ModelConfig config;
  config.text_model_type =
      input.PickValueInArray({"llama", "llama4", "gpt_oss", "inkling", "step3p7", "qwen3_5_moe"});
  config.model_type = config.text_model_type;
  config.hidden_size = side(input);
  config.quantization_method = input.PickValueInArray({"", "gptq", "awq", "auto-round", "fp8"});
  QuantizationConfig& quantization = config.quantization;
  quantization.checkpoint_format = input.PickValueInArray({"", "gptq_v2", "gemm"});
  quantization.packing_format = input.PickValueInArray({"", "auto_gptq", "auto_awq"});
  quantization.groups = {input.ConsumeIntegralInRange<std::int64_t>(-1, 9), side(input) - 1};
  if (input.ConsumeBool()) quantization.block_sizes = {{std::max<std::int64_t>(side(input), 1), 2}};
  if (input.ConsumeBool()) quantization.integer_bits = {input.ConsumeIntegralInRange<std::int64_t>(-1, 9)};
  return config;
}

std::string quant_state_from(FuzzedDataProvider& input) {
  if (input.ConsumeBool()) return input.ConsumeRandomLengthString(200);
  return fmt::format(R"({{"quant_type": "nf4", "blocksize": {}, "shape": [{}, {}], "nested_blocksize": {},
                         "nested_offset": {}}})",
                     side(input), side(input), side(input), side(input),
                     input.ConsumeFloatingPoint<double>());
}

/// A tensor that a header may have: bytes are those of the shape, inside a file of some size.
StoredTensor tensor_from(FuzzedDataProvider& input) {
  StoredTensor tensor;
  tensor.name = std::string(input.PickValueInArray(modules)) + std::string(input.PickValueInArray(endings));
  const Dtype dtype = input.PickValueInArray(dtypes);
  tensor.dtype = dtype.name;
  tensor.shape.resize(input.ConsumeIntegralInRange<std::size_t>(0, 4));
  tensor.bytes = dtype.bytes;
  for (std::int64_t& count : tensor.shape) {
    count = side(input);
    if (tensor.bytes * std::max<std::int64_t>(count, 1) > file_bytes && tensor.bytes > 0) count = 1;
    tensor.bytes *= count;
  }
  tensor.offset = std::min(input.PickValueInArray(offsets), file_bytes - tensor.bytes);
  if (tensor.name.ends_with(".weight_shape")) {
    const std::array<std::int64_t, 2> shape{side(input), side(input)};
    tensor.contents.assign(reinterpret_cast<const char*>(shape.data()), sizeof shape);
  }
  return tensor;
}

CheckpointHeaders headers_from(FuzzedDataProvider& input) {
  CheckpointHeaders headers;
  const auto count = input.ConsumeIntegralInRange<std::size_t>(1, 8);
  while (headers.tensors.size() < count) {
    headers.tensors.push_back(tensor_from(input));
    const std::string& name = headers.tensors.back().name;
    if (name.ends_with("__nf4")) headers.quant_states[name] = quant_state_from(input);
  }
  std::ranges::sort(headers.tensors, {}, &StoredTensor::name);
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  headers.tensors.erase(std::unique(headers.tensors.begin(), headers.tensors.end(), same_name),
                        headers.tensors.end());
  return headers;
}

/// The file that all tensors lie in.
class SharedFile {
 public:
  SharedFile() {
    std::string bytes(file_bytes / 2, '\0');
    bytes.append(file_bytes / 2, '\x38');
    path_ = folder_.write("model.safetensors", bytes);
  }
  void write(const std::string& bytes) const {
    std::fstream(path_, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  }
  Catalog catalog() const {
    const File file = File::open_for_reading(path_);
    return {
        folder_.path().string(), "", {{"model.safetensors", file.size(), file.modification_time_ns()}}, {}};
  }

 private:
  TemporaryFolder folder_;
  std::filesystem::path path_;
};

/// A block at each end.
void decode(const WeightSource& weights) {
  const Block first{0, std::min<std::int64_t>(weights.rows(), 3), 0,
                    std::min<std::int64_t>(weights.cols(), 1500)};
  const Block last{weights.rows() - first.rows, first.rows, weights.cols() - first.cols, first.cols};
  std::vector<double> values(static_cast<std::size_t>(first.rows * first.cols));
  for (const Block& block : {first, last}) read_decoded(weights, block, values);
}

void open(const Catalog& catalog, const Layer& layer) {
  if (layer.unsupported() != nullptr) return;
  try {
    const LayerWeights weights(catalog, layer);
    promise(weights.source().rows() * weights.source().cols() == layer.numel(), "a matrix is whole");
    decode(weights.source());
  } catch (const Error& error) {
    promise(error.fault() == Fault::internal, "scales that are none end the layer");
  }
}

/// The first and the last: those of an expert tensor are many.
void open_some(const Catalog& catalog, const std::vector<Layer>& layers) {
  constexpr std::size_t most_opened = 4;
  for (std::size_t i = 0; i < std::min(layers.size(), most_opened); ++i) {
    open(catalog, layers[i]);
    open(catalog, layers[layers.size() - 1 - i]);
  }
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  static const SharedFile file;
  FuzzedDataProvider input(bytes, size);
  const ModelConfig config = config_from(input);
  CheckpointHeaders headers = headers_from(input);
  file.write(input.ConsumeBytesAsString(written_bytes));
  const Catalog catalog = file.catalog();
  headers.files = catalog.files;
  try {
    open_some(catalog, find_linear_layers(headers, config).layers);
  } catch (const Error& error) {
    promise(error.fault() == Fault::input, "a hostile shape is the input's fault");
  }
  return 0;
}
