#include "alphahill/checkpoint/tensor_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "alphahill/base/text.hpp"
#include "checkpoint/catalog/aligned_rows.hpp"
#include "checkpoint/catalog/linear_layers.hpp"
#include "checkpoint/headers/weight_files.hpp"

namespace alphahill {

std::string tensor_table(const std::filesystem::path& checkpoint) {
  const CheckpointHeaders headers = read_checkpoint_headers(checkpoint);
  const FoundLayers found = find_linear_layers(headers, read_config(folder_of(checkpoint)).config);
  std::vector<std::array<std::string, 4>> rows{{"tensor", "shape", "dtype", "taken for"}};
  for (std::size_t i = 0; i < headers.tensors.size(); ++i) {
    const StoredTensor& tensor = headers.tensors[i];
    rows.push_back({printable(tensor.name), fmt::format("[{}]", fmt::join(tensor.shape, ", ")),
                    std::string(tensor.dtype), std::string(name_of(found.roles[i]))});
  }
  return aligned(rows, {});
}

}  // namespace alphahill
