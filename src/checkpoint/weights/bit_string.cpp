#include "checkpoint/weights/bit_string.hpp"

#include <algorithm>
#include <cstring>

namespace alphahill {

namespace {

constexpr std::size_t codes_at_a_time = 8;

/// Eight codes to eight bytes: four of them to each half of the word, two to each quarter, one to each byte.
class Spread {
 public:
  explicit Spread(std::int64_t bits)
      : bits_(static_cast<unsigned>(bits)),
        fours_(ones(4)),
        twos_(ones(2) * 0x1'0000'0001U),
        single_(ones(1) * 0x1'0001'0001'0001U) {}

  std::uint64_t operator()(std::uint64_t packed) const {
    packed = (packed & fours_) | ((packed << (32 - 4 * bits_)) & (fours_ << 32));
    packed = (packed & twos_) | ((packed << (16 - 2 * bits_)) & (twos_ << 16));
    return (packed & single_) | ((packed << (8 - bits_)) & (single_ << 8));
  }

 private:
  std::uint64_t ones(unsigned codes) const { return (std::uint64_t{1} << (codes * bits_)) - 1; }

  unsigned bits_;
  std::uint64_t fours_;
  std::uint64_t twos_;
  std::uint64_t single_;
};

}  // namespace

void unpack(std::span<const std::byte> string, std::int64_t bits, std::span<std::uint8_t> codes) {
  const Spread spread(bits);
  const auto step = static_cast<std::size_t>(bits);
  const auto convert = [&](std::size_t from, std::size_t bytes, std::size_t to, std::size_t count) {
    std::uint64_t packed = 0;
    std::memcpy(&packed, &string[from], bytes);
    packed = spread(packed);
    std::memcpy(&codes[to], &packed, count);
  };
  std::size_t from = 0, to = 0;
  for (; from + sizeof(std::uint64_t) <= string.size() && to + codes_at_a_time <= codes.size();
       from += step, to += codes_at_a_time) {
    convert(from, sizeof(std::uint64_t), to, codes_at_a_time);
  }
  for (; to < codes.size(); from += step, to += codes_at_a_time) {
    convert(from, std::min(sizeof(std::uint64_t), string.size() - from), to,
            std::min(codes_at_a_time, codes.size() - to));
  }
}

}  // namespace alphahill
