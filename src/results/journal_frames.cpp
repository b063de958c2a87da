#include "results/journal_frames.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <string>

#include "alphahill/base/bytes.hpp"
#include "alphahill/base/checked.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

/// The first byte cannot begin a character, so that the magic does not occur in text.
constexpr std::array frame_magic{std::byte{0xA1}, std::byte{'H'}, std::byte{'F'}, std::byte{'R'}};
constexpr std::int64_t header_bytes = 13;
constexpr std::int64_t block_bytes = 1 << 20;

struct FrameHeader {
  std::uint32_t magic = std::bit_cast<std::uint32_t>(frame_magic);
  std::uint8_t kind = 0;  ///< a FrameKind, where this is a header
  std::uint32_t payload_bytes = 0;
  std::uint32_t crc = 0;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.magic, self.kind, self.payload_bytes, self.crc);
  }
};

/// CRC-32C (Castagnoli), fed with the fields of a header that it covers; the payload follows.
class FrameCrc {
 public:
  explicit FrameCrc(const FrameHeader& header) {
    crc_.process_byte(header.kind);
    crc_.process_bytes(&header.payload_bytes, sizeof header.payload_bytes);
  }
  void add(std::span<const std::byte> payload) { crc_.process_bytes(payload.data(), payload.size()); }
  std::uint32_t value() const { return crc_.checksum(); }

 private:
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc_;
};

/// The header, where it is one and its payload fits into the `left` bytes behind it.
std::optional<FrameHeader> header_in(std::span<const std::byte> bytes, std::int64_t left) {
  const auto header = from_bytes<FrameHeader>(bytes, "frame header");
  if (header.magic != FrameHeader{}.magic || header.payload_bytes > left) return std::nullopt;
  return header;
}

struct Frame {
  FrameKind kind;
  std::int64_t offset;
  std::int64_t end;
};

class FrameScanner {
 public:
  explicit FrameScanner(const File& file) : file_(file), size_(file.size()) {}

  /// The first good frame at or behind `offset`.
  std::optional<Frame> next(std::int64_t offset) {
    while (size_ - offset >= header_bytes) {
      const auto bytes = bytes_from(offset, header_bytes);
      const auto found = std::search(bytes.begin(), bytes.end(), frame_magic.begin(), frame_magic.end());
      offset += found - bytes.begin();
      if (found == bytes.end()) {
        offset -= std::ssize(frame_magic) - 1;  // the magic may begin in this block and end in the next
      } else if (const auto frame = frame_at(offset)) {
        return frame;
      } else {
        ++offset;
      }
    }
    return std::nullopt;
  }

 private:
  std::optional<Frame> frame_at(std::int64_t offset) {
    std::int64_t at = offset + header_bytes;
    if (at > size_) return std::nullopt;
    const auto header = header_in(bytes_from(offset, header_bytes).first(header_bytes), size_ - at);
    if (!header) return std::nullopt;
    const std::int64_t end = at + header->payload_bytes;
    FrameCrc crc(*header);
    while (at < end) {
      const auto bytes = bytes_from(at, 1);
      const std::int64_t taken = std::min(end - at, std::ssize(bytes));
      crc.add(bytes.first(static_cast<std::size_t>(taken)));
      at += taken;
    }
    if (crc.value() != header->crc) return std::nullopt;
    return Frame{static_cast<FrameKind>(header->kind), offset, end};
  }

  /// `least` bytes or more from `offset`, valid until the next call. The file must hold that many.
  std::span<const std::byte> bytes_from(std::int64_t offset, std::int64_t least) {
    if (offset < block_offset_ || offset + least > block_offset_ + std::ssize(block_)) {
      block_.resize(static_cast<std::size_t>(std::min(block_bytes, size_ - offset)));
      file_.read_at(block_, offset);
      block_offset_ = offset;
    }
    return std::span(block_).subspan(static_cast<std::size_t>(offset - block_offset_));
  }

  const File& file_;
  std::int64_t size_;
  std::vector<std::byte> block_;
  std::int64_t block_offset_ = 0;
};

/// @return false where the file ends within the magic: the run that began it got no further
bool begins_with_magic(const File& file) {
  std::string start(std::min<std::size_t>(journal_magic.size(), static_cast<std::size_t>(file.size())), '\0');
  file.read_at(std::as_writable_bytes(std::span(start)), 0);
  if (journal_magic.starts_with(start)) return start == journal_magic;
  constexpr auto number_at = journal_magic.size() - 2;
  if (start.starts_with(journal_magic.substr(0, number_at)) && start.size() > number_at) {
    const char number = start[number_at];
    if (number == '2') require_readable_version(2, file.path().string());
    if (number > '3') {
      throw Error(Fault::input, file.path().string(),
                  "a newer alpha-hill wrote it: use that one, or another --output-dir");
    }
  }
  throw Error(
      Fault::input, file.path().string(),
      fmt::format("expected a journal of alpha-hill, found other bytes at its start; {}", how_to_begin_anew));
}

template <class Record>
Record record_in(const Payload& payload, const std::string& where) {
  return from_bytes<Record>(payload.bytes, where, payload.version);
}

RunDescription read_run(const File& file, const Frame& frame, JournalContents& contents) {
  if (frame.kind == FrameKind::run && frame.offset == std::ssize(journal_magic)) {
    const Payload payload = read_payload(file, frame.offset);
    contents.of_present_version = payload.version == record_version;
    return record_in<RunDescription>(payload, file.path().string());
  }
  throw Error(Fault::input, file.path().string(),
              fmt::format("the description of the run, at byte {}, is damaged; {}", journal_magic.size(),
                          how_to_begin_anew));
}

/// @throws Error(input) where a row points outside the record's eigenvalues
void check_spectra(const LayerRecord& record, const std::string& path) {
  const std::int64_t eigenvalues = std::ssize(record.eigenvalues);
  for (const ResultRow& row : record.results) {
    if (row.spectrum_length == 0) continue;
    const bool inside = row.spectrum_length > 0 && row.spectrum_offset >= 0 &&
                        row.spectrum_length <= eigenvalues &&
                        row.spectrum_offset <= eigenvalues - row.spectrum_length;
    if (!inside) throw Error(Fault::input, path, "a spectrum lies outside the record's eigenvalues");
  }
}

void note_record(const LayerRecord& record, const Frame& frame, const std::string& path,
                 JournalContents& contents) {
  check_spectra(record, path);
  const std::int64_t layers = std::ssize(contents.run->layers);
  if (record.layer >= 1 && record.layer <= layers) {
    contents.frames[record.layer] = place_of(record, frame.offset);
    contents.attempts.erase(record.layer);
  } else {
    spdlog::warn("{}: the record at byte {} is of layer {}, expected 1 to {}; passed over", path,
                 frame.offset, record.layer, layers);
  }
}

void note_payload(const Payload& payload, const Frame& frame, const std::string& path,
                  JournalContents& contents) {
  if (frame.kind == FrameKind::layer) {
    note_record(record_in<LayerRecord>(payload, path), frame, path, contents);
  } else if (frame.kind == FrameKind::attempt) {
    const auto attempt = record_in<Attempt>(payload, path);
    contents.attempts[attempt.layer].add(attempt.event);
  } else if (frame.kind == FrameKind::asked) {
    contents.asked = record_in<Asked>(payload, path);
    contents.ending.reset();
    contents.last_run_begin = frame.offset;
  } else {
    contents.ending = record_in<Ending>(payload, path);
  }
}

/// Takes a good frame behind the first one into the contents, whose end is that of the good frame before it.
void note_frame(const Frame& frame, const File& file, JournalContents& contents) {
  const std::string path = printable(file.path().string());
  if (frame.offset != contents.end) {
    spdlog::warn("{}: bytes {} to {} are damaged; the layers that they hold are computed again", path,
                 contents.end, frame.offset);
  }
  if (frame.kind < FrameKind::layer || frame.kind > FrameKind::ending) return;
  const Payload payload = read_payload(file, frame.offset);
  try {
    note_payload(payload, frame, path, contents);
  } catch (const Error& error) {
    spdlog::warn("{}: the record at byte {} is no record of this program ({}); passed over", path,
                 frame.offset, error.reason());
  }
}

}  // namespace

void append_frame(std::vector<std::byte>& bytes, FrameKind kind, std::span<const std::byte> payload) {
  FrameHeader header{.kind = static_cast<std::uint8_t>(kind),
                     .payload_bytes = narrow<std::uint32_t>(payload.size(), "journal record")};
  FrameCrc crc(header);
  crc.add(payload);
  header.crc = crc.value();
  const auto packed = to_bytes(header);
  bytes.insert(bytes.end(), packed.begin(), packed.end());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
}

Payload read_payload(const File& file, std::int64_t offset) {
  std::array<std::byte, header_bytes> packed{};
  file.read_at(packed, offset);
  const Error damaged(Fault::input, file.path().string(),
                      fmt::format("the record at byte {} is damaged", offset));
  const auto header = header_in(packed, file.size() - offset - header_bytes);
  if (!header) throw damaged;
  std::vector<std::byte> payload(header->payload_bytes);
  file.read_at(payload, offset + header_bytes);
  FrameCrc crc(*header);
  crc.add(payload);
  if (crc.value() != header->crc) throw damaged;
  const auto version_bytes = std::span(payload).first(std::min(payload.size(), sizeof(std::uint16_t)));
  const auto version = from_bytes<std::uint16_t>(version_bytes, file.path().string());
  require_readable_version(version, file.path().string());
  payload.erase(payload.begin(), payload.begin() + sizeof version);
  return {version, std::move(payload)};
}

JournalContents scan_journal(const File& file) {
  JournalContents contents;
  if (!begins_with_magic(file)) return contents;
  FrameScanner scanner(file);
  const auto first = scanner.next(std::ssize(journal_magic));
  if (!first) return contents;
  contents.run = read_run(file, *first, contents);
  contents.end = first->end;
  while (const auto frame = scanner.next(contents.end)) {
    note_frame(*frame, file, contents);
    contents.end = frame->end;
  }
  return contents;
}

}  // namespace alphahill
