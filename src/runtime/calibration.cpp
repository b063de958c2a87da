#include "alphahill/runtime/calibration.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/stopwatch.hpp"

namespace alphahill {

namespace {

/// What is larger takes too long to measure.
constexpr std::int64_t last_probed_order = 1536;
constexpr std::int64_t last_gram_order = 1024;
/// A matrix is measured as often as this allows, and counts with its shortest time.
constexpr double seconds_a_matrix = 0.02;
/// Longer side of the taller matrices, in orders.
constexpr std::int64_t taller = 3;

/// bf16 weights about 0.01: codes 0x3C00 ... 0x3C7E.
void fill(std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(i % 2 == 0 ? i * i % 127 : 0x3C);
  }
}

/// Seconds of a decomposition, in the parts that a team shares and that its leader finishes.
struct Parts {
  double shared;
  double finish;

  double sum() const { return shared + finish; }
};

double seconds_of(const std::function<void()>& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

Parts parts_once(Backend& backend, const WeightSource& matrix) {
  SingleRank alone;
  std::unique_ptr<Reduction> reduction;
  const double shared = seconds_of([&] {
    reduction = backend.reduce(matrix, {ElementFormat::fp32, ElementFormat::fp32}, nullptr, alone);
    if (!reduction) throw Error(Fault::internal, "calibration", "weights are said to be NaN or Inf");
  });
  return {shared, seconds_of([&] { reduction->finish(); })};
}

Parts measured_parts(Backend& backend, std::int64_t longer_side, std::int64_t order) {
  const PlainWeights matrix(plain_shape(longer_side, order, ElementFormat::bf16),
                            [](const Block&, std::span<std::byte> bytes) { fill(bytes); });
  Parts least = parts_once(backend, matrix);
  for (double spent = least.sum(); spent < seconds_a_matrix;) {
    const Parts again = parts_once(backend, matrix);
    least = {std::min(least.shared, again.shared), std::min(least.finish, again.finish)};
    spent += again.sum();
  }
  return least;
}

double measured_casts(Backend& backend) {
  constexpr std::int64_t longer_side = 1 << 16;
  constexpr std::int64_t order = 8;
  return longer_side * order / measured_parts(backend, longer_side, order).shared;
}

double gram_seconds(Backend& backend, std::int64_t order, double square, double casts) {
  const double tall = measured_parts(backend, taller * order, order).shared;
  return (tall - square) / (taller - 1) - casts;
}

/// @param known  rates at smaller orders; from `last_gram_order` on the Gram rate stays
RatesAtOrder measured_at(Backend& backend, std::int64_t order, double cast_weights,
                         const std::vector<RatesAtOrder>& known) {
  const auto n = static_cast<double>(order);
  const Parts square = measured_parts(backend, order, order);
  const double casts = n * n / cast_weights;
  const double measured = order > last_gram_order ? n * n * n / known.back().gram
                                                  : gram_seconds(backend, order, square.shared, casts);
  // On a busy core a difference may be anything: no part is less than a tenth of the whole.
  const double gram = std::max(measured, square.shared / 10);
  const double reduction = std::max(square.shared - gram - casts, square.shared / 10);
  return {order, n * n * n / gram, 4.0 / 3 * n * n * n / reduction, n * n / square.finish};
}

/// Rates at an order that is not measured: as much above those at a smaller one as they usually are.
RatesAtOrder in_proportion(const RatesAtOrder& usual, const RatesAtOrder& usual_below,
                           const RatesAtOrder& below) {
  const auto scaled = [&](double RatesAtOrder::*rate) {
    return below.*rate * (usual.*rate / usual_below.*rate);
  };
  return {usual.order, scaled(&RatesAtOrder::gram), scaled(&RatesAtOrder::reduction),
          scaled(&RatesAtOrder::finish)};
}

Rates rates_with(Backend& backend, std::int64_t largest_order) {
  Rates rates = usual_rates();
  rates.cast_weights = measured_casts(backend);
  const std::vector<RatesAtOrder> usual = std::exchange(rates.orders, {});
  auto& known = rates.orders;
  for (auto at = usual.begin(); at != usual.end(); ++at) {
    known.push_back(at->order <= last_probed_order
                        ? measured_at(backend, at->order, rates.cast_weights, known)
                        : in_proportion(*at, *(at - 1), known.back()));
    if (at->order >= largest_order) break;
  }
  return rates;
}

}  // namespace

Rates measured_rates(std::int64_t largest_order, const BackendMaker& make_backend) {
  Rates rates = usual_rates();
  best_effort(
      [&] {
        Rates measured = rates_with(*make_backend(), largest_order);
        require_positive(measured);
        rates = std::move(measured);
      },
      "the rates of this core are not measured: those of an AVX-512 core are assumed, and times may be "
      "predicted wrongly");
  return rates;
}

double probe_seconds() {
  constexpr std::int64_t order = 512;
  return measured_parts(*make_cpu_backend(), order, order).sum();
}

}  // namespace alphahill
