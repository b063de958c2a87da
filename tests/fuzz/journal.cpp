/// Fuzzes the journal. Input: a journal file, which is read as it is and once more with the checksums of its
/// frames mended, so that damage to what they protect is seen as well.
#include "alphahill/results/journal.hpp"

#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "fuzz/invariant.hpp"
#include "results/journal_frames.hpp"

namespace alphahill {
namespace {

using Bytes = std::vector<std::byte>;

/// A file in memory, the same for all inputs.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("journal", 0)) {}
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void hold(std::span<const std::byte> bytes) const {
    const bool held = ::ftruncate(descriptor_, 0) == 0 &&
                      ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == std::ssize(bytes);
    promise(held, "the input is in the file");
  }

 private:
  int descriptor_;
};

/// Frames, one after another and wherever their magic is, with the checksum that their content asks for.
Bytes with_mended_checksums(Bytes bytes) {
  Bytes empty_frame;
  append_frame(empty_frame, FrameKind::run, {});
  const std::span magic = std::span(empty_frame).first(4);
  auto at = bytes.begin();
  while (bytes.end() - (at = std::search(at, bytes.end(), magic.begin(), magic.end())) >= 13) {
    std::uint32_t payload_bytes = 0;
    std::memcpy(&payload_bytes, &*at + 5, sizeof payload_bytes);
    const auto payload = std::span(at, bytes.end()).subspan(empty_frame.size());
    if (payload_bytes <= payload.size()) {
      Bytes frame;
      append_frame(frame, static_cast<FrameKind>(at[4]), payload.first(payload_bytes));
      std::ranges::copy(frame, at);
    }
    ++at;
  }
  return bytes;
}

void check(const Journal& journal) {
  const std::int64_t layers = std::ssize(journal.run().layers);
  promise(journal.finished() <= layers, "no more layers are finished than there are");
  promise(!journal.has(0) && !journal.has(layers + 1), "only layers of the run are finished");
  for (std::int64_t layer = 1; layer <= layers; ++layer) {
    if (!journal.has(layer)) continue;
    try {
      promise(journal.read(layer).layer == layer, "a record is that of its layer");
    } catch (const Error& error) {
      promise(error.fault() == Fault::input, "a bad record is the input's fault");
    }
  }
}

void read(const Bytes& bytes) {
  static const MemoryFile file;
  file.hold(bytes);
  try {
    check(Journal::open_for_reading(file.path()));
  } catch (const Error& error) {
    promise(error.fault() == Fault::input, "a bad journal is the input's fault");
  }
}

}  // namespace
}  // namespace alphahill

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto input = std::as_bytes(std::span(bytes, size));
  const alphahill::Bytes journal(input.begin(), input.end());
  alphahill::read(journal);
  alphahill::read(alphahill::with_mended_checksums(journal));
  return 0;
}
