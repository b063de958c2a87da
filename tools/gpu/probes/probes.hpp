/// The probes of alpha-hill-gpu-probe: each measures what a decision in the GPU backend hangs on, and prints its
/// findings. Where the device has too little memory for an order, it ends with what is said of that.
#pragma once

#include <cstdint>

namespace alphahill::probes {

struct Probe {
  const char* name;
  const char* decides;  ///< what in alpha-hill hangs on it
  /// @param largest  order that is probed
  /// @throws DeviceError
  void (*run)(std::int64_t largest);
};

void probe_symmetric_product(std::int64_t largest);
void probe_rank_2k(std::int64_t largest);
void probe_gram(std::int64_t largest);
void probe_solver_workspace(std::int64_t largest);
void probe_solver_rate(std::int64_t largest);
void probe_batched_solver(std::int64_t largest);
void probe_pinned_memory(std::int64_t largest);
void probe_matrix_copy(std::int64_t largest);
void probe_pool_reuse(std::int64_t largest);

}  // namespace alphahill::probes
