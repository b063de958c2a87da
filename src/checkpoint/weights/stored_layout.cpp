#include "alphahill/checkpoint/stored_layout.hpp"

#include "alphahill/checkpoint/catalog.hpp"
#include "checkpoint/weights/unread_formats.hpp"

namespace alphahill {

namespace {

template <class... Layouts>
std::vector<Layer> found_by_first(std::variant<Layouts...>, const StoredTensor& tensor,
                                  const CheckpointHeaders& headers, const ModelConfig& config) {
  std::vector<Layer> layers;
  static_cast<void>(((layers = Layouts::find(tensor, headers, config), !layers.empty()) || ...));
  return layers;
}

}  // namespace

std::vector<Layer> layers_of(const StoredTensor& tensor, const CheckpointHeaders& headers,
                             const ModelConfig& config) {
  if (auto unread = layers_of_unread_format(tensor, headers)) return *std::move(unread);
  return found_by_first(StoredLayout{}, tensor, headers, config);
}

}  // namespace alphahill
