/// The device that a rank computes on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "alphahill/cluster/mpi_session.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

struct DeviceChoice {
  bool cuda = false;
  std::optional<int> number;  ///< nothing: the ranks of a node take its GPUs in turn
};

/// "cpu", "cuda" or "cuda:N".
/// @throws Error(usage) for anything else
DeviceChoice parse_device(const std::string& text);

/// What makes a backend for the thread that calls it.
using MakeBackend = std::function<std::unique_ptr<Backend>()>;

/// Finds this rank's device. Collective.
/// @throws Error  on every rank where one of them finds none
MakeBackend open_device(const DeviceChoice& choice, MpiSession& mpi);

}  // namespace alphahill
