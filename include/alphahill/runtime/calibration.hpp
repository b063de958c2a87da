/// The rates of this core, measured.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "alphahill/schedule/cost_model.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

using BackendMaker = std::function<std::unique_ptr<Backend>()>;

/// Of this core, by matrices of orders up to `largest_order`, the largest 1536: about half a second. At
/// larger orders, in proportion to the usual rates. Reading and network are the usual ones: running layers
/// tell better. Where the backend fails, or a rate is not a positive number, all rates are the usual ones,
/// and a warning says so.
Rates measured_rates(std::int64_t largest_order, const BackendMaker& make_backend = make_cpu_backend);

/// Seconds that this core takes for a small matrix, measured in about 20 ms; to be compared between ranks.
/// Throws what the backend throws.
double probe_seconds();

}  // namespace alphahill
