#include "alphahill/formats/precision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "formats/group_casts.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t all = ScaleGroup::all;
constexpr ScaleGroup row{.out = 1, .in = all};

std::vector<Precision> fp8_precisions() {
  constexpr auto loaders = "compressed-tensors: vLLM, SGLang, transformers";
  constexpr auto none = "none for weights";
  const auto fp8 = [](ScaleGroup group, GroupCast cast, std::string_view rule) {
    return Scaling{.group = group, .bits = 32, .cast = cast, .rule = rule};
  };
  constexpr auto e4m3 = "amax/448";
  constexpr auto e5m2 = "amax/57344";
  constexpr ScaleGroup tensor{.out = all, .in = all};
  constexpr ScaleGroup block{.out = 128, .in = 128};
  return {{"fp8_e4m3", 8, fp8(row, cast_to_fp8_e4m3, e4m3), loaders},
          {"fp8_e4m3_tensor", 8, fp8(tensor, cast_to_fp8_e4m3, e4m3), loaders},
          {"fp8_e4m3_block128", 8, fp8(block, cast_to_fp8_e4m3, e4m3),
           "as DeepSeek's: vLLM, SGLang, transformers"},
          {"fp8_e5m2", 8, fp8(row, cast_to_fp8_e5m2, e5m2), none},
          {"fp8_e5m2_tensor", 8, fp8(tensor, cast_to_fp8_e5m2, e5m2), none},
          {"fp8_e5m2_block128", 8, fp8(block, cast_to_fp8_e5m2, e5m2), none}};
}

/// "int4_g128_asym"; kept as long as the program runs.
std::string_view name_of_integer(int bits, std::int64_t group, bool symmetric) {
  static std::deque<std::string> names;
  return names.emplace_back(fmt::format("int{}{}{}", bits, group == all ? "" : fmt::format("_g{}", group),
                                        symmetric ? "" : "_asym"));
}

Precision integer_precision(int bits, std::int64_t group, bool symmetric) {
  constexpr int scale_bits = 16;
  const Scaling scaling{.group = {.out = 1, .in = group},
                        .bits = static_cast<double>(scale_bits + (symmetric ? 0 : bits)),
                        .cast = cast_to_integer(bits, symmetric),
                        .rule = symmetric ? "amax/((2^b-1)/2)" : "(max-min)/(2^b-1), zero point"};
  return {name_of_integer(bits, group, symmetric), static_cast<double>(bits), scaling,
          bits == 4 || bits == 8 ? "compressed-tensors: vLLM, SGLang, transformers"
                                 : "compressed-tensors: transformers"};
}

std::vector<Precision> integer_precisions() {
  std::vector<Precision> precisions;
  for (int bits = 8; bits >= 2; --bits) {
    for (const std::int64_t group : {all, std::int64_t{128}, std::int64_t{64}, std::int64_t{32}}) {
      for (const bool symmetric : {true, false}) {
        precisions.push_back(integer_precision(bits, group, symmetric));
      }
    }
  }
  return precisions;
}

std::vector<Precision> block_precisions() {
  const auto mx = [](GroupCast cast, std::string_view rule) {
    return Scaling{.group = {.out = 1, .in = 32}, .bits = 8, .cast = cast, .rule = rule};
  };
  constexpr auto rounded = "power of 2, next where amax rounds up";
  constexpr auto loaders = "compressed-tensors: vLLM, transformers";
  const Scaling nvfp4{.group = {.out = 1, .in = 16},
                      .bits = 8,
                      .cast = cast_to_nvfp4,
                      .of_tensor = true,
                      .rule = "amax/6 in E4M3, times the tensor's"};
  const Scaling nf4{
      .group = {.out = 1, .in = 64, .over_row_ends = true}, .bits = 32, .cast = cast_to_nf4, .rule = "amax"};
  return {{"mxfp8", 8, mx(cast_to_mxfp8, rounded), loaders},
          {"mxfp6_e2m3", 6, mx(cast_to_mxfp6_e2m3, rounded), "compressed-tensors: transformers"},
          {"mxfp6_e3m2", 6, mx(cast_to_mxfp6_e3m2, "2^floor(log2 amax)/16, clips (OCP)"), "none known"},
          {"mxfp4", 4, mx(cast_to_mxfp4, rounded), loaders},
          {"mxfp4_ocp", 4, mx(cast_to_mxfp4_ocp, "2^floor(log2 amax)/4, clips (OCP)"), loaders},
          {"mxfp4_ceil", 4, mx(cast_to_mxfp4_ceil, "2^ceil(log2(amax/6)) (ModelOpt)"), loaders},
          {"nvfp4", 4, nvfp4, "compressed-tensors, ModelOpt: vLLM, TensorRT-LLM"},
          {"nf4", 4, nf4, "bitsandbytes: transformers"}};
}

std::vector<Precision> table_of_precisions() {
  std::vector<Precision> table{ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                               ElementFormat::bf16};
  for (const auto& kind : {fp8_precisions(), integer_precisions(), block_precisions()}) {
    table.insert(table.end(), kind.begin(), kind.end());
  }
  return table;
}

/// Names of formats that others use for the like of ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> aliases{
    {{"fp8", "fp8_e4m3"}, {"mxfp6", "mxfp6_e3m2"}, {"fp4", "nvfp4"}}};

std::int64_t blocks_along(std::int64_t features, std::int64_t block) {
  return block >= features ? 1 : divide_rounding_up(features, block);
}

std::string group_text(const Precision& precision) {
  if (!precision.scaled()) return "none";
  const auto [out, in, over_row_ends] = precision.scaling.group;
  if (out == all) return "tensor";
  if (in == all) return "row";
  return out > 1 ? fmt::format("{}x{}", out, in)
                 : fmt::format("{}{}", in, over_row_ends ? ", flattened" : "");
}

std::string bits_text(const Precision& precision) {
  const ScaleGroup& group = precision.scaling.group;
  if (group.out == all || !precision.scaled()) return fmt::format("{:g}", precision.element_bits);
  if (group.in == all) return fmt::format("{:g} + {:g}/row", precision.element_bits, precision.scaling.bits);
  return fmt::format("{:g}", precision.bits_per_weight(group.out, group.in));
}

}  // namespace

std::int64_t ScaleGroup::count(std::int64_t out_features, std::int64_t in_features) const {
  if (over_row_ends) return blocks_along(out_features * in_features, in);
  return blocks_along(out_features, out) * blocks_along(in_features, in);
}

double Precision::bits_per_weight(std::int64_t out_features, std::int64_t in_features) const {
  if (!scaled()) return element_bits;
  const auto weights = static_cast<double>(out_features) * static_cast<double>(in_features);
  const auto groups = static_cast<double>(scaling.group.count(out_features, in_features));
  return element_bits + scaling.bits * groups / weights;
}

std::span<const Precision> all_precisions() {
  static const std::vector<Precision> table = table_of_precisions();
  return table;
}

std::optional<Precision> find_precision(std::string_view name) {
  std::string wanted = in_lower_case(name);
  for (const auto& [alias, ours] : aliases) {
    if (wanted == alias) wanted = ours;
  }
  const auto found = std::ranges::find(all_precisions(), wanted, &Precision::name);
  return found == all_precisions().end() ? std::nullopt : std::optional(*found);
}

Precision parse_precision(std::string_view name, std::string_view option) {
  if (const auto found = find_precision(name)) return *found;
  if (name.find_first_of(" []") != std::string_view::npos) {
    throw Error(Fault::usage, std::string(option),
                fmt::format("expected names with commas between, found '{}'", name));
  }
  std::vector<std::string_view> names;
  for (const Precision& precision : all_precisions()) names.push_back(precision.name);
  throw Error(Fault::usage, std::string(option),
              fmt::format("'{}' is no precision, did you mean {}? alpha-hill --help formats lists all", name,
                          fmt::join(nearest_to(in_lower_case(name), names), " or ")));
}

std::string precision_table() {
  std::string text =
      fmt::format("{:18} {:14} {:40} {:12} {}\n", "precision", "scale a", "its rule", "bits", "loaded by");
  for (const Precision& precision : all_precisions()) {
    text += fmt::format("{:18} {:14} {:40} {:12} {}\n", precision.name, group_text(precision),
                        precision.scaling.rule, bits_text(precision), precision.loaded_by);
  }
  return text + R"(
The scale of a tensor (fp8_*_tensor, and nvfp4's second one) is of the layer alone. With --fuse-scales it is chosen
by the largest weight of all projections that engines do as one: query, key and value; gate and up, of an expert
too; MLA's q_a_proj and kv_a_proj_with_mqa. Scales of rows, blocks and groups stay as they are.
)";
}

}  // namespace alphahill
