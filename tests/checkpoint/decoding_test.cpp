/// Every format's decoder against a plain loop, bit for bit: random codes, in blocks that begin and end in the middle of
/// a byte, a word, a group or a block of scales. CMakeLists.txt runs these with each of the vector units.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <random>

#include "checkpoint/quantized_layer.hpp"

namespace alphahill {
namespace {

/// Weights are decoded 1024 at a time: rows take two pieces and a part of one.
constexpr std::size_t long_row = 2304;

/// A checkpoint of one layer, and the weights that it stands for, row-major as they are stored.
struct ExampleLayer {
  CheckpointBuilder builder;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::vector<double> weights;
  std::string config = "{}";

  ExampleLayer(std::size_t all_rows, std::size_t all_cols) : rows(all_rows), cols(all_cols) {}
  ExampleLayer& add(const std::string& name, const char* dtype, std::vector<std::size_t> shape,
                    const auto& values) {
    builder.add(name, dtype, {shape.begin(), shape.end()}, values);
    return *this;
  }
  /// @param weight  of a row and a column
  void expect(const std::function<double(std::size_t, std::size_t)>& weight) {
    for (std::size_t i = 0; i < rows * cols; ++i) weights.push_back(weight(i / cols, i % cols));
  }
};

class Decoding : public testing::Test {
 protected:
  std::size_t random(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }
  std::vector<std::uint32_t> codes(std::size_t count, std::uint32_t end) {
    std::vector<std::uint32_t> codes(count);
    for (std::uint32_t& code : codes) code = static_cast<std::uint32_t>(random(end));
    return codes;
  }
  /// That are numbers in FP8, too.
  std::vector<std::uint8_t> bytes(std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random(256) & 0xFEU);
    return bytes;
  }
  /// Positive, in FP8.
  std::vector<std::uint8_t> fp8_scales(std::size_t count) {
    std::vector<std::uint8_t> scales = bytes(count);
    for (std::uint8_t& scale : scales) scale &= 0x7EU;
    return scales;
  }
  /// Positive, with all bits of a float.
  std::vector<float> scales(std::size_t count) {
    std::vector<float> scales(count);
    for (float& scale : scales)
      scale = std::bit_cast<float>(0x3C000000U + static_cast<std::uint32_t>(random(1U << 26)));
    return scales;
  }
  /// The exponents of powers of two.
  std::vector<std::uint8_t> powers(std::size_t count) {
    std::vector<std::uint8_t> powers(count);
    for (std::uint8_t& power : powers) power = static_cast<std::uint8_t>(random(255));
    return powers;
  }

  void check(const ExampleLayer& example) {
    const QuantizedLayer layer(example.builder, example.config);
    ASSERT_EQ(layer.layer().unsupported(), nullptr) << *layer.layer().unsupported();
    const std::size_t rows = example.rows, cols = example.cols;
    for (int i = 0; i < 12; ++i) {
      const std::size_t row = random(rows), col = random(cols);
      const Block block{std::int64_t(row), std::int64_t(1 + random(rows - row)), std::int64_t(col),
                        std::int64_t(1 + random(cols - col))};
      const std::vector<double> expected = block_of(example.weights, std::int64_t(cols), block);
      const std::vector<double> found = layer.values(block);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        ASSERT_EQ(std::bit_cast<std::uint64_t>(found[k]), std::bit_cast<std::uint64_t>(expected[k]))
            << layer.layer().stored_as() << ", " << block.rows << " x " << block.cols << " from (" << row
            << ", " << col << "), number " << k << ": " << found[k] << " and not " << expected[k];
      }
    }
  }

 private:
  std::mt19937 engine_{42};
};

double fp8(std::uint8_t code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

double fp4(unsigned code) {
  constexpr std::array<double, 8> magnitudes{0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return (code & 8U) != 0 ? -magnitudes[code & 7U] : magnitudes[code & 7U];
}

/// Number `i` of the codes that lie two to a byte.
unsigned low_first(const std::vector<std::uint8_t>& bytes, std::size_t i) {
  return bytes[i / 2] >> (i % 2 * 4) & 15U;
}

/// So many codes to a word, whose other bits are not used.
std::vector<std::uint32_t> word_by_word(const std::vector<std::uint32_t>& codes, std::size_t bits) {
  const std::size_t in_word = 32 / bits;
  std::vector<std::uint32_t> words((codes.size() + in_word - 1) / in_word);
  for (std::size_t i = 0; i < codes.size(); ++i) words[i / in_word] |= codes[i] << (i % in_word * bits);
  return words;
}

std::string bits_in_config(std::size_t bits) {
  return fmt::format(
      R"({{"quantization_config": {{"config_groups": {{"g": {{"weights": {{"num_bits": {}}}}}}}}}}})", bits);
}

TEST_F(Decoding, Fp8InBlocks) {
  ExampleLayer example(8, long_row);
  const auto c = bytes(8 * long_row);
  const std::size_t grid_cols = (long_row + 36) / 37;
  const auto s = scales(3 * grid_cols);
  example.add("a.weight", "F8_E4M3", {8, long_row}, c).add("a.weight_scale_inv", "F32", {3, grid_cols}, s);
  example.config = R"({"quantization_config": {"weight_block_size": [3, 37]}})";
  example.expect([&](std::size_t row, std::size_t col) {
    return fp8(c[row * long_row + col]) * double{s[row / 3 * grid_cols + col / 37]};
  });
  check(example);
}

TEST_F(Decoding, Fp8InTransposedExpertsWithAScaleAnOutput) {
  ExampleLayer example(8, long_row);
  const auto c = bytes(8 * long_row);
  const auto s = scales(long_row);
  example.add("l.experts.down_proj", "F8_E4M3", {1, 8, long_row}, c)
      .add("l.experts.down_proj_scale", "F32", {1, long_row, 1}, s);
  example.config = fmt::format(R"({{"model_type": "llama4", "hidden_size": {}}})", long_row);
  example.expect(
      [&](std::size_t row, std::size_t col) { return fp8(c[row * long_row + col]) * double{s[col]}; });
  check(example);
}

TEST_F(Decoding, Int8WithZeroPoints) {
  ExampleLayer example(8, long_row);
  const auto c = bytes(8 * long_row), z = bytes(8);
  const auto s = scales(8);
  example.add("a.weight", "I8", {8, long_row}, c)
      .add("a.weight_scale", "F32", {8, 1}, s)
      .add("a.weight_zero_point", "I8", {8, 1}, z);
  example.expect([&](std::size_t row, std::size_t col) {
    return (std::int8_t(c[row * long_row + col]) - std::int8_t(z[row])) * double{s[row]};
  });
  check(example);
}

TEST_F(Decoding, Mxfp8AndMxfp4) {
  const auto s = powers(8 * long_row / 32);
  const auto scale = [&](std::size_t row, std::size_t col) {
    return std::ldexp(1, s[(row * long_row + col) / 32] - 127);
  };
  ExampleLayer mxfp8(8, long_row);
  const auto c = bytes(8 * long_row);
  mxfp8.add("a.weight", "F8_E4M3", {8, long_row}, c).add("a.weight_scale", "U8", {8, long_row / 32}, s);
  mxfp8.expect(
      [&](std::size_t row, std::size_t col) { return fp8(c[row * long_row + col]) * scale(row, col); });
  check(mxfp8);
  ExampleLayer mxfp4(8, long_row);
  mxfp4.add("a.weight_packed", "U8", {8, long_row / 2}, std::vector(c.begin(), c.begin() + 4 * long_row))
      .add("a.weight_scale", "U8", {8, long_row / 32}, s);
  mxfp4.expect([&](std::size_t row, std::size_t col) {
    return fp4(low_first(c, row * long_row + col)) * scale(row, col);
  });
  check(mxfp4);
}

TEST_F(Decoding, Nvfp4MultipliedAndDivided) {
  const auto c = bytes(4 * long_row);
  const auto s = fp8_scales(8 * long_row / 16);
  const auto of_tensor = scales(1);
  const auto code = [&](std::size_t i) { return fp4(low_first(c, i)); };
  ExampleLayer factor(8, long_row);
  factor.add("a.weight", "U8", {8, long_row / 2}, c)
      .add("a.weight_scale", "F8_E4M3", {8, long_row / 16}, s)
      .add("a.weight_scale_2", "F32", {1}, of_tensor);
  factor.expect([&](std::size_t row, std::size_t col) {
    const std::size_t i = row * long_row + col;
    return code(i) * (fp8(s[i / 16]) * double{of_tensor[0]});
  });
  check(factor);
  ExampleLayer divisor(8, long_row);
  divisor.add("a.weight_packed", "U8", {8, long_row / 2}, c)
      .add("a.weight_scale", "F8_E4M3", {8, long_row / 16}, s)
      .add("a.weight_global_scale", "F32", {1}, of_tensor);
  divisor.expect([&](std::size_t row, std::size_t col) {
    const std::size_t i = row * long_row + col;
    return code(i) * fp8(s[i / 16]) / double{of_tensor[0]};
  });
  check(divisor);
}

TEST_F(Decoding, Nvfp4WithTheCodesOfTwoRowsToAByte) {
  ExampleLayer example(32, long_row);
  const auto c = bytes(16 * long_row);
  const auto s = fp8_scales(2 * long_row);
  const auto of_tensor = scales(1);
  example.add("l.experts.down_proj", "U8", {1, 16, long_row}, c)
      .add("l.experts.down_proj_weight_scale", "F8_E4M3", {1, 2, long_row}, s)
      .add("l.experts.down_proj_weight_scale_2", "F32", {}, of_tensor);
  example.config = fmt::format(R"({{"model_type": "llama4", "hidden_size": {}}})", long_row);
  example.expect([&](std::size_t row, std::size_t col) {
    const unsigned code = c[row / 2 * long_row + col] >> (row % 2 * 4) & 15U;
    return fp4(code) * (fp8(s[row / 16 * long_row + col]) * double{of_tensor[0]});
  });
  check(example);
}

TEST_F(Decoding, PackedIntegersOfAllBits) {
  for (std::size_t bits = 2; bits <= 8; ++bits) {
    for (const bool in_words : {false, true}) {
      if (in_words && 32 % bits == 0) continue;
      ExampleLayer example(8, long_row);
      const auto c = codes(8 * long_row, 1U << bits);
      const auto s = scales(8 * long_row / 24);
      std::vector<std::uint32_t> words;
      for (std::size_t row = 0; row < 8; ++row) {
        const std::vector of_row(c.begin() + std::ptrdiff_t(row * long_row),
                                 c.begin() + std::ptrdiff_t((row + 1) * long_row));
        const auto of_words = in_words ? word_by_word(of_row, bits) : packed(of_row, bits);
        words.insert(words.end(), of_words.begin(), of_words.end());
      }
      example.add("a.weight_packed", "I32", {8, words.size() / 8}, words)
          .add("a.weight_scale", "F32", {8, long_row / 24}, s)
          .add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{8, long_row});
      example.config = bits_in_config(bits);
      example.expect([&](std::size_t row, std::size_t col) {
        const std::size_t i = row * long_row + col;
        return (double(c[i]) - double(1U << (bits - 1))) * double{s[i / 24]};
      });
      check(example);
    }
  }
}

TEST_F(Decoding, ZeroPointsAndGroupsInAnyOrder) {
  constexpr std::size_t groups = long_row / 24;
  const auto c = codes(8 * long_row, 16), z = codes(8 * groups, 16);
  const auto s = scales(8 * groups);
  std::vector<std::uint32_t> of_rows(groups);  // one word for the eight of a column
  for (std::size_t i = 0; i < z.size(); ++i) of_rows[i % groups] |= z[i] << (i / groups * 4);
  for (const bool in_order : {true, false}) {
    ExampleLayer example(8, long_row);
    example.add("a.weight_packed", "I32", {8, long_row / 8}, packed(c, 4))
        .add("a.weight_scale", "F32", {8, groups}, s)
        .add("a.weight_zero_point", "I32", {1, groups}, of_rows)
        .add("a.weight_shape", "I64", {2}, std::vector<std::int64_t>{8, long_row});
    std::vector<std::uint32_t> group(long_row);
    for (std::size_t col = 0; col < long_row; ++col) {
      group[col] = static_cast<std::uint32_t>(in_order ? col / 24 : random(groups));
    }
    if (!in_order) example.add("a.weight_g_idx", "I32", {long_row}, group);
    example.expect([&](std::size_t row, std::size_t col) {
      const std::size_t i = row * groups + group[col];
      return (double(c[row * long_row + col]) - double(z[i])) * double{s[i]};
    });
    check(example);
  }
}

TEST_F(Decoding, MlxIntegers) {
  for (const std::size_t bits : {2, 3, 4, 5, 6, 8}) {
    ExampleLayer example(8, long_row);
    const auto c = codes(8 * long_row, 1U << bits);
    const auto s = scales(8 * long_row / 64), b = scales(8 * long_row / 64);
    example.add("a.weight", "U32", {8, long_row * bits / 32}, packed(c, bits))
        .add("a.scales", "F32", {8, long_row / 64}, s)
        .add("a.biases", "F32", {8, long_row / 64}, b);
    example.config = fmt::format(R"({{"quantization": {{"bits": {}, "group_size": 64}}}})", bits);
    example.expect([&](std::size_t row, std::size_t col) {
      const std::size_t i = row * long_row + col;
      const double product = double(c[i]) * double{s[i / 64]};
      return product + double{b[i / 64]};
    });
    check(example);
  }
}

TEST_F(Decoding, GptqOfAllBits) {
  constexpr std::size_t in = 96, out = 1120;
  for (const std::size_t bits : {2, 3, 4, 8}) {
    ExampleLayer example(in, out);
    const auto c = codes(in * out, 1U << bits), z = codes(4 * out, 1U << bits);
    const auto s = scales(4 * out);
    std::vector<std::uint32_t> words(in * bits / 32 * out), group(in);
    for (std::size_t col = 0; col < out; ++col) {
      std::vector<std::uint32_t> column;
      for (std::size_t row = 0; row < in; ++row) column.push_back(c[row * out + col]);
      const auto string = packed(column, bits);
      for (std::size_t i = 0; i < string.size(); ++i) words[i * out + col] = string[i];
    }
    for (std::uint32_t& index : group) index = static_cast<std::uint32_t>(random(4));
    example.add("a.qweight", "I32", {in * bits / 32, out}, words)
        .add("a.qzeros", "I32", {4, out * bits / 32}, packed(z, bits))
        .add("a.scales", "F32", {4, out}, s)
        .add("a.g_idx", "I32", {in}, group);
    example.config = R"({"quantization_config": {"quant_method": "gptq", "checkpoint_format": "gptq_v2"}})";
    example.expect([&](std::size_t row, std::size_t col) {
      const std::size_t i = group[row] * out + col;
      return (double(c[row * out + col]) - double(z[i])) * double{s[i]};
    });
    check(example);
  }
}

TEST_F(Decoding, Awq) {
  constexpr std::size_t in = 64, out = 1120;
  constexpr std::array<std::size_t, 8> column_of_nibble{0, 2, 4, 6, 1, 3, 5, 7};
  ExampleLayer example(in, out);
  const auto c = codes(in * out / 8, ~0U), z = codes(4 * out / 8, ~0U);
  const auto s = scales(4 * out);
  example.add("a.qweight", "I32", {in, out / 8}, c)
      .add("a.qzeros", "I32", {4, out / 8}, z)
      .add("a.scales", "F32", {4, out}, s);
  example.config = R"({"quantization_config": {"quant_method": "awq", "version": "gemm"}})";
  const auto code = [&](const std::vector<std::uint32_t>& words, std::size_t i) {
    const auto nibble = std::ranges::find(column_of_nibble, i % 8) - column_of_nibble.begin();
    return double(words[i / 8] >> (4 * nibble) & 15U);
  };
  example.expect([&](std::size_t row, std::size_t col) {
    const std::size_t i = row / 16 * out + col;
    return (code(c, row * out + col) - code(z, i)) * double{s[i]};
  });
  check(example);
}

/// An odd number of weights, in blocks that cross rows.
TEST_F(Decoding, Nf4) {
  constexpr std::size_t rows = 7, cols = 1333, blocks = (rows * cols + 63) / 64;
  ExampleLayer example(rows, cols);
  const auto c = bytes((rows * cols + 1) / 2);
  const auto s = scales(blocks);
  auto numbers = scales(16);
  numbers[3] = -numbers[3];
  const std::string state = fmt::format(
      R"({{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [{}, {}]}})", rows, cols);
  example.add("a.weight", "U8", {c.size(), 1}, c)
      .add("a.weight.absmax", "F32", {blocks}, s)
      .add("a.weight.quant_map", "F32", {16}, numbers)
      .add("a.weight.quant_state.bitsandbytes__nf4", "U8", {state.size()},
           std::vector(state.begin(), state.end()));
  example.expect([&](std::size_t row, std::size_t col) {
    const std::size_t i = row * cols + col;
    return double{numbers[c[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15U]} * double{s[i / 64]};
  });
  check(example);
}

TEST_F(Decoding, Int8OfBitsAndBytes) {
  ExampleLayer example(8, long_row);
  const auto c = bytes(8 * long_row);
  const auto s = scales(8);
  example.add("a.weight", "I8", {8, long_row}, c).add("a.SCB", "F32", {8}, s);
  example.expect([&](std::size_t row, std::size_t col) {
    return std::int8_t(c[row * long_row + col]) * double{s[row]} / 127;
  });
  check(example);
}

}  // namespace
}  // namespace alphahill
