#include "alphahill/formats/codes.hpp"

#include <algorithm>
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

template <int bits>
void decode_eights(int zero, const std::byte* codes, float* to, std::size_t count) {
  vectorised([=]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count / 8; ++i) {
      const auto word = word_at<std::uint64_t>(codes, i * bits);
      for (std::size_t k = 0; k < 8; ++k) {
        const auto code = static_cast<std::uint32_t>(word >> (k * bits)) & mask<bits>;
        to[8 * i + k] = static_cast<float>(static_cast<int>(code) - zero);
      }
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

/// Calls use(group, begin, end) for the values [begin, end) of each group.
template <class Use>
ALPHAHILL_INLINE inline void for_each_group(RowGroups groups, std::int64_t count, const Use& use) {
  std::int64_t end = std::min(groups.size - groups.first, count);
  for (std::int64_t group = 0, begin = 0; begin < count; ++group) {
    use(group, begin, end);
    begin = end;
    end = std::min(end + groups.size, count);
  }
}

}  // namespace

void decode_f8_e4m3(std::span<const std::byte> codes, std::span<float> to) {
  vectorised([from = codes.data(), first = to.data(), count = to.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] = decode_f8_e4m3(std::to_integer<std::uint8_t>(from[i]));
  });
}

void decode_int8(std::span<const std::byte> codes, std::span<float> to) {
  vectorised([from = codes.data(), first = to.data(), count = to.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] = std::to_integer<std::int8_t>(from[i]);
  });
}

void decode_f4_e2m1(std::span<const std::byte> codes, std::span<float> to) {
  assert(to.size() % 2 == 0);
  vectorised([from = codes.data(), first = to.data(), count = to.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count / 2; ++i) {
      const auto pair = std::to_integer<std::uint32_t>(from[i]);
      first[2 * i] = decode_f4_e2m1(pair & 15U);
      first[2 * i + 1] = decode_f4_e2m1(pair >> 4);
    }
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
  vectorised([from = codes.data(), groups, scale = scales.data(), first = to.data(),
              count = std::ssize(to)]() ALPHAHILL_INLINE {
    for_each_group(groups, count, [=](std::int64_t g, std::int64_t begin, std::int64_t end) ALPHAHILL_INLINE {
      for (std::int64_t k = begin; k < end; ++k) first[k] = double{from[k]} * scale[g];
    });
  });
}

void subtract(std::span<const float> zero_points, RowGroups groups, std::span<float> codes) {
  vectorised([zero = zero_points.data(), groups, first = codes.data(),
              count = std::ssize(codes)]() ALPHAHILL_INLINE {
    for_each_group(groups, count, [=](std::int64_t g, std::int64_t begin, std::int64_t end) ALPHAHILL_INLINE {
      for (std::int64_t k = begin; k < end; ++k) first[k] -= zero[g];
    });
  });
}

void divide(double divisor, std::span<double> values) {
  vectorised([divisor, first = values.data(), count = values.size()]() ALPHAHILL_INLINE {
    for (std::size_t i = 0; i < count; ++i) first[i] /= divisor;
  });
}

}  // namespace alphahill
