/// One entry of a safetensors header: from JSON to a checked TensorEntry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/headers/json.hpp"
#include "checkpoint/headers/safetensors.hpp"

namespace alphahill {

class EntryReader {
 public:
  /// @param values_begin  where the values begin in the file, in bytes; at most file_size
  EntryReader(std::int64_t values_begin, std::int64_t file_size, const std::string& file_name)
      : values_begin_(values_begin), values_bytes_(file_size - values_begin), file_name_(file_name) {}

  /// @throws SafetensorsError, simdjson::simdjson_error
  TensorEntry read(std::string_view name, json::Value entry);

  /// The tensor that was read last.
  const std::string& tensor() const { return tensor_; }

 private:
  struct Fields;
  [[noreturn]] void refuse(HeaderDefect defect, std::string reason) const;
  template <class Type>
  Type expect(json::Value value, std::string_view field, std::string_view type) const;
  void read_field(std::string_view key, json::Value value, Fields& fields) const;
  Fields read_fields(json::Value entry) const;
  std::string_view read_dtype(json::Value value) const;
  std::vector<std::int64_t> read_counts(json::Value value, std::string_view field, HeaderDefect defect) const;
  std::int64_t bytes_of(const TensorEntry& entry) const;
  void check_span(const TensorEntry& entry, const std::vector<std::int64_t>& offsets) const;

  std::int64_t values_begin_;
  std::int64_t values_bytes_;
  const std::string& file_name_;
  std::string tensor_;
};

}  // namespace alphahill
