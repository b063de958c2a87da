#include "alphahill/formats/codes.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

template <int bits>
constexpr std::uint32_t mask = (1U << bits) - 1;

template <class Word>
Word word_at(const std::byte* bytes, std::size_t offset) {
  Word word;
  std::memcpy(&word, bytes + offset, sizeof word);
  return word;
}

/// Eight codes to eight bytes: four of them to each half of the word, two to each quarter, one to each byte.
template <int bits>
ALPHAHILL_INLINE inline std::uint64_t spread(std::uint64_t packed) {
  constexpr auto ones = [](int codes) { return (std::uint64_t{1} << (codes * bits)) - 1; };
  constexpr std::uint64_t fours = ones(4);
  constexpr std::uint64_t twos = ones(2) * 0x1'0000'0001U;
  constexpr std::uint64_t single = ones(1) * 0x1'0001'0001'0001U;
  packed = (packed & fours) | ((packed << (32 - 4 * bits)) & (fours << 32));
  packed = (packed & twos) | ((packed << (16 - 2 * bits)) & (twos << 16));
  return (packed & single) | ((packed << (8 - bits)) & (single << 8));
}

template <int bits>
void decode_eights(int zero, const std::byte* codes, float* to, std::size_t count) {
  constexpr std::size_t most_words = 32;
  vectorised([=]() ALPHAHILL_INLINE {
    std::array<std::uint64_t, most_words> words;
    for (std::size_t first = 0; first < count / 8; first += most_words) {
      const std::size_t size = std::min(most_words, count / 8 - first);
      for (std::size_t i = 0; i < size; ++i) {
        words[i] = spread<bits>(word_at<std::uint64_t>(codes, (first + i) * bits));
      }
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
      for (std::size_t k = 0; k < 8 * size; ++k) to[8 * first + k] = static_cast<float>(int{bytes[k]} - zero);
    }
  });
}

template <int bits>
void decode_in_words(int zero, const std::byte* codes, float* to, std::size_t count) {
  constexpr std::size_t in_word = 32 / bits;
  vectorised([=]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count / in_word; ++i) {
      const auto word = word_at<std::uint32_t>(codes, i * sizeof(std::uint32_t));
      for (std::size_t k = 0; k < in_word; ++k) {
        to[in_word * i + k] = static_cast<float>(static_cast<int>(word >> (k * bits) & mask<bits>) - zero);
      }
    }
  });
}

/// Calls use.template operator()<bits>().
template <class Use>
void with_bits(int bits, const Use& use) {
  switch (bits) {
    case 2:
      return use.template operator()<2>();
    case 3:
      return use.template operator()<3>();
    case 4:
      return use.template operator()<4>();
    case 5:
      return use.template operator()<5>();
    case 6:
      return use.template operator()<6>();
    case 7:
      return use.template operator()<7>();
    case 8:
      return use.template operator()<8>();
    default:
      throw Error(Fault::internal, "codes", "integers have 2 to 8 bits");
  }
}

/// use(k, g) for each value k of a group g.
template <class Use>
void for_each_in_groups(RowGroups groups, std::int64_t count, const Use& use) {
  vectorised([=]() ALPHAHILL_INLINE {
    if (groups.size == 1) {
      for (std::int64_t k = 0; k < count; ++k) use(k, k);
      return;
    }
    std::int64_t end = std::min(groups.size - groups.first, count);
    for (std::int64_t group = 0, begin = 0; begin < count; ++group) {
      for (std::int64_t k = begin; k < end; ++k) use(k, group);
      begin = end;
      end = std::min(end + groups.size, count);
    }
  });
}

/// Each byte is a code.
template <class NumberOf>
void decode_bytes(std::span<const std::byte> codes, std::span<float> to, const NumberOf& number_of) {
  vectorised([number_of, from = codes.data(), first = to.data(), count = to.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] = number_of(std::to_integer<std::uint8_t>(from[i]));
  });
}

constexpr NumberPairs f4_e2m1_pairs = [] {
  std::array<float, 16> numbers{};
  for (std::uint32_t code = 0; code < numbers.size(); ++code) numbers[code] = decode_f4_e2m1(code);
  return number_pairs(numbers, true);
}();

}  // namespace

void decode_f8_e4m3(std::span<const std::byte> codes, std::span<float> to) {
  decode_bytes(codes, to, [](std::uint8_t code) ALPHAHILL_INLINE { return decode_f8_e4m3(code); });
}

void decode_f8_e8m0(std::span<const std::byte> codes, std::span<float> to) {
  decode_bytes(codes, to, [](std::uint8_t code) ALPHAHILL_INLINE { return decode_f8_e8m0(code); });
}

void decode_int8(std::span<const std::byte> codes, std::span<float> to) {
  decode_bytes(codes, to, [](std::uint8_t code) ALPHAHILL_INLINE {
    return static_cast<float>(static_cast<std::int8_t>(code));
  });
}

void decode_pairs(const NumberPairs& pairs, std::span<const std::byte> codes, std::span<float> to) {
  assert(to.size() % 2 == 0);
  const std::byte* from = codes.data();
  float* first = to.data();
  const std::size_t bytes = to.size() / 2;
  for (std::size_t i = 0; i < bytes; ++i) {
    std::memcpy(first + 2 * i, &pairs[std::to_integer<std::size_t>(from[i])], sizeof pairs[0]);
  }
}

void decode_f4_e2m1(std::span<const std::byte> codes, std::span<float> to) {
  decode_pairs(f4_e2m1_pairs, codes, to);
}

void decode_f4_e2m1_nibbles(std::span<const std::byte> codes, bool high, std::span<float> to) {
  decode_bytes(codes, to, [shift = high ? 4 : 0](std::uint8_t code) ALPHAHILL_INLINE {
    return decode_f4_e2m1(static_cast<std::uint32_t>(code) >> shift & 15U);
  });
}

void decode_bit_string(int bits, int zero, std::span<const std::byte> codes, std::span<float> to) {
  with_bits(bits, [&]<int b>() { decode_eights<b>(zero, codes.data(), to.data(), to.size()); });
}

void decode_words(int bits, int zero, std::span<const std::byte> codes, std::span<float> to) {
  with_bits(bits, [&]<int b>() { decode_in_words<b>(zero, codes.data(), to.data(), to.size()); });
}

void multiply(std::span<const float> codes, RowGroups groups, std::span<const double> scales,
              std::span<double> to) {
  for_each_in_groups(
      groups, std::ssize(to),
      [from = codes.data(), scale = scales.data(), first = to.data()](std::int64_t k, std::int64_t g)
          ALPHAHILL_INLINE { first[k] = double{from[k]} * scale[g]; });
}

void multiply(std::span<const float> codes, RowGroups groups, std::span<const float> scales,
              std::span<double> to) {
  for_each_in_groups(
      groups, std::ssize(to),
      [from = codes.data(), scale = scales.data(), first = to.data()](std::int64_t k, std::int64_t g)
          ALPHAHILL_INLINE { first[k] = double{from[k]} * double{scale[g]}; });
}

void add(std::span<const float> terms, RowGroups groups, std::span<double> values) {
  for_each_in_groups(groups, std::ssize(values),
                     [term = terms.data(), first = values.data()](std::int64_t k, std::int64_t g)
                         ALPHAHILL_INLINE { first[k] += double{term[g]}; });
}

void subtract(std::span<const float> zero_points, RowGroups groups, std::span<float> codes) {
  for_each_in_groups(groups, std::ssize(codes),
                     [zero = zero_points.data(), first = codes.data()](std::int64_t k, std::int64_t g)
                         ALPHAHILL_INLINE { first[k] -= zero[g]; });
}

void divide(double divisor, std::span<double> values) {
  vectorised([divisor, first = values.data(), count = values.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] /= divisor;
  });
}

}  // namespace alphahill
