/// The device that a rank computes on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "alphahill/checkpoint/catalog.hpp"
#include "alphahill/runtime/mpi_session.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

struct DeviceChoice {
  bool cuda = false;
  std::optional<int> number;  ///< nothing: the ranks of a node take its GPUs in turn
};

/// "cpu", "cuda" or "cuda:N".
/// @throws Error(usage) for anything else
DeviceChoice parse_device(const std::string& text);

/// What a rank computes on.
struct Device {
  std::function<std::unique_ptr<Backend>()> make_backend;  ///< each for one thread
  int most_layers;                                         ///< that it computes side by side at most
  std::size_t most_at_once;                                ///< layers that each backend has begun at most
  std::int64_t memory;                                     ///< bytes that each rank may use on its host
};

/// Finds this rank's device. Collective.
/// @param memory_per_rank  bytes; nothing: what the node has, shared by its ranks
/// @throws Error  on every rank where one of them finds none
Device open_device(const DeviceChoice& choice, std::optional<std::int64_t> memory_per_rank,
                   const NodeShare& node, MpiSession& mpi);

/// Layers to compute side by side: as many as the memory of the host is enough for, should all of them have
/// to be left to the CPU.
std::int64_t layers_in_flight(const Device& device, const Catalog& catalog);

}  // namespace alphahill
