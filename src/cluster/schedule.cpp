#include "alphahill/cluster/schedule.hpp"

#include <algorithm>
#include <limits>

namespace alphahill {

namespace {

/// A layer that needs an SVD takes ten times as long as expected, a rank that shares its core several times
/// more.
constexpr double patience = 50;
constexpr double shortest_timeout_seconds = 600;
/// A layer is begun when this multiple of its expected time is left.
constexpr double spare_time = 1.5;
/// Layers that a rank gets at once: this part of its share of what is waiting, within these seconds. A
/// message and its journal entry take well below a hundredth of the shortest.
constexpr double batch_part = 0.25;
constexpr double shortest_batch_seconds = 0.02;
constexpr double longest_batch_seconds = 1;

constexpr double for_ever = std::numeric_limits<double>::infinity();

}  // namespace

Schedule::Schedule(const Plan& plan, CostModel cost, const BlockLayout& ranks, ScheduleLimits limits)
    : cost_(cost), planned_cost_(std::move(cost)), limits_(limits), ranks_(ranks) {
  for (const PlannedLayer& layer : plan.layers) {
    waiting_[layer.team_size].push_back(layer);
    ++waiting_kinds_[{layer.shape, layer.team_size}];
  }
  planned_work_ = work_waiting();
}

double Schedule::leader_seconds(const PlannedLayer& layer) const {
  return cost_.seconds(layer.shape, layer.team_size).leader;
}

double Schedule::seconds(const std::vector<PlannedLayer>& layers) const {
  double sum = 0;
  for (const PlannedLayer& layer : layers) sum += leader_seconds(layer);
  return sum;
}

double Schedule::work_waiting() const {
  double sum = 0;
  for (const auto& [kind, count] : waiting_kinds_) {
    sum += static_cast<double>(count) * cost_.work(kind.first, kind.second);
  }
  return sum;
}

std::int64_t Schedule::waiting() const {
  std::int64_t sum = 0;
  for (const auto& [size, layers] : waiting_) sum += std::ssize(layers);
  return sum;
}

std::vector<Handout> Schedule::hand_out(double now) {
  std::vector<Handout> handouts;
  while (auto handout = next(now)) {
    begin(*handout, now);
    handouts.push_back(std::move(*handout));
  }
  return handouts;
}

std::vector<int> Schedule::sizes_longest_first() const {
  std::vector<int> sizes;
  for (const auto& [size, layers] : waiting_) {
    if (!layers.empty()) sizes.push_back(size);
  }
  std::ranges::sort(sizes, std::greater{},
                    [&](int size) { return leader_seconds(waiting_.at(size).front()); });
  return sizes;
}

std::optional<Handout> Schedule::next(double now) {
  if (ranks_.free().empty()) return std::nullopt;
  drop_useless_reservation(now);
  for (const int size : sizes_longest_first()) {
    auto handout = size > 1 ? next_for_a_team(size, now) : next_for_a_rank(now);
    if (handout) return handout;
  }
  return std::nullopt;
}

/// Of a layer that can still end before the job does.
double Schedule::seconds_for_a_layer(double now) const {
  return (limits_.end_of_job.value_or(for_ever) - now) / spare_time;
}

Schedule::Layers::iterator Schedule::longest_within(Layers& layers, double seconds) const {
  return std::ranges::partition_point(
      layers, [&](const PlannedLayer& layer) { return leader_seconds(layer) > seconds; });
}

void Schedule::drop_useless_reservation(double now) {
  if (!reservation_) return;
  Layers& layers = waiting_.at(reservation_->ranks.size);
  if (longest_within(layers, seconds_for_a_layer(now)) == layers.end()) reservation_.reset();
}

std::optional<Handout> Schedule::next_for_a_team(int size, double now) {
  Layers& layers = waiting_.at(size);
  const auto layer = longest_within(layers, seconds_for_a_layer(now));
  if (layer == layers.end()) return std::nullopt;
  if (reservation_ && reservation_->ranks.size == size) {
    const RankBlock ranks = reservation_->ranks;
    if (!ranks_.is_free(ranks)) return std::nullopt;
    reservation_.reset();
    return Handout{ranks, {take(layer)}};
  }
  const auto reserved = reservation_ ? std::optional(reservation_->ranks) : std::nullopt;
  if (const auto block = ranks_.free_block(size, reserved)) return Handout{*block, {take(layer)}};
  if (!reservation_) reserve(size, now);
  return std::nullopt;
}

void Schedule::reserve(int size, double now) {
  Reservation best{{0, 0}, for_ever};
  for (int index = 0; index < ranks_.layout().blocks(size); ++index) {
    const RankBlock block = ranks_.layout().block(size, index);
    const double at = free_at(block, now);
    if (at < best.free_at) best = {block, at};
  }
  reservation_ = best;
}

double Schedule::free_at(RankBlock ranks, double now) const {
  double at = now;
  for (int rank = ranks.first; rank < ranks.end(); ++rank) {
    const auto task = task_of_rank_.find(rank);
    if (task == task_of_rank_.end()) continue;
    const UnderWay& under_way = under_way_.at(task->second);
    const PlannedLayer& first = under_way.handout.layers.front();
    const bool leads = rank == task->second;
    at = std::max(at, under_way.begun + (leads ? seconds(under_way.handout.layers)
                                               : cost_.seconds(first.shape, first.team_size).member));
  }
  return at;
}

std::optional<Handout> Schedule::next_for_a_rank(double now) {
  const double seconds = seconds_for_a_layer(now);
  const auto reserved = [&](int rank) { return reservation_ && reservation_->ranks.has(rank); };
  // Teams fill the ranks from below.
  const auto& free = ranks_.free();
  const auto rank = std::find_if_not(free.rbegin(), free.rend(), reserved);
  if (rank != free.rend()) return batch_for(*rank, seconds);
  return batch_for(*free.rbegin(), std::min(seconds, reservation_->free_at - now));
}

std::optional<Handout> Schedule::batch_for(int rank, double most_seconds) {
  Layers& layers = waiting_.at(1);
  const auto first = longest_within(layers, most_seconds);
  if (first == layers.end()) return std::nullopt;
  return Handout{{rank, 1}, take_batch(first, most_seconds)};
}

std::vector<PlannedLayer> Schedule::take_batch(Layers::iterator first, double most_seconds) {
  const double share = work_waiting() / ranks_.layout().ranks;
  double left =
      std::min(std::clamp(batch_part * share, shortest_batch_seconds, longest_batch_seconds), most_seconds);
  std::vector<PlannedLayer> batch;
  const auto begin = first - waiting_.at(1).begin();
  const auto next = [&] { return waiting_.at(1).begin() + begin; };
  do {
    left -= leader_seconds(*next());
    batch.push_back(take(next()));
  } while (!batch.back().alone && next() != waiting_.at(1).end() && !next()->alone &&
           leader_seconds(*next()) <= left);
  return batch;
}

PlannedLayer Schedule::take(Layers::iterator layer) {
  const PlannedLayer taken = *layer;
  --waiting_kinds_.at({taken.shape, taken.team_size});
  waiting_.at(taken.team_size).erase(layer);
  return taken;
}

double Schedule::deadline(const std::vector<PlannedLayer>& layers, double now) const {
  const double expected = seconds(layers);
  return now + limits_.layer_timeout.value_or(std::max(shortest_timeout_seconds, patience * expected)) +
         (layers.size() > 1 ? expected : 0);
}

void Schedule::begin(const Handout& handout, double now) {
  UnderWay under_way{handout, {}, now, deadline(handout.layers, now)};
  for (int rank = handout.ranks.first; rank < handout.ranks.end(); ++rank) {
    under_way.busy.insert(rank);
    task_of_rank_[rank] = handout.ranks.first;
  }
  ranks_.take(handout.ranks);
  under_way_.emplace(handout.ranks.first, std::move(under_way));
}

void Schedule::give_up(int rank) {
  const int first = task_of_rank_.at(rank);
  UnderWay& under_way = under_way_.at(first);
  under_way.busy.erase(rank);
  const auto release = [this](int free_rank) {
    task_of_rank_.erase(free_rank);
    ranks_.release(free_rank);
  };
  // The leader stays until the last member is done.
  if (rank != first) release(rank);
  if (!under_way.busy.empty()) return;
  release(first);
  under_way_.erase(first);
}

double Schedule::finish(int rank, std::span<const LayerDone> done, double now) {
  const int first = task_of_rank_.at(rank);
  UnderWay& under_way = under_way_.at(first);
  std::vector<PlannedLayer>& layers = under_way.handout.layers;
  const bool team = under_way.handout.ranks.size > 1;
  if (done.empty()) return 0;
  double work = 0;
  for (const LayerDone& layer : done) {
    const auto planned = std::ranges::find(layers, layer.number, &PlannedLayer::number);
    if (rank == first) {
      work += planned_cost_.work(planned->shape, planned->team_size);
      if (layer.seconds > 0) cost_.learn(planned->shape, planned->team_size, layer.seconds);
    }
    if (!team) layers.erase(planned);
  }
  if (team || layers.empty()) {
    give_up(rank);
  } else {
    under_way.begun = now;
    under_way.deadline = deadline(layers, now);
  }
  return work;
}

double Schedule::seconds_left(double now) const {
  double work = work_waiting();
  double longest = 0;
  for (const auto& [size, layers] : waiting_) {
    if (!layers.empty()) longest = std::max(longest, leader_seconds(layers.front()));
  }
  for (const auto& [first, under_way] : under_way_) {
    const double left = std::max(0.0, under_way.begun + seconds(under_way.handout.layers) - now);
    work += left;
    longest = std::max(longest, left);
  }
  return std::max(longest, work / ranks_.layout().ranks);
}

}  // namespace alphahill
