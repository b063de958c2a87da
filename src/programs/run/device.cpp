#include "programs/run/device.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "alphahill/spectrum/cuda.hpp"
#include "programs/run/agreement.hpp"

namespace alphahill {

namespace {

constexpr int most_in_flight = 8;
/// Small ones, that is: more than one of a second's work. A crash may cost them all.
constexpr std::size_t most_at_once = 32;

/// What the ranks find on their GPUs. Collective.
template <class Find>
auto found_on_devices(MpiSession& mpi, const Find& find) {
  return found_by_all("--device cuda", "cannot use its GPU", mpi, find);
}

CudaDevice device_of_rank(std::optional<int> number, int place_on_node) {
  const int devices = cuda_devices();
  return find_cuda_device(number.value_or(place_on_node % devices));
}

/// Collective.
std::int64_t memory_of_rank(std::optional<std::int64_t> asked, const NodeShare& node, MpiSession& mpi) {
  const NodeMemory of_node = memory_of_node();
  mpi.warn_once(of_node.warning);
  // OpenBLAS retries a failed allocation of a buffer without end: what the address space has left counts too.
  const std::int64_t share = std::min(of_node.bytes / node.ranks, address_space_left());
  if (asked > share) {
    spdlog::warn("--memory-per-rank: {} is more than a rank's share of its node, {}",
                 human_bytes(static_cast<double>(*asked)), human_bytes(static_cast<double>(share)));
  }
  return asked.value_or(share);
}

/// The same for the same device.
int key_of(const CudaDevice& device) {
  constexpr std::size_t largest = std::numeric_limits<int>::max();
  return static_cast<int>(std::hash<std::string>()(device.uuid) % largest);
}

}  // namespace

DeviceChoice parse_device(const std::string& text) {
  if (text == "cpu") return {};
  if (text == "cuda") return {.cuda = true, .number = {}};
  const std::string number = text.starts_with("cuda:") ? text.substr(5) : "";
  int parsed = -1;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), parsed);
  if (code == std::errc() && end == number.data() + number.size() && parsed >= 0) {
    return {.cuda = true, .number = parsed};
  }
  throw Error(Fault::usage, "--device", "expected cpu, cuda or cuda:N, found '" + text + "'");
}

Device open_device(const DeviceChoice& choice, std::optional<std::int64_t> memory_per_rank,
                   const NodeShare& node, MpiSession& mpi) {
  const std::int64_t memory = mpi.least(memory_of_rank(memory_per_rank, node, mpi));
  if (!choice.cuda) return {make_cpu_backend, 1, 1, memory};
  const auto on_node = mpi.place_on_node();
  const CudaDevice device =
      found_on_devices(mpi, [&] { return device_of_rank(choice.number, on_node.number); });
  const auto on_device = mpi.place_on_node(key_of(device));
  if (on_device.of > 1 && on_device.number == 0) {
    spdlog::warn("{} is shared by {} ranks", device.name, on_device.of);
  }
  auto backends = found_on_devices(mpi, [&] { return cuda_backends(device, on_device.of); });
  // One layer is on the device while the cores finish those before it.
  const int most_layers = std::clamp(node.cores / node.ranks, 1, most_in_flight);
  spdlog::info("rank {} of {} on its node computes up to {} side by side on {} in native fp64",
               on_node.number, on_node.of, counted(most_layers, "layer"), device.name);
  return {std::move(backends), most_layers, most_at_once, memory};
}

std::int64_t layers_in_flight(const Device& device, const Catalog& catalog) {
  std::int64_t largest = 1;
  for (const Layer& layer : catalog.layers) {
    if (layer.unsupported() != nullptr) continue;
    largest = std::max(largest, peak_bytes(layer.shape()));
  }
  const std::int64_t fit = (device.memory - program_bytes) / largest;
  return std::clamp<std::int64_t>(fit, 1, device.most_layers);
}

}  // namespace alphahill
