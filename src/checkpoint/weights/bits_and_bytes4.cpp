#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "alphahill/base/checked.hpp"
#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/formats/codes.hpp"
#include "checkpoint/catalog/model_config.hpp"
#include "checkpoint/catalog/stored_layer.hpp"
#include "checkpoint/headers/json.hpp"
#include "checkpoint/weights/partner_tensors.hpp"

namespace alphahill {

namespace {

constexpr std::size_t numbers = 16;
constexpr std::int64_t nested_numbers = 256;

/// What the JSON of a quant_state says.
struct QuantState {
  std::string type;
  std::int64_t block_size = 0;
  std::vector<std::int64_t> shape;
  std::int64_t nested_block_size = 0;
  std::optional<double> nested_offset;

  void read_field(std::string_view key, json::Value value) {
    if (key == "quant_type") type = value.get_string().value();
    if (key == "blocksize") block_size = integer(value);
    if (key == "nested_blocksize") nested_block_size = integer(value);
    if (key == "nested_offset") nested_offset = value.get_double().value();
    if (key != "shape") return;
    json::Array sides = value.get_array();
    for (json::Value side : sides) shape.push_back(integer(side));
  }

  /// The integer, or 0, which no size may be.
  static std::int64_t integer(json::Value value) {
    std::int64_t number = 0;
    return value.get_int64().get(number) == simdjson::SUCCESS ? number : 0;
  }

  /// @throws simdjson::simdjson_error
  static QuantState parse(std::string text) {
    QuantState state;
    json::read_object(text, [&](json::Object fields) {
      for (simdjson::ondemand::field field : fields) {
        const std::string_view key = field.unescaped_key();
        state.read_field(key, field.value());
      }
    });
    return state;
  }

  /// Weights; nothing where the sizes make no sense.
  std::optional<std::int64_t> weights() const {
    const bool sensible = block_size > 0 && shape.size() == 2 && shape[0] > 0 && shape[1] > 0;
    return sensible ? checked_multiply(shape[0], shape[1]) : std::nullopt;
  }
};

class QuantizedTensors {
 public:
  QuantizedTensors(const StoredTensor& codes, std::string_view module, const CheckpointHeaders& headers)
      : codes_(codes), module_(module), headers_(headers) {}

  Layer layer() {
    const std::string why = misfit_of_all();
    if (!why.empty()) return unsupported_layer(codes_, module_, features(), "bitsandbytes: " + why);
    return make_layer(codes_, module_, layout());
  }

 private:
  std::string named(std::string_view ending) const { return fmt::format("{}.{}", codes_.name, ending); }

  /// Those of the quant_state, or of the bytes where there is none to go by.
  Features features() const {
    if (state_.weights()) return {state_.shape[0], state_.shape[1]};
    return {codes_.shape.empty() ? 1 : codes_.shape.front(), codes_.shape.size() == 2 ? codes_.shape[1] : 1};
  }

  std::string misfit_of_all() {
    std::string why = read_state();
    return why.empty() ? misfit_of_tensors() : why;
  }

  std::string read_state() {
    const std::string prefix = named("quant_state.bitsandbytes__");
    const auto found = headers_.quant_states.lower_bound(prefix);
    if (found == headers_.quant_states.end() || !found->first.starts_with(prefix)) {
      return fmt::format("{}nf4 is missing", prefix);
    }
    try {
      state_ = QuantState::parse(found->second);
    } catch (const simdjson::simdjson_error& error) {
      return fmt::format("{}: {}", found->first, json::reason_of(error));
    }
    const std::string type = found->first.substr(prefix.size());
    if ((type == "nf4" || type == "fp4") && type == state_.type) return misfit_of_sizes(found->first);
    return fmt::format("{}: expected nf4 or fp4, found '{}'", found->first, state_.type);
  }

  std::string misfit_of_sizes(const std::string& name) const {
    const auto weights = state_.weights();
    if (!weights) return fmt::format("{}: expected a blocksize and a shape of two sides", name);
    const std::int64_t bytes = divide_rounding_up(*weights, 2);
    if (codes_.bytes == bytes) return {};
    return fmt::format("{}: expected {} bytes for {} x {} weights, found {}", codes_.name, bytes,
                       state_.shape[0], state_.shape[1], codes_.bytes);
  }

  bool is_nested() const { return headers_.find(named("nested_absmax")) != nullptr; }

  std::string misfit_of_tensors() const {
    const std::int64_t blocks = divide_rounding_up(*state_.weights(), state_.block_size);
    std::vector<ExpectedTensor> expected{{named("quant_map"), {"F32"}, {std::int64_t{numbers}}},
                                         {named("absmax"), {is_nested() ? "U8" : "F32"}, {blocks}}};
    if (is_nested()) {
      if (state_.nested_block_size <= 0 || !state_.nested_offset) {
        return fmt::format("{}: expected nested_blocksize and nested_offset in the quant_state", codes_.name);
      }
      expected.push_back({named("nested_quant_map"), {"F32"}, {nested_numbers}});
      expected.push_back(
          {named("nested_absmax"), {"F32"}, {divide_rounding_up(blocks, state_.nested_block_size)}});
    }
    return misfit(headers_, expected);
  }

  TensorSlice whole(std::string_view ending) const { return whole_tensor(*headers_.find(named(ending))); }

  BitsAndBytes4 layout() const {
    BitsAndBytes4 found{.tensor = codes_.name,
                        .type = state_.type,
                        .rows = state_.shape[0],
                        .cols = state_.shape[1],
                        .block_size = state_.block_size,
                        .codes = {.file = codes_.file,
                                  .offset = codes_.offset,
                                  .rows = 1,
                                  .cols = codes_.bytes,
                                  .row_stride = codes_.bytes},
                        .map = whole("quant_map"),
                        .absmax = whole("absmax"),
                        .is_nested = is_nested(),
                        .nested = {}};
    if (found.is_nested) {
      found.nested = {whole("nested_quant_map"), whole("nested_absmax"), state_.nested_block_size,
                      *state_.nested_offset};
    }
    return found;
  }

  const StoredTensor& codes_;
  std::string module_;
  const CheckpointHeaders& headers_;
  QuantState state_;
};

/// The absmax of each block, in the fp32 arithmetic that bitsandbytes has.
std::vector<float> read_absmax(const BitsAndBytes4& stored, LayerFiles& files) {
  const std::string name = stored.tensor + '.';
  constexpr auto fp32 = ElementFormat::fp32;
  if (!stored.is_nested) {
    std::vector<float> absmax = read_scales(files, stored.absmax, fp32, name + "absmax");
    require_not_negative(absmax, name + "absmax");
    return absmax;
  }
  const auto map = read_scales(files, stored.nested.map, fp32, name + "nested_quant_map");
  const auto scales = read_scales(files, stored.nested.absmax, fp32, name + "nested_absmax");
  require_not_negative(scales, name + "nested_absmax");
  const auto offset = static_cast<float>(stored.nested.offset);
  const auto codes = read_values<std::uint8_t>(files, stored.absmax);
  std::vector<float> absmax(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const float product = map[codes[i]] * scales[i / static_cast<std::size_t>(stored.nested.block_size)];
    absmax[i] = product + offset;
    if (!std::isfinite(absmax[i])) {
      refuse_values(name + "absmax", fmt::format("value {} is {}", i, absmax[i]));
    }
  }
  return absmax;
}

/// The numbers of both codes in a byte, the first in the high bits.
NumberPairs read_pairs(const BitsAndBytes4& stored, LayerFiles& files) {
  const auto map = read_scales(files, stored.map, ElementFormat::fp32, stored.tensor + ".quant_map");
  return number_pairs(std::span<const float, numbers>(map), false);
}

/// A row of a block begins with the byte of its first weight; whole rows of the matrix have no gaps.
class BitsAndBytes4Weights final : public WeightSource {
 public:
  BitsAndBytes4Weights(const BitsAndBytes4& stored, LayerFiles& files)
      : WeightSource(stored.shape()),
        codes_(files, stored.codes, 1),
        pairs_(read_pairs(stored, files)),
        absmax_(read_absmax(stored, files)),
        block_size_(stored.block_size) {}

  std::int64_t bytes_of_block(const Block& block) const override {
    return is_whole_rows(block) ? bytes_of(number(block.row, 0), block.rows * block.cols)
                                : block.rows * most_bytes_of_row(block);
  }

 private:
  bool is_whole_rows(const Block& block) const { return block.cols == cols(); }
  /// In the flattened matrix.
  std::int64_t number(std::int64_t row, std::int64_t col) const { return row * cols() + col; }
  /// That hold weights of the flattened matrix.
  static std::int64_t bytes_of(std::int64_t first, std::int64_t count) {
    return count == 0 ? 0 : divide_rounding_up(first + count, std::int64_t{2}) - first / 2;
  }
  static std::int64_t most_bytes_of_row(const Block& block) { return block.cols / 2 + 1; }

  void read_block(const Block& block, std::span<std::byte> bytes) const override {
    const auto read = [&](std::int64_t row, std::int64_t rows, std::span<std::byte> to) {
      const std::int64_t first = number(row, block.col), size = bytes_of(first, rows * block.cols);
      codes_.read({0, 1, first / 2, size}, to.first(static_cast<std::size_t>(size)));
    };
    if (is_whole_rows(block)) return read(block.row, block.rows, bytes);
    const std::int64_t row_bytes = most_bytes_of_row(block);
    for (std::int64_t i = 0; i < block.rows; ++i) {
      read(block.row + i, 1, bytes.subspan(static_cast<std::size_t>(i * row_bytes)));
    }
  }

  /// The bytes of a block from that of a weight on.
  std::span<const std::byte> bytes_at(const StoredBlock& from, std::int64_t row, std::int64_t col) const {
    const Block& block = from.block;
    const bool whole_rows = is_whole_rows(block);
    const std::int64_t begin = number(whole_rows ? block.row : row, block.col) / 2;
    const std::int64_t before = whole_rows ? 0 : (row - block.row) * most_bytes_of_row(block);
    return from.bytes.subspan(static_cast<std::size_t>(before + number(row, col) / 2 - begin));
  }

  void decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                    std::span<double> to) const override {
    const std::int64_t first = number(row, col);
    const auto skipped = static_cast<std::size_t>(first % 2);
    std::array<float, most_decoded + 2> of_bytes;
    decode_pairs(pairs_, bytes_at(from, row, col),
                 std::span(of_bytes).first((skipped + to.size() + 1) / 2 * 2));
    const std::int64_t block = first / block_size_;
    multiply(std::span(of_bytes).subspan(skipped, to.size()), {first % block_size_, block_size_},
             std::span(absmax_).subspan(static_cast<std::size_t>(block)), to);
  }

  SliceReader codes_;
  NumberPairs pairs_;
  std::vector<float> absmax_;
  std::int64_t block_size_;
};

/// Codes may be stored in any dtype and shape: what lies beside them tells.
bool are_codes(const StoredTensor& tensor, const CheckpointHeaders& headers) {
  constexpr std::array<std::string_view, 4> endings{".absmax", ".quant_map", ".nested_", ".quant_state."};
  return std::ranges::any_of(endings, [&](std::string_view ending) {
    return headers.has_prefix(tensor.name + std::string(ending));
  });
}

}  // namespace

std::vector<Layer> BitsAndBytes4::find(const StoredTensor& tensor, const CheckpointHeaders& headers,
                                       const ModelConfig& config) {
  auto module = without_ending(tensor.name, ".weight");
  const bool names_method = module && tensor.dtype == "U8" && tensor.shape.size() == 2 &&
                            config.quantization_method == "bitsandbytes";
  if (!names_method && !are_codes(tensor, headers)) return {};
  if (!module) module = without_ending(tensor.name, "_weight");
  return {QuantizedTensors(tensor, module.value_or(tensor.name), headers).layer()};
}

WeightShape BitsAndBytes4::shape() const {
  std::int64_t bytes = codes.cols + map.cols * 4 + absmax.cols * (is_nested ? 1 : 4);
  if (is_nested) bytes += (nested.map.cols + nested.absmax.cols) * 4;
  return {.rows = rows,
          .cols = cols,
          .values = ElementFormat::fp64,
          .code_bits = 4,
          .stored_bytes = bytes,
          .held_bytes = absmax.cols * 4};
}

std::string BitsAndBytes4::stored_as() const {
  return fmt::format("{} block {}{}", type, block_size, is_nested ? " nested" : "");
}

std::unique_ptr<WeightSource> BitsAndBytes4::open(LayerFiles& files) const {
  return std::make_unique<BitsAndBytes4Weights>(*this, files);
}

}  // namespace alphahill
