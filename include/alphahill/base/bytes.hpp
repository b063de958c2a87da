/// A compact byte form of plain structs, for messages between ranks and for the journal.
///
/// Layout: integers and floating-point numbers as they lie in memory (little-endian), bool and enums as one
/// byte (an enum has a function `last_of(Enum)` that tells its largest value), strings and vectors as a u64
/// count and their items, variants as the byte of the alternative and the alternative, structs field by field in
/// the order of their `fields` function:
///
///     template <class Archive, class Self> static void fields(Archive& archive, Self& self) {
///       archive(self.name, self.rows);
///       archive.since(3, self.cols);  // what earlier versions wrote has no such field: it keeps its default
///     }
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "alphahill/base/error.hpp"

namespace alphahill {

static_assert(std::endian::native == std::endian::little, "the byte form is little-endian");

class ByteWriter {
 public:
  template <class... Values>
  void operator()(const Values&... values) {
    (put(values), ...);
  }
  template <class... Values>
  void since(int, const Values&... values) {
    (put(values), ...);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(const void* from, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  template <class Value>
  void put(const Value& value) {
    if constexpr (std::is_enum_v<Value> || std::is_same_v<Value, bool>) {
      put(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_arithmetic_v<Value>) {
      append(&value, sizeof value);
    } else {
      Value::fields(*this, value);
    }
  }
  void put(const std::string& text) {
    put(std::uint64_t{text.size()});
    append(text.data(), text.size());
  }
  template <class Item>
  void put(const std::vector<Item>& items) {
    put(std::uint64_t{items.size()});
    if constexpr (std::is_arithmetic_v<Item>) {
      append(items.data(), items.size() * sizeof(Item));
    } else {
      for (const Item& item : items) put(item);
    }
  }
  template <class... Alternatives>
  void put(const std::variant<Alternatives...>& value) {
    put(static_cast<std::uint8_t>(value.index()));
    std::visit([&](const auto& alternative) { put(alternative); }, value);
  }
  std::vector<std::byte> bytes_;
};

class ByteReader {
 public:
  /// @param where  named in errors; must outlive the reader, as must the bytes
  /// @param version  that the bytes were written by
  ByteReader(std::span<const std::byte> bytes, std::string_view where, int version)
      : bytes_(bytes), where_(where), version_(version) {}

  /// @throws Error(input) when the bytes end early, a count exceeds what is left, or a bool or enum has none
  /// of its values
  template <class... Values>
  void operator()(Values&... values) {
    (get(values), ...);
  }
  template <class... Values>
  void since(int first_version, Values&... values) {
    if (version_ >= first_version) (get(values), ...);
  }
  void expect_end() const {
    if (!bytes_.empty())
      throw Error(Fault::input, std::string(where_), "bytes left over after the last field");
  }

 private:
  std::span<const std::byte> next(std::size_t size) {
    if (size > bytes_.size()) throw Error(Fault::input, std::string(where_), "bytes end inside a field");
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::size_t next_count(std::size_t item_size) {
    std::uint64_t count = 0;
    get(count);
    if (count > bytes_.size() / item_size)
      throw Error(Fault::input, std::string(where_), "a count is too large");
    return count;
  }
  std::uint8_t next_byte(std::uint8_t largest) {
    const auto byte = std::to_integer<std::uint8_t>(next(1)[0]);
    if (byte > largest) throw Error(Fault::input, std::string(where_), "a byte is no value of its field");
    return byte;
  }
  template <class Value>
  void get(Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      value = static_cast<Value>(next_byte(static_cast<std::uint8_t>(last_of(Value{}))));
    } else if constexpr (std::is_same_v<Value, bool>) {
      value = next_byte(1) == 1;
    } else if constexpr (std::is_arithmetic_v<Value>) {
      std::memcpy(&value, next(sizeof value).data(), sizeof value);
    } else {
      Value::fields(*this, value);
    }
  }
  void get(std::string& text) {
    const auto taken = next(next_count(1));
    text.assign(reinterpret_cast<const char*>(taken.data()), taken.size());
  }
  template <class Item>
  void get(std::vector<Item>& items) {
    if constexpr (std::is_arithmetic_v<Item>) {
      items.resize(next_count(sizeof(Item)));
      const auto taken = next(items.size() * sizeof(Item));
      if (!items.empty()) std::memcpy(items.data(), taken.data(), taken.size());
    } else {
      // Item by item: a false count must not take memory before the bytes are seen to end.
      items.clear();
      for (std::size_t left = next_count(1); left > 0; --left) get(items.emplace_back());
    }
  }
  template <class... Alternatives>
  void get(std::variant<Alternatives...>& value) {
    const std::uint8_t index = next_byte(sizeof...(Alternatives) - 1);
    std::uint8_t candidate = 0;
    ((index == candidate++ ? get(value.template emplace<Alternatives>()) : void()), ...);
  }
  std::span<const std::byte> bytes_;
  std::string_view where_;
  int version_;
};

template <class Value>
std::vector<std::byte> to_bytes(const Value& value) {
  ByteWriter writer;
  writer(value);
  return writer.take();
}

/// @param version  that the bytes were written by; the present one where nothing else is said
/// @throws Error(input) unless the bytes are exactly one Value
template <class Value>
Value from_bytes(std::span<const std::byte> bytes, std::string_view where,
                 int version = std::numeric_limits<int>::max()) {
  Value value{};
  ByteReader reader(bytes, where, version);
  reader(value);
  reader.expect_end();
  return value;
}

}  // namespace alphahill
