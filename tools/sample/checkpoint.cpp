#include "sample/checkpoint.hpp"

#include <fmt/format.h>

#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <span>

#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/formats/cast.hpp"
#include "sample/known_matrix.hpp"

namespace alphahill::sample {

namespace {

namespace fs = std::filesystem;

std::int64_t bytes_of(const Tensor& tensor, ElementFormat dtype) {
  return tensor.rows * tensor.cols * alphahill::bytes_of(dtype);
}

/// The fp16 code of a value that is one.
std::uint16_t fp16_code(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const float magnitude = std::fabs(value);
  constexpr std::uint32_t exponent_shift = 112U << 10;
  const std::uint32_t code = magnitude < 0x1p-14F ? static_cast<std::uint32_t>(magnitude * 0x1p24F)
                                                  : ((bits & 0x7FFFFFFFU) >> 13) - exponent_shift;
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000U) | code);
}

template <class Value>
void append(std::vector<std::byte>& bytes, Value value) {
  const std::size_t end = bytes.size();
  bytes.resize(end + sizeof value);
  std::memcpy(bytes.data() + end, &value, sizeof value);
}

void append_encoded(std::vector<std::byte>& bytes, ElementFormat dtype, double value) {
  float rounded = 0;
  if (dtype == ElementFormat::fp64) return append(bytes, value);
  cast_loaded(dtype, std::span(&value, 1), std::span(&rounded, 1));
  if (dtype == ElementFormat::fp32) return append(bytes, rounded);
  if (dtype == ElementFormat::fp16) return append(bytes, fp16_code(rounded));
  append(bytes, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rounded) >> 16));
}

/// The tensor's bytes as they are stored, row-major.
std::vector<std::byte> encoded(const Tensor& tensor, const Options& options) {
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(bytes_of(tensor, options.dtype)));
  if (tensor.is_vector()) {
    for (std::int64_t i = 0; i < tensor.rows; ++i) append_encoded(bytes, options.dtype, 1);
    return bytes;
  }
  const KnownMatrix matrix(tensor, options.seed);
  for (std::int64_t row = 0; row < tensor.rows; ++row) {
    for (std::int64_t col = 0; col < tensor.cols; ++col)
      append_encoded(bytes, options.dtype, matrix.at(row, col));
  }
  return bytes;
}

/// The safetensors header of a file that holds these tensors one after another, with its length before it.
std::vector<std::byte> header(std::span<const Tensor> tensors, ElementFormat dtype) {
  const std::string stored_dtype =
      dtype == ElementFormat::bf16 ? "BF16" : fmt::format("F{}", 8 * alphahill::bytes_of(dtype));
  std::string json = R"({"__metadata__":{"format":"pt"})";
  std::int64_t begin = 0;
  for (const Tensor& tensor : tensors) {
    const std::int64_t end = begin + bytes_of(tensor, dtype);
    const std::string cols = tensor.is_vector() ? "" : fmt::format(",{}", tensor.cols);
    json += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}{}],"data_offsets":[{},{}]}})", tensor.name,
                        stored_dtype, tensor.rows, cols, begin, end);
    begin = end;
  }
  json += '}';
  std::vector<std::byte> bytes;
  append(bytes, std::uint64_t{json.size()});
  for (const char letter : json) append(bytes, letter);
  return bytes;
}

File empty_file(const fs::path& path) {
  File file = File::open_or_create(path);
  file.truncate(0);
  return file;
}

void write_text(const fs::path& path, const std::string& text) {
  empty_file(path).write_at(std::as_bytes(std::span(text)), 0);
}

void write_safetensors(const fs::path& path, std::span<const Tensor> tensors, const Options& options) {
  File file = empty_file(path);
  const auto head = header(tensors, options.dtype);
  file.write_at(head, 0);
  auto offset = static_cast<std::int64_t>(head.size());
  for (const Tensor& tensor : tensors) {
    file.write_at(encoded(tensor, options), offset);
    offset += bytes_of(tensor, options.dtype);
  }
}

/// Cuts the list into runs of about equal size.
std::vector<std::vector<Tensor>> cut(const std::vector<Tensor>& tensors, std::int64_t parts,
                                     ElementFormat dtype) {
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) total += bytes_of(tensor, dtype);
  std::vector<std::vector<Tensor>> cut_up(static_cast<std::size_t>(parts));
  std::int64_t before = 0;
  for (const Tensor& tensor : tensors) {
    cut_up[static_cast<std::size_t>(before * parts / total)].push_back(tensor);
    before += bytes_of(tensor, dtype);
  }
  return cut_up;
}

}  // namespace

void write_checkpoint(const Options& options, const fs::path& folder) {
  create_folders(folder);
  write_text(folder / "config.json", config_of(options));
  const auto tensors = tensors_of(options);
  if (options.shards == 1) return write_safetensors(folder / "model.safetensors", tensors, options);

  fs::remove(folder / "model.safetensors");  // from an earlier sample; it would be read instead of the shards
  std::vector<std::string> weight_map;
  std::int64_t number = 0;
  for (const auto& shard : cut(tensors, options.shards, options.dtype)) {
    const std::string file = fmt::format("model-{:05}-of-{:05}.safetensors", ++number, options.shards);
    write_safetensors(folder / file, shard, options);
    for (const Tensor& tensor : shard) weight_map.push_back(fmt::format(R"("{}":"{}")", tensor.name, file));
  }
  write_text(folder / "model.safetensors.index.json",
             fmt::format(R"({{"metadata":{{}},"weight_map":{{{}}}}})", joined(weight_map, ",")));
}

}  // namespace alphahill::sample
