#include "checkpoint/headers/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "checkpoint/headers/json.hpp"
#include "checkpoint/headers/lfs_pointer.hpp"
#include "checkpoint/headers/shard_index.hpp"
#include "checkpoint/headers/tensor_entry.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t size_bytes = 8;

/// The limits on bytes keep the tensors of a file, and those that an index names, to ten million.
constexpr std::int64_t most_tensors = 10'000'000;
constexpr std::string_view smallest_entry = R"("":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
constexpr std::string_view smallest_index_entry = R"("":"f",)";
static_assert(SafetensorsHeader::most_bytes / std::ssize(smallest_entry) <= most_tensors);
static_assert(ShardIndex::most_bytes / std::ssize(smallest_index_entry) <= most_tensors);

HeaderDefect defect_of(simdjson::error_code code) {
  if (code == simdjson::UTF8_ERROR) return HeaderDefect::not_utf8;
  if (code == simdjson::DEPTH_ERROR) return HeaderDefect::too_deep;
  return HeaderDefect::not_json;
}

std::vector<TensorEntry> read_entries(std::string& json, EntryReader& reader) {
  std::vector<TensorEntry> entries;
  json::read_object(json, [&](json::Object tensors) {
    for (simdjson::ondemand::field field : tensors) {
      const std::string_view name = field.unescaped_key();
      if (name == "__metadata__") {
        json::skip(field.value());
      } else {
        entries.push_back(reader.read(name, field.value()));
      }
    }
  });
  return entries;
}

/// The tensors lie one after another in the values, without holes or overlaps, and to their end.
void check_coverage(const std::vector<TensorEntry>& tensors, std::int64_t values_begin,
                    std::int64_t file_size, const std::string& file_name) {
  std::vector<const TensorEntry*> by_place;
  for (const TensorEntry& tensor : tensors) by_place.push_back(&tensor);
  std::ranges::sort(by_place, {},
                    [](const TensorEntry* tensor) { return std::pair(tensor->offset, tensor->bytes); });
  std::int64_t covered = 0;
  for (const TensorEntry* tensor : by_place) {
    const std::int64_t begin = tensor->offset - values_begin;
    if (begin != covered) {
      throw SafetensorsError(
          begin > covered ? HeaderDefect::hole : HeaderDefect::overlap, file_name, tensor->name,
          fmt::format("data_offsets: expected to begin at {}, where the tensor before it ends, "
                      "found {}",
                      covered, begin));
    }
    covered += tensor->bytes;
  }
  if (covered == file_size - values_begin) return;
  throw SafetensorsError(HeaderDefect::trailing_bytes, file_name, "",
                         fmt::format("expected {} bytes of values, where the last tensor ends, found {}",
                                     covered, file_size - values_begin));
}

void check_names(const std::vector<TensorEntry>& tensors, const std::string& file_name) {
  const auto twice = std::ranges::adjacent_find(tensors, {}, &TensorEntry::name);
  if (twice == tensors.end()) return;
  throw SafetensorsError(HeaderDefect::duplicate_name, file_name, twice->name, "the name is there twice");
}

/// "file, tensor 'name'"; a long name is cut.
std::string place(const std::string& file_name, const std::string& tensor) {
  constexpr std::size_t most_shown = 200;
  if (tensor.empty()) return file_name;
  return fmt::format("{}, tensor '{}'", file_name,
                     tensor.size() > most_shown ? tensor.substr(0, most_shown) + "..." : tensor);
}

}  // namespace

SafetensorsError::SafetensorsError(HeaderDefect defect, const std::string& file_name,
                                   const std::string& tensor, std::string reason)
    : Error(Fault::input, place(file_name, tensor), std::move(reason)), defect_(defect), tensor_(tensor) {}

SafetensorsHeader SafetensorsHeader::parse(std::string json, std::int64_t file_size,
                                           const std::string& file_name) {
  const std::int64_t values_begin = size_bytes + std::ssize(json);
  EntryReader reader(values_begin, file_size, file_name);
  try {
    std::vector<TensorEntry> tensors = read_entries(json, reader);
    std::ranges::sort(tensors, {}, &TensorEntry::name);
    check_names(tensors, file_name);
    check_coverage(tensors, values_begin, file_size, file_name);
    return SafetensorsHeader(std::move(tensors));
  } catch (const simdjson::simdjson_error& error) {
    throw SafetensorsError(defect_of(error.error()), file_name, reader.tensor(),
                           "header: " + json::reason_of(error));
  }
}

const TensorEntry* SafetensorsHeader::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors_, name, {}, &TensorEntry::name);
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

std::string read_header_json(const File& file) {
  const auto refuse = [&](HeaderDefect defect, std::string reason) {
    throw SafetensorsError(defect, file.path().string(), "", std::move(reason));
  };
  const std::int64_t file_size = file.size();
  if (file_size < size_bytes) {
    refuse(HeaderDefect::file_too_short,
           fmt::format("expected at least {} bytes, found {}", size_bytes, file_size));
  }
  std::string begin(static_cast<std::size_t>(std::min<std::int64_t>(file_size, 64)), '\0');
  file.read_at(std::as_writable_bytes(std::span(begin)), 0);
  if (is_lfs_pointer(begin)) refuse(HeaderDefect::lfs_pointer, std::string(lfs_pointer_reason));
  std::array<char, size_bytes> prefix{};
  std::ranges::copy_n(begin.begin(), size_bytes, prefix.begin());
  const auto size = std::bit_cast<std::uint64_t>(prefix);
  if (size > static_cast<std::uint64_t>(SafetensorsHeader::most_bytes)) {
    refuse(HeaderDefect::header_too_large, fmt::format("expected a header of at most {} bytes, found {}",
                                                       SafetensorsHeader::most_bytes, size));
  }
  if (static_cast<std::int64_t>(size) > file_size - size_bytes) {
    refuse(HeaderDefect::header_beyond_file,
           fmt::format("a header of {} bytes in a file of {} bytes: was it cut?", size, file_size));
  }
  std::string json(size, '\0');
  file.read_at(std::as_writable_bytes(std::span(json)), size_bytes);
  return json;
}

}  // namespace alphahill
