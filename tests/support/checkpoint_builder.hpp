/// Writes safetensors checkpoints for tests: values as given, or zeros that take no space on disk.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

/// A safetensors file of this JSON and these values, without a check of either.
inline std::string safetensors_bytes(std::string_view json, std::string_view values = "") {
  const std::uint64_t size = json.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes.append(json).append(values);
}

class CheckpointBuilder {
 public:
  /// A tensor of zeros.
  CheckpointBuilder& add(std::string name, std::string dtype, std::vector<std::int64_t> shape) {
    tensors_.push_back({std::move(name), std::move(dtype), std::move(shape), {}});
    return *this;
  }
  /// A tensor of these values, row-major.
  template <class Value>
  CheckpointBuilder& add(std::string name, std::string dtype, std::vector<std::int64_t> shape,
                         const std::vector<Value>& values) {
    add(std::move(name), std::move(dtype), std::move(shape));
    const auto bytes = std::as_bytes(std::span(values));
    tensors_.back().values.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return *this;
  }

  /// Writes folder/model.safetensors.
  void write(const std::filesystem::path& folder) const {
    write_file(folder / "model.safetensors", std::span(tensors_));
  }

  /// Writes the tensors in `count` files one after another, and their index.
  void write_shards(const std::filesystem::path& folder, std::size_t count) const {
    std::vector<std::string> entries;
    for (std::size_t shard = 0; shard < count; ++shard) {
      const std::size_t begin = tensors_.size() * shard / count, end = tensors_.size() * (shard + 1) / count;
      const auto file = fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, count);
      const auto tensors = std::span(tensors_).subspan(begin, end - begin);
      write_file(folder / file, tensors);
      for (const Tensor& tensor : tensors)
        entries.push_back(fmt::format("{}: \"{}\"", quoted(tensor.name), file));
    }
    std::ofstream(folder / "model.safetensors.index.json")
        << fmt::format("{{\"metadata\": {{}}, \"weight_map\": {{{}}}}}", fmt::join(entries, ", "));
  }

 private:
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::string values;

    std::int64_t bytes() const {
      static const std::map<std::string, std::int64_t> size_of{
          {"F64", 8}, {"I64", 8}, {"F32", 4}, {"I32", 4},     {"U32", 4},     {"F16", 2},    {"BF16", 2},
          {"I16", 2}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}};
      std::int64_t product = size_of.at(dtype);
      for (const std::int64_t count : shape) product *= count;
      if (!values.empty() && std::ssize(values) != product) throw std::logic_error("wrong size of " + name);
      return product;
    }
  };

  static std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char letter : text) {
      const bool plain = static_cast<unsigned char>(letter) >= 0x20 && letter != '"' && letter != '\\';
      json += plain ? std::string(1, letter) : fmt::format("\\u{:04x}", static_cast<unsigned char>(letter));
    }
    return json + '"';
  }

  static void write_file(const std::filesystem::path& path, std::span<const Tensor> tensors) {
    std::vector<std::string> entries;
    std::int64_t offset = 0;
    for (const Tensor& tensor : tensors) {
      const std::int64_t end = offset + tensor.bytes();
      entries.push_back(fmt::format(R"({}: {{"dtype": "{}", "shape": [{}], "data_offsets": [{}, {}]}})",
                                    quoted(tensor.name), tensor.dtype, fmt::join(tensor.shape, ", "), offset,
                                    end));
      offset = end;
    }
    const std::string header = safetensors_bytes(fmt::format("{{{}}}", fmt::join(entries, ", ")));
    std::ofstream(path, std::ios::binary) << header;
    std::filesystem::resize_file(path, header.size() + static_cast<std::uintmax_t>(offset));
    write_values(path, tensors, std::ssize(header));
  }

  static void write_values(const std::filesystem::path& path, std::span<const Tensor> tensors,
                           std::int64_t offset) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    for (const Tensor& tensor : tensors) {
      file.seekp(offset);
      file << tensor.values;
      offset += tensor.bytes();
    }
  }

  std::vector<Tensor> tensors_;
};

}  // namespace alphahill
