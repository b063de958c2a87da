#include "checkpoint/headers/fingerprint.hpp"

#include <fmt/format.h>

namespace alphahill {

void Fingerprint::add(std::string_view part) {
  const std::uint64_t size = part.size();
  crc_.process_bytes(&size, sizeof size);
  crc_.process_bytes(part.data(), part.size());
}

std::string Fingerprint::hex() const {
  return fmt::format("{:016x}", crc_.checksum());
}

}  // namespace alphahill
