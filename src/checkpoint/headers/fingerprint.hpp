/// A checksum that tells one checkpoint from another.
#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace alphahill {

/// CRC-64 (ECMA-182) over a sequence of parts, each with its length, so that ("ab", "c") is not ("a", "bc").
class Fingerprint {
 public:
  void add(std::string_view part);
  /// 16 hex digits.
  std::string hex() const;

 private:
  boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~0ULL, ~0ULL, true, true> crc_;
};

}  // namespace alphahill
