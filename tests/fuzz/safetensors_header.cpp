/// Fuzzes the header of a safetensors file. Input: bytes of values u64 | header.
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "checkpoint/headers/safetensors.hpp"
#include "fuzz/invariant.hpp"

namespace alphahill {
namespace {

void check(const SafetensorsHeader& header, std::int64_t values_begin, std::int64_t file_size) {
  const auto& tensors = header.tensors();
  const auto twice = std::ranges::adjacent_find(tensors, std::ranges::greater_equal{}, &TensorEntry::name);
  promise(twice == tensors.end(), "names ascend");
  std::int64_t covered = 0;
  for (const TensorEntry& tensor : tensors) {
    promise(tensor.offset >= values_begin && tensor.bytes >= 0, "tensors begin behind the header");
    promise(tensor.bytes <= file_size - tensor.offset, "tensors end inside the file");
    promise(tensor.name.size() <= SafetensorsHeader::most_name_bytes, "names are at most 64 KiB");
    promise(header.find(tensor.name) == &tensor, "a tensor is found by its name");
    covered += tensor.bytes;
  }
  promise(covered == file_size - values_begin, "tensors cover the values");
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace alphahill;
  std::uint64_t values_bytes = 0;
  if (size < sizeof values_bytes) return -1;
  std::memcpy(&values_bytes, bytes, sizeof values_bytes);
  const std::string json(text_of(bytes, size).substr(sizeof values_bytes));
  const std::int64_t values_begin = 8 + std::ssize(json);
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - values_begin);
  const std::int64_t file_size = values_begin + static_cast<std::int64_t>(std::min(values_bytes, most));
  try {
    check(SafetensorsHeader::parse(json, file_size, "f"), values_begin, file_size);
  } catch (const SafetensorsError& error) {
    promise(error.fault() == Fault::input, "a bad header is the input's fault");
  }
  return 0;
}
