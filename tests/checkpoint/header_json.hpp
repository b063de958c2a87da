/// Headers of safetensors files as JSON, and what comes of them.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/headers/safetensors.hpp"

namespace alphahill {

inline SafetensorsHeader parse(const std::string& json, std::int64_t values_bytes) {
  return SafetensorsHeader::parse(json, 8 + std::ssize(json) + values_bytes, "f");
}

inline std::optional<SafetensorsError> refusal_of(const std::string& json, std::int64_t values_bytes) {
  try {
    parse(json, values_bytes);
  } catch (const SafetensorsError& error) {
    return error;
  }
  return std::nullopt;
}

inline std::string nested(int depth) {
  return R"({"__metadata__": )" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

inline std::string named(std::size_t name_bytes) {
  return "{\"" + std::string(name_bytes, 'n') + R"(": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}})";
}

}  // namespace alphahill
