#include "alphahill/numeric/cast.hpp"

#include <cassert>
#include <cstring>

#include "alphahill/base/error.hpp"
#include "alphahill/base/vectorised.hpp"

namespace alphahill {

namespace {

template <class Stored>
Stored stored_at(const std::byte* bytes, std::size_t index) {
  Stored value;
  std::memcpy(&value, bytes + index * sizeof value, sizeof value);
  return value;
}

ALPHAHILL_VECTORISED void decode_fp64s(const std::byte* bytes, double* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = stored_at<double>(bytes, i);
}
ALPHAHILL_VECTORISED void decode_fp32s(const std::byte* bytes, double* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = stored_at<float>(bytes, i);
}
ALPHAHILL_VECTORISED void decode_fp16s(const std::byte* bytes, double* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = decode_fp16(stored_at<std::uint16_t>(bytes, i));
}
ALPHAHILL_VECTORISED void decode_bf16s(const std::byte* bytes, double* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = decode_bf16(stored_at<std::uint16_t>(bytes, i));
}

ALPHAHILL_VECTORISED void load_fp32s(const double* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}
ALPHAHILL_VECTORISED void load_fp16s(const double* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = round_to_fp16(round_to_odd_fp32(from[i]));
}
ALPHAHILL_VECTORISED void load_bf16s(const double* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = round_to_bf16(round_to_odd_fp32(from[i]));
}

ALPHAHILL_VECTORISED void cast_fp16s(const float* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = round_to_fp16(from[i]);
}
ALPHAHILL_VECTORISED void cast_bf16s(const float* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = round_to_bf16(from[i]);
}

}  // namespace

void decode(Format stored, std::span<const std::byte> bytes, std::span<double> to) {
  assert(static_cast<std::int64_t>(bytes.size()) == static_cast<std::int64_t>(to.size()) * bytes_of(stored));
  switch (stored) {
    case Format::fp64:
      return decode_fp64s(bytes.data(), to.data(), to.size());
    case Format::fp32:
      return decode_fp32s(bytes.data(), to.data(), to.size());
    case Format::fp16:
      return decode_fp16s(bytes.data(), to.data(), to.size());
    case Format::bf16:
      return decode_bf16s(bytes.data(), to.data(), to.size());
  }
}

void cast_loaded(Format load, std::span<const double> from, std::span<float> to) {
  assert(from.size() == to.size());
  switch (load) {
    case Format::fp64:
      throw Error(Fault::internal, "cast_loaded", "weights are loaded as fp32 or narrower");
    case Format::fp32:
      return load_fp32s(from.data(), to.data(), to.size());
    case Format::fp16:
      return load_fp16s(from.data(), to.data(), to.size());
    case Format::bf16:
      return load_bf16s(from.data(), to.data(), to.size());
  }
}

void cast(Format precision, std::span<const float> from, std::span<float> to) {
  assert(from.size() == to.size());
  switch (precision) {
    case Format::fp64:
    case Format::fp32:
      std::memcpy(to.data(), from.data(), from.size_bytes());
      return;
    case Format::fp16:
      return cast_fp16s(from.data(), to.data(), to.size());
    case Format::bf16:
      return cast_bf16s(from.data(), to.data(), to.size());
  }
}

}  // namespace alphahill
