#include "alphahill/schedule/cost_model.hpp"

#include <algorithm>
#include <cmath>

#include "alphahill/base/checked.hpp"

namespace alphahill {

namespace {

/// Width of the panels of a reduction, and flops a second when they are factored.
constexpr double panel_cols = 64;
constexpr double panel_flops = 8e9;
/// Seconds to open a layer's file and to put its figures together.
constexpr double seconds_around_a_layer = 30e-6;
/// Seconds of layers that weigh as much as the rates, in the correction of kinds of layers not yet seen.
constexpr double seconds_to_trust = 5;

/// The rate at an order, linear in its logarithm between those that are known.
double rate_at(const std::vector<RatesAtOrder>& known, double order, double RatesAtOrder::*rate) {
  const auto above = std::ranges::find_if(
      known, [&](const RatesAtOrder& at) { return static_cast<double>(at.order) >= order; });
  if (above == known.begin()) return known.front().*rate;
  if (above == known.end()) return known.back().*rate;
  const RatesAtOrder& below = *(above - 1);
  const double low = std::log(static_cast<double>(below.order));
  const double part = (std::log(order) - low) / (std::log(static_cast<double>(above->order)) - low);
  return std::lerp(below.*rate, (*above).*rate, part);
}

}  // namespace

void require_positive(const Rates& rates) {
  require_positive(rates.read_bytes, "rate of reading");
  require_positive(rates.cast_weights, "rate of casts");
  require_positive(rates.network_bytes, "rate of the network");
  for (const RatesAtOrder& at : rates.orders) {
    require_positive(at.gram, "rate of Gram matrices");
    require_positive(at.reduction, "rate of reductions");
    require_positive(at.finish, "rate of bulge chase and eigenvalues");
  }
}

Rates usual_rates() {
  return {.read_bytes = 1e9,
          .cast_weights = 4e8,
          .orders = {{64, 4e10, 1.5e11, 5e7},
                     {256, 5e10, 4.5e11, 5.5e7},
                     {512, 5e10, 4.7e11, 3.5e7},
                     {1024, 5e10, 5.5e10, 8.5e7},
                     {1536, 5.3e10, 6e10, 8e7},
                     {4096, 6e10, 7.1e10, 9e7}},
          .network_bytes = 1e9};
}

namespace {

LayerSeconds seconds_by_rates(const Rates& rates, const LayerShape& shape, int team_size) {
  if (shape.order == 0) return {seconds_around_a_layer, seconds_around_a_layer};
  const auto m = static_cast<double>(shape.longer_side);
  const auto n = static_cast<double>(shape.order);
  const auto bytes = static_cast<double>(shape.stored_bytes);
  const double read = bytes / rates.read_bytes + m * n / rates.cast_weights;
  const double partners = static_cast<double>(shape.partner_bytes) / rates.read_bytes +
                          static_cast<double>(shape.partner_weights) / rates.cast_weights;
  const double survey = partners + static_cast<double>(shape.scaled_casts) * m * n / rates.cast_weights +
                        (shape.survey_alone ? read : 0);
  double together = read + m * n * n / rate_at(rates.orders, n, &RatesAtOrder::gram) +
                    4.0 / 3 * n * n * n / rate_at(rates.orders, n, &RatesAtOrder::reduction);
  if (team_size > 1) {
    // Every member gets all weights in fp32; the reduction's reflectors go to all, its products to and fro,
    // in fp64. Its panels are factored one after another.
    together = together / team_size + (4 * m * n + 12 * n * n) / rates.network_bytes +
               n * n * panel_cols / panel_flops;
  }
  const double alone = n * n / rate_at(rates.orders, n, &RatesAtOrder::finish);
  const auto times = static_cast<double>(shape.decompositions);
  return {times * (together + alone) + survey / team_size + seconds_around_a_layer,
          times * together + survey / team_size + std::max(times - 1, 0.0) * alone};
}

}  // namespace

CostModel::CostModel(Rates rates) : rates_(std::move(rates)) {
  require_positive(rates_);
}

LayerSeconds CostModel::by_rates(const Kind& kind) const {
  const auto known = by_rates_.find(kind);
  if (known != by_rates_.end()) return known->second;
  return by_rates_[kind] = seconds_by_rates(rates_, kind.first, kind.second);
}

double CostModel::correction(const Kind& kind) const {
  const auto seen = seen_.find(kind);
  return seen == seen_.end() ? slowdown() : seen->second.measured / seen->second.expected;
}

double CostModel::slowdown() const {
  return (seconds_to_trust + all_seen_.measured) / (seconds_to_trust + all_seen_.expected);
}

LayerSeconds CostModel::seconds(const LayerShape& shape, int team_size) const {
  const double factor = correction({shape, team_size});
  const LayerSeconds seconds = by_rates({shape, team_size});
  return {factor * seconds.leader, factor * seconds.member};
}

double CostModel::work(const LayerShape& shape, int team_size) const {
  const LayerSeconds parts = seconds(shape, team_size);
  return parts.leader + (team_size - 1) * parts.member;
}

void CostModel::learn(const LayerShape& shape, int team_size, double seconds) {
  if (!is_positive(seconds)) return;
  const double expected = by_rates({shape, team_size}).leader;
  for (Seen* seen : {&seen_[{shape, team_size}], &all_seen_}) {
    seen->expected += expected;
    seen->measured += seconds;
  }
}

}  // namespace alphahill
