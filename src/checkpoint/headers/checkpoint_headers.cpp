#include "checkpoint/headers/checkpoint_headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "alphahill/checkpoint/hub_cache.hpp"
#include "checkpoint/headers/lfs_pointer.hpp"
#include "checkpoint/headers/shard_contents.hpp"
#include "checkpoint/headers/unnamed_shards.hpp"
#include "checkpoint/headers/weight_files.hpp"

namespace alphahill {

namespace {

/// Adds a small file whole, of a larger one blocks at equal distances, its first and last among them.
/// @param blocks  2 or more
void add_samples(const File& file, std::int64_t blocks, Fingerprint& fingerprint) {
  constexpr std::int64_t block_bytes = 4096;
  constexpr std::int64_t small_bytes = 16 * block_bytes;
  const bool whole = file.size() <= small_bytes;
  std::string block(static_cast<std::size_t>(whole ? file.size() : block_bytes), '\0');
  const std::int64_t last = file.size() - std::ssize(block);
  for (std::int64_t i = 0; i < (whole ? 1 : blocks); ++i) {
    file.read_at(std::as_writable_bytes(std::span(block)), i == blocks - 1 ? last : last / (blocks - 1) * i);
    fingerprint.add(block);
  }
}

void read_quant_states(const File& file, const SafetensorsHeader& header, CheckpointHeaders& headers) {
  constexpr std::int64_t most_bytes = 4096;
  for (const TensorEntry& tensor : header.tensors()) {
    const bool is_state = tensor.name.find(".quant_state.bitsandbytes__") != std::string::npos;
    if (!is_state || tensor.bytes > most_bytes) continue;
    std::string& json = headers.quant_states[tensor.name];
    json.resize(static_cast<std::size_t>(tensor.bytes));
    file.read_at(std::as_writable_bytes(std::span(json)), tensor.offset);
  }
}

/// Opens the file, adds it to `headers`, and returns its tensors.
/// @param files  of the checkpoint: the more there are, the fewer blocks of each are sampled
SafetensorsHeader add_file(const std::filesystem::path& folder, const std::string& name, std::int64_t files,
                           CheckpointHeaders& headers) {
  constexpr std::int64_t samples = 256;
  const File file = File::open_for_reading(folder / name);
  const SourceFile& source =
      headers.files.emplace_back(SourceFile{name, file.size(), file.modification_time_ns()});
  std::string json = read_header_json(file);
  headers.fingerprint.add(name);
  headers.fingerprint.add(std::to_string(source.size));
  headers.fingerprint.add(json);
  add_samples(file, std::clamp<std::int64_t>(samples / files, 2, 16), headers.fingerprint);
  SafetensorsHeader header = SafetensorsHeader::parse(std::move(json), source.size, file.path().string());
  read_quant_states(file, header, headers);
  return header;
}

CheckpointHeaders read_whole(const WeightFile& whole) {
  CheckpointHeaders headers;
  const SafetensorsHeader header = add_file(whole.folder, whole.name, 1, headers);
  for (const TensorEntry& tensor : header.tensors()) headers.tensors.push_back({tensor, 0, {}});
  return headers;
}

void check_shards_are_there(const WeightFile& index_file, const ShardIndex& index) {
  std::vector<std::string> missing;
  for (const auto& [name, tensors] : index.tensors_of()) {
    if (!is_there(index_file.folder / name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  throw Error(Fault::input, (index_file.folder / index_file.name).string(),
              fmt::format("{} of the {} files that it names are missing, the first is '{}': was the download "
                          "interrupted?{}",
                          missing.size(), index.tensors_of().size(), missing.front(),
                          how_to_complete(index_file.folder)));
}

CheckpointHeaders read_shards(const WeightFile& index_file) {
  const auto path = index_file.folder / index_file.name;
  const ShardIndex index = ShardIndex::parse(read_no_pointer(path, ShardIndex::most_bytes), path.string());
  check_shards_are_there(index_file, index);
  CheckpointHeaders headers;
  std::vector<std::string> names;
  for (const auto& [name, tensors] : index.tensors_of()) names.push_back(name);
  for (std::string& name : unnamed_shards(index, index_file.folder, path.string())) {
    names.push_back(std::move(name));
  }
  for (const std::string& name : names) {
    const SafetensorsHeader header = add_file(index_file.folder, name, std::ssize(names), headers);
    for (const TensorEntry& tensor : header.tensors()) {
      headers.tensors.push_back({tensor, std::ssize(headers.files) - 1, {}});
    }
  }
  keep_each_tensor_once(index, headers, path.string());
  return headers;
}

/// compressed-tensors' weights in words have no width of their own.
bool describes_another(const StoredTensor& tensor) {
  constexpr std::int64_t most_bytes = 16;
  return tensor.name.ends_with(".weight_shape") && tensor.bytes <= most_bytes;
}

void read_descriptions(const std::filesystem::path& folder, CheckpointHeaders& headers) {
  std::map<std::int64_t, std::vector<StoredTensor*>> of_file;
  for (StoredTensor& tensor : headers.tensors) {
    if (describes_another(tensor)) of_file[tensor.file].push_back(&tensor);
  }
  for (const auto& [number, tensors] : of_file) {
    const File file = File::open_for_reading(folder / headers.files[static_cast<std::size_t>(number)].name);
    for (StoredTensor* tensor : tensors) {
      tensor->contents.resize(static_cast<std::size_t>(tensor->bytes));
      file.read_at(std::as_writable_bytes(std::span(tensor->contents)), tensor->offset);
    }
  }
}

}  // namespace

const StoredTensor* CheckpointHeaders::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(tensors, name, {}, &StoredTensor::name);
  return found != tensors.end() && found->name == name ? &*found : nullptr;
}

bool CheckpointHeaders::has_prefix(std::string_view prefix) const {
  const auto found = std::ranges::lower_bound(tensors, prefix, {}, &StoredTensor::name);
  return found != tensors.end() && found->name.starts_with(prefix);
}

CheckpointHeaders read_checkpoint_headers(const std::filesystem::path& checkpoint) {
  const WeightFile file = find_weight_file(checkpoint);
  CheckpointHeaders headers = file.is_index ? read_shards(file) : read_whole(file);
  read_descriptions(file.folder, headers);
  return headers;
}

}  // namespace alphahill
