#include "alphahill/formats/cast.hpp"

#include <cassert>
#include <cstring>

#include "alphahill/base/error.hpp"
#include "formats/convert_each.hpp"

namespace alphahill {

namespace {

template <class Stored>
Stored stored_at(const std::byte* bytes, std::size_t index) {
  Stored value;
  std::memcpy(&value, bytes + index * sizeof value, sizeof value);
  return value;
}

template <class Stored, class Widen>
void decode_each(std::span<const std::byte> bytes, std::span<double> to, const Widen& widen) {
  fill_each(to, [first = bytes.data(), widen](std::size_t i)
                    ALPHAHILL_INLINE { return double{widen(stored_at<Stored>(first, i))}; });
}

}  // namespace

void decode(ElementFormat stored, std::span<const std::byte> bytes, std::span<double> to) {
  assert(static_cast<std::int64_t>(bytes.size()) == static_cast<std::int64_t>(to.size()) * bytes_of(stored));
  switch (stored) {
    case ElementFormat::fp64:
      return decode_each<double>(bytes, to, [](double value) ALPHAHILL_INLINE { return value; });
    case ElementFormat::fp32:
      return decode_each<float>(bytes, to, [](float value) ALPHAHILL_INLINE { return value; });
    case ElementFormat::fp16:
      return decode_each<std::uint16_t>(
          bytes, to, [](std::uint16_t value) ALPHAHILL_INLINE { return decode_fp16(value); });
    case ElementFormat::bf16:
      return decode_each<std::uint16_t>(
          bytes, to, [](std::uint16_t value) ALPHAHILL_INLINE { return decode_bf16(value); });
  }
}

void cast_loaded(ElementFormat load, std::span<const double> from, std::span<float> to) {
  assert(from.size() == to.size());
  switch (load) {
    case ElementFormat::fp64:
      throw Error(Fault::internal, "cast_loaded", "fp64 values are loaded as they are");
    case ElementFormat::fp32:
      return convert_each(from, to, [](double value) ALPHAHILL_INLINE { return static_cast<float>(value); });
    case ElementFormat::fp16:
      return convert_each(
          from, to, [](double value) ALPHAHILL_INLINE { return round_to_fp16(round_to_odd_fp32(value)); });
    case ElementFormat::bf16:
      return convert_each(
          from, to, [](double value) ALPHAHILL_INLINE { return round_to_bf16(round_to_odd_fp32(value)); });
  }
}

void cast(ElementFormat precision, std::span<const float> from, std::span<float> to) {
  assert(from.size() == to.size());
  switch (precision) {
    case ElementFormat::fp64:
    case ElementFormat::fp32:
      std::memcpy(to.data(), from.data(), from.size_bytes());
      return;
    case ElementFormat::fp16:
      return convert_each(from, to, [](float value) ALPHAHILL_INLINE { return round_to_fp16(value); });
    case ElementFormat::bf16:
      return convert_each(from, to, [](float value) ALPHAHILL_INLINE { return round_to_bf16(value); });
  }
}

void cast(ElementFormat precision, std::span<const double> from, std::span<double> to) {
  assert(from.size() == to.size());
  switch (precision) {
    case ElementFormat::fp64:
      std::memcpy(to.data(), from.data(), from.size_bytes());
      return;
    case ElementFormat::fp32:
      return convert_each(from, to,
                          [](double value) ALPHAHILL_INLINE { return double{static_cast<float>(value)}; });
    case ElementFormat::fp16:
      return convert_each(from, to, [](double value) ALPHAHILL_INLINE {
        return double{round_to_fp16(round_to_odd_fp32(value))};
      });
    case ElementFormat::bf16:
      return convert_each(from, to, [](double value) ALPHAHILL_INLINE {
        return double{round_to_bf16(round_to_odd_fp32(value))};
      });
  }
}

}  // namespace alphahill
