/// AWQ in the packing of its kernel "gemm": X.qweight, X.qzeros and X.scales.

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "alphahill/base/vector_level.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/weights/code_rows.hpp"
#include "checkpoint/weights/grouped_integers.hpp"
#include "checkpoint/weights/partner_tensors.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t bits = 4;
constexpr std::int64_t codes_of_word = 8;

/// Why the packing that config.json names is not read; empty where it is.
std::string unknown_awq_packing(const ModelConfig& config) {
  const std::string& method = config.quantization_method;
  const QuantizationConfig& named = config.quantization;
  if (method == "auto-round") {
    return named.packing_format.ends_with("auto_awq")
               ? ""
               : fmt::format("packing_format '{}' is not read", named.packing_format);
  }
  if (!method.empty() && method != "awq" && method != "an unknown method") {
    return fmt::format("quant_method '{}' is not known to store qweight so", method);
  }
  for (const std::string* version : {&named.version, &named.checkpoint_format}) {
    if (!version->empty() && *version != "gemm") return fmt::format("version '{}' is not read", *version);
  }
  const std::int64_t named_bits = named.groups.bits.value_or(bits);
  return named_bits == bits ? "" : fmt::format("expected 4 bits, found {}", named_bits);
}

/// Groups are equal where config.json does not say their size, as AutoAWQ has them.
std::int64_t awq_group_size(std::int64_t in, std::int64_t groups, std::optional<std::int64_t> named) {
  if (named || groups == 0 || in % groups != 0) return group_size_of(in, groups, named);
  return in / groups;
}

std::string misfit_of_tensors(const StoredTensor& codes, const std::string& module, std::int64_t groups,
                              const CheckpointHeaders& headers) {
  const std::int64_t in = codes.shape[0], words = codes.shape[1];
  if (codes.dtype != "I32") return fmt::format("{}: expected I32, found {}", codes.name, codes.dtype);
  if (in == 0 || words == 0) return fmt::format("{} is empty", codes.name);
  const std::vector<ExpectedTensor> expected{
      {module + ".scales", {"F16", "BF16", "F32"}, {groups, words * codes_of_word}},
      {module + ".qzeros", {"I32"}, {groups, words}}};
  std::string why = misfit(headers, expected);
  if (why.empty() && headers.find(module + ".g_idx") != nullptr) {
    why = fmt::format("{}.g_idx beside such codes is not read", module);
  }
  return why;
}

/// Eight codes to eight bytes: 0, 2, 4, 6 from the lower half of the word, 1, 3, 5, 7 from the upper.
ALPHAHILL_INLINE inline std::uint64_t in_order(std::uint32_t word) {
  const auto spread = [](std::uint64_t half) ALPHAHILL_INLINE {
    half = (half | half << 24) & 0x0000'00FF'0000'00FFU;
    return (half | half << 12) & 0x000F'000F'000F'000FU;
  };
  return spread(word & 0xFFFFU) | spread(word >> 16) << 8;
}

class AwqCodes final : public CodeReader {
 public:
  AwqCodes(LayerFiles& files, const TensorSlice& words)
      : words_(files, in_bytes(words), {codes_of_word, sizeof(std::uint32_t)}) {}

  std::int64_t bytes_of_block(const Block& block) const override { return words_.bytes_of_block(block); }
  void read(const Block& block, std::span<std::byte> bytes) const override { words_.read(block, bytes); }
  void unpack(const StoredBlock& from, std::int64_t row, std::int64_t col,
              std::span<std::uint8_t> codes) const override {
    std::array<std::uint64_t, WeightSource::most_decoded / codes_of_word + 1> eights;
    const std::size_t words = words_.codes_of_units(col, codes.size()) / codes_of_word;
    vectorised([bytes = words_.unit_at(from, row, col).data(), words, to = eights.data()]() ALPHAHILL_INLINE {
      for (std::size_t i = 0; i < words; ++i) {
        std::uint32_t word;
        std::memcpy(&word, bytes + i * sizeof word, sizeof word);
        to[i] = in_order(word);
      }
    });
    std::memcpy(codes.data(), std::as_bytes(std::span(eights)).subspan(words_.codes_before(col)).data(),
                codes.size());
  }

 private:
  CodeRows words_;
};

}  // namespace

Layer awq_layer(const StoredTensor& tensor, std::string_view name, const CheckpointHeaders& headers,
                const ModelConfig& config) {
  const std::string module(name);
  const StoredTensor* scales = headers.find(module + ".scales");
  const bool are_matrix = scales != nullptr && scales->shape.size() == 2;
  const std::int64_t groups = are_matrix ? scales->shape[0] : 1;
  const Features features{are_matrix ? scales->shape[1] : tensor.shape[1], tensor.shape[0]};
  std::string why = unknown_awq_packing(config);
  if (why.empty()) why = misfit_of_tensors(tensor, module, groups, headers);
  const std::optional<std::int64_t> named = config.quantization.groups.group_size;
  const std::int64_t group_size = awq_group_size(features.in, groups, named);
  if (why.empty() && group_size == 0) why = misfit_of_group_size(module, features.in, groups, named);
  if (!why.empty()) return unsupported_layer(tensor, module, features, "AWQ: " + why);
  return make_layer(tensor, module,
                    GroupedIntegers{.packing = GroupedIntegers::Packing::awq,
                                    .module = module,
                                    .rows = features.in,
                                    .cols = features.out,
                                    .bits = bits,
                                    .group_size = group_size,
                                    .symmetry = "asym",
                                    .codes = whole_tensor(tensor),
                                    .zero_points = whole_tensor(*headers.find(module + ".qzeros")),
                                    .scales = whole_tensor(*scales),
                                    .scale_format = *format_of(scales->dtype)});
}

std::unique_ptr<CodeReader> awq_codes(const GroupedIntegers& stored, LayerFiles& files) {
  return std::make_unique<AwqCodes>(files, stored.codes);
}

std::vector<std::uint8_t> awq_zero_points(const GroupedIntegers& stored, LayerFiles& files) {
  const auto words = read_values<std::uint32_t>(files, stored.zero_points);
  std::vector<std::uint8_t> zero_points(words.size() * codes_of_word);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t eight = in_order(words[i]);
    std::memcpy(&zero_points[i * codes_of_word], &eight, sizeof eight);
  }
  return zero_points;
}

}  // namespace alphahill
