/// Fuzzes the byte form of what ranks send each other and the journal keeps. Input: the kind of struct, its
/// bytes.
#include <span>
#include <vector>

#include "alphahill/base/bytes.hpp"
#include "alphahill/results/tables.hpp"
#include "alphahill/runtime/messages.hpp"
#include "fuzz/invariant.hpp"

namespace alphahill {
namespace {

template <class Value>
void check(std::span<const std::byte> bytes) {
  try {
    const std::vector<std::byte> written = to_bytes(from_bytes<Value>(bytes, "f"));
    promise(written.size() == bytes.size(), "every byte is a field's");
    promise(to_bytes(from_bytes<Value>(written, "f")) == written, "what is written is read back");
  } catch (const Error& error) {
    promise(error.fault() == Fault::input, "bad bytes are the input's fault");
  }
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  if (size == 0) return -1;
  const auto fields = std::as_bytes(std::span(bytes, size)).subspan(1);
  switch (bytes[0] % 4) {
    case 0:
      check<LayerRecord>(fields);
      break;
    case 1:
      check<RunDescription>(fields);
      break;
    case 2:
      check<Job>(fields);
      break;
    default:
      check<Report>(fields);
  }
  return 0;
}
