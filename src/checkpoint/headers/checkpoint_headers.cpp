#include "checkpoint/headers/checkpoint_headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "alphahill/checkpoint/hub_cache.hpp"
#include "checkpoint/headers/shard_index.hpp"

namespace alphahill {

namespace {

constexpr auto whole_name = "model.safetensors";
constexpr auto index_name = "model.safetensors.index.json";

bool is_there(const std::filesystem::path& path) {
  std::error_code code;
  const bool there = std::filesystem::exists(path, code);
  if (code) throw Error(Fault::system, path.string(), "cannot be looked up: " + code.message());
  return there;
}

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

CheckpointHeaders read_whole(const std::filesystem::path& folder) {
  CheckpointHeaders headers;
  const SafetensorsHeader header = add_file(folder, whole_name, 1, headers);
  for (const TensorEntry& tensor : header.tensors()) headers.tensors.push_back({tensor, 0, {}});
  return headers;
}

void check_shards_are_there(const std::filesystem::path& folder, const ShardIndex& index) {
  std::vector<std::string> missing;
  for (const auto& [name, tensors] : index.tensors_of()) {
    if (!is_there(folder / name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  throw Error(
      Fault::input, (folder / index_name).string(),
      fmt::format("{} of the {} files that it names are missing, the first is '{}': was the download "
                  "interrupted?{}",
                  missing.size(), index.tensors_of().size(), missing.front(), how_to_complete(folder)));
}

void add_shard(const std::filesystem::path& folder, const std::string& name,
               const std::vector<std::string>& tensors, std::int64_t files, CheckpointHeaders& headers) {
  const SafetensorsHeader header = add_file(folder, name, files, headers);
  for (const std::string& tensor : tensors) {
    const TensorEntry* entry = header.find(tensor);
    if (entry == nullptr) {
      throw Error(Fault::input, (folder / name).string(),
                  fmt::format("tensor '{}', which {} places here, is not in the file", tensor, index_name));
    }
    headers.tensors.push_back({*entry, std::ssize(headers.files) - 1, {}});
  }
}

CheckpointHeaders read_shards(const std::filesystem::path& folder) {
  const auto path = folder / index_name;
  const ShardIndex index = ShardIndex::parse(read_text(path, ShardIndex::most_bytes), path.string());
  check_shards_are_there(folder, index);
  CheckpointHeaders headers;
  const std::int64_t files = std::ssize(index.tensors_of());
  for (const auto& [name, tensors] : index.tensors_of()) add_shard(folder, name, tensors, files, headers);
  std::ranges::sort(headers.tensors, {}, &StoredTensor::name);
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

/// A remark where the folder holds weights in a format that is not read.
std::string other_weights(const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 4> endings{".bin", ".pt", ".pth", ".gguf"};
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (std::ranges::find(endings, entry.path().extension()) == endings.end()) continue;
    return fmt::format(" ({} is there, but only safetensors is read)", entry.path().filename().string());
  }
  return "";
}

[[noreturn]] void throw_no_checkpoint(const std::filesystem::path& folder) {
  if (is_there(folder / "adapter_config.json")) {
    throw Error(Fault::input, folder.string(),
                "a LoRA adapter, not a model: merge it into its base model first");
  }
  const std::string others = other_weights(folder);
  throw Error(Fault::input, folder.string(),
              fmt::format("expected {} or {}, found neither{}", whole_name, index_name,
                          others.empty() ? how_to_complete(folder) : others));
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

CheckpointHeaders read_checkpoint_headers(const std::filesystem::path& folder) {
  const bool whole = is_there(folder / whole_name);
  if (!whole && !is_there(folder / index_name)) throw_no_checkpoint(folder);
  CheckpointHeaders headers = whole ? read_whole(folder) : read_shards(folder);
  read_descriptions(folder, headers);
  return headers;
}

}  // namespace alphahill
