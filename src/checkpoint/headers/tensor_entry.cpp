#include "checkpoint/headers/tensor_entry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "alphahill/base/checked.hpp"

namespace alphahill {

namespace {

struct Dtype {
  std::string_view name;
  std::int64_t bits;
};

constexpr std::array<Dtype, 22> dtypes{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
}};

constexpr std::size_t most_dimensions = 64;  // PyTorch's own limit

}  // namespace

struct EntryReader::Fields {
  std::optional<std::string_view> dtype;
  std::optional<std::vector<std::int64_t>> shape;
  std::optional<std::vector<std::int64_t>> offsets;
};

TensorEntry EntryReader::read(std::string_view name, json::Value value) {
  tensor_ = name;
  if (name.size() > SafetensorsHeader::most_name_bytes) {
    refuse(HeaderDefect::name_too_long, fmt::format("expected a name of at most {} bytes, found {}",
                                                    SafetensorsHeader::most_name_bytes, name.size()));
  }
  Fields fields = read_fields(value);
  TensorEntry entry{tensor_, *fields.dtype, *std::move(fields.shape)};
  entry.bytes = bytes_of(entry);
  check_span(entry, *fields.offsets);
  entry.offset = values_begin_ + fields.offsets->front();
  return entry;
}

void EntryReader::refuse(HeaderDefect defect, std::string reason) const {
  throw SafetensorsError(defect, file_name_, tensor_, std::move(reason));
}

/// The value as text, array or object.
template <class Type>
Type EntryReader::expect(json::Value value, std::string_view field, std::string_view type) const {
  Type read;
  const simdjson::error_code error = value.get<Type>().get(read);
  if (error == simdjson::INCORRECT_TYPE) {
    refuse(HeaderDefect::malformed_entry,
           fmt::format("{}: expected {}, found {}", field, type, json::shown(value)));
  }
  if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
  return read;
}

EntryReader::Fields EntryReader::read_fields(json::Value entry) const {
  Fields fields;
  for (simdjson::ondemand::field field : expect<json::Object>(entry, "entry", "an object")) {
    read_field(field.unescaped_key(), field.value(), fields);
  }
  const auto require = [&](const auto& field, std::string_view key) {
    if (!field) refuse(HeaderDefect::malformed_entry, fmt::format("{} is missing", key));
  };
  require(fields.dtype, "dtype");
  require(fields.shape, "shape");
  require(fields.offsets, "data_offsets");
  return fields;
}

void EntryReader::read_field(std::string_view key, json::Value value, Fields& fields) const {
  const auto set = [&](auto& field, auto read) {
    if (field) refuse(HeaderDefect::malformed_entry, fmt::format("{} is there twice", key));
    field = std::move(read);
  };
  if (key == "dtype") {
    set(fields.dtype, read_dtype(value));
  } else if (key == "shape") {
    set(fields.shape, read_counts(value, key, HeaderDefect::bad_shape));
  } else if (key == "data_offsets") {
    set(fields.offsets, read_counts(value, key, HeaderDefect::bad_offsets));
  } else {
    json::skip(value);
  }
}

std::string_view EntryReader::read_dtype(json::Value value) const {
  const auto name = expect<std::string_view>(value, "dtype", "text");
  const auto* found = std::ranges::find(dtypes, name, &Dtype::name);
  if (found == dtypes.end()) {
    refuse(HeaderDefect::unknown_dtype, fmt::format("dtype '{}' is unknown", name.substr(0, 60)));
  }
  return found->name;
}

/// An array of numbers of elements or bytes.
std::vector<std::int64_t> EntryReader::read_counts(json::Value value, std::string_view field,
                                                   HeaderDefect defect) const {
  std::vector<std::int64_t> counts;
  for (json::Value item : expect<json::Array>(value, field, "an array")) {
    std::uint64_t count = 0;
    if (item.get_uint64().get(count) != simdjson::SUCCESS || !std::in_range<std::int64_t>(count)) {
      refuse(defect,
             fmt::format("{}: expected integers from 0 to 2^63 - 1, found {}", field, json::shown(item)));
    }
    if (counts.size() == most_dimensions) {
      refuse(defect, fmt::format("{}: expected at most {} integers", field, most_dimensions));
    }
    counts.push_back(static_cast<std::int64_t>(count));
  }
  return counts;
}

/// product(shape) * bits(dtype) / 8, where the product is refused as soon as it overflows, whatever follows.
std::int64_t EntryReader::bytes_of(const TensorEntry& entry) const {
  std::optional<std::int64_t> bits = std::ranges::find(dtypes, entry.dtype, &Dtype::name)->bits;
  for (const std::int64_t count : entry.shape) {
    bits = checked_multiply(*bits, count);
    if (bits) continue;
    refuse(HeaderDefect::size_overflow,
           fmt::format("the size of shape [{}] overflows", fmt::join(entry.shape, ", ")));
  }
  if (*bits % 8 != 0) {
    refuse(HeaderDefect::size_mismatch,
           fmt::format("{} [{}] takes no whole number of bytes", entry.dtype, fmt::join(entry.shape, ", ")));
  }
  return *bits / 8;
}

void EntryReader::check_span(const TensorEntry& entry, const std::vector<std::int64_t>& offsets) const {
  if (offsets.size() != 2) {
    refuse(HeaderDefect::bad_offsets,
           fmt::format("data_offsets: expected two integers, found {}", offsets.size()));
  }
  const std::int64_t begin = offsets[0], end = offsets[1];
  if (end < begin) {
    refuse(HeaderDefect::bad_offsets,
           fmt::format("data_offsets: the end {} lies before the begin {}", end, begin));
  }
  if (end - begin != entry.bytes) {
    refuse(HeaderDefect::size_mismatch,
           fmt::format("{} [{}] takes {} bytes, data_offsets span {}", entry.dtype,
                       fmt::join(entry.shape, ", "), entry.bytes, end - begin));
  }
  if (end > values_bytes_) {
    refuse(HeaderDefect::truncated_file,
           fmt::format("ends at byte {} of the values, the file holds {}: was it cut?", end, values_bytes_));
  }
}

}  // namespace alphahill
