#include "alphahill/schedule/schedule.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace alphahill {

namespace {

/// A layer that needs an SVD takes ten times as long as expected, a rank that shares its core several times
/// more.
constexpr double timeout_factor = 50;
constexpr double shortest_timeout_seconds = 600;
/// A layer is begun when this multiple of its expected time is left.
constexpr double spare_time = 1.5;
/// Layers that a rank gets at once: this part of its share of what is waiting, within these seconds. A
/// message and its journal entry take well below a hundredth of the shortest.
constexpr double batch_part = 0.25;
constexpr double shortest_batch_seconds = 0.02;
constexpr double longest_batch_seconds = 1;
constexpr double unlimited = std::numeric_limits<double>::infinity();

}  // namespace

Schedule::Schedule(const Plan& plan, CostModel cost, const BlockLayout& ranks, ScheduleLimits limits)
    : cost_(cost),
      planned_cost_(std::move(cost)),
      limits_(limits),
      planned_end_(plan.end_seconds),
      ranks_(ranks, plan.speeds),
      waiting_(plan, cost_, ranks),
      planned_work_(waiting_.work(cost_)),
      free_at_(static_cast<std::size_t>(ranks.ranks)) {}

double Schedule::leader_seconds(const LayerShape& shape, int team_size) const {
  return cost_.seconds(shape, team_size).leader;
}

double Schedule::seconds(const Dispatch& dispatch) const {
  double sum = 0;
  for (const PlannedLayer& layer : dispatch.layers) sum += leader_seconds(layer.shape, dispatch.ranks.size);
  return sum / ranks_.speed(dispatch.ranks);
}

double Schedule::share_waiting() const {
  return waiting_.work(cost_) / ranks_.speed();
}

std::vector<Dispatch> Schedule::dispatch(double now) {
  std::vector<Dispatch> dispatches;
  end_ = std::max(planned_end_ * cost_.slowdown() / planned_cost_.slowdown(), now + share_waiting());
  while (auto dispatch = next(now)) {
    begin(*dispatch, now);
    dispatches.push_back(std::move(*dispatch));
  }
  return dispatches;
}

std::optional<Dispatch> Schedule::next(double now) {
  reconsider_reservation(now);
  if (reservation_ && ranks_.all_held_are_free()) return take_reserved();
  if (ranks_.none_free()) return std::nullopt;
  for (const auto& [kind, waiting] : waiting_.kinds()) {
    auto block = block_in_time(kind, waiting, now);
    if (!block && !last_is_reserved(kind, waiting)) block = reserve(kind, waiting, now);
    if (block) return dispatch_of(kind, *block, seconds_to_the_end(now));
  }
  return std::nullopt;
}

/// Of a layer that can still end before the job does.
double Schedule::seconds_for_a_layer(double now) const {
  return (limits_.end_of_job.value_or(unlimited) - now) / spare_time;
}

double Schedule::seconds_to_the_end(double now) const {
  return std::min(end_ - now, seconds_for_a_layer(now));
}

std::optional<RankBlock> Schedule::block_in_time(const LayerKind& kind, const LayersOfKind& waiting,
                                                 double now) const {
  const double left = seconds_to_the_end(now);
  if (left <= 0) return std::nullopt;
  for (const int size : waiting.team_sizes) {
    const auto block = ranks_.slowest_free(size, leader_seconds(kind.shape, size) / left);
    if (block) return block;
  }
  return std::nullopt;
}

std::optional<Schedule::Reservation> Schedule::best_block(const LayerKind& kind, const LayersOfKind& waiting,
                                                          double now) const {
  Reservation best{kind, {0, 0}, unlimited, unlimited};
  for (const int size : waiting.team_sizes) {
    if (best.done_at <= end_) break;
    const double usual_seconds = leader_seconds(kind.shape, size);
    for (int index = 0; index < ranks_.layout().blocks(size); ++index) {
      const RankBlock block = ranks_.layout().block(size, index);
      if (ranks_.holds_any_of(block)) continue;
      const double begun = free_at(block, now);
      const double takes = usual_seconds / ranks_.speed(block);
      if (begun + takes < best.done_at && takes <= seconds_for_a_layer(begun)) {
        best = {kind, block, begun, begun + takes};
      }
    }
  }
  return best.ranks.size == 0 ? std::nullopt : std::optional(best);
}

std::optional<RankBlock> Schedule::reserve(const LayerKind& kind, const LayersOfKind& waiting, double now) {
  const auto best = best_block(kind, waiting, now);
  if (!best) return std::nullopt;
  // What is expected to be free by now is not until its ranks say so.
  const bool free = ranks_.are_free(best->ranks);
  if (!free && reservation_) return std::nullopt;
  if (free) return best->ranks;
  ranks_.hold(best->ranks);
  reservation_ = best;
  return std::nullopt;
}

bool Schedule::last_is_reserved(const LayerKind& kind, const LayersOfKind& waiting) const {
  return reservation_ && reservation_->kind == kind && waiting.layers.size() == 1;
}

/// The ranks are not free when that was expected, or there is nothing left to keep them for.
void Schedule::reconsider_reservation(double now) {
  if (!reservation_) return;
  const bool in_time = now <= reservation_->free_at || ranks_.all_held_are_free();
  const double takes = reservation_->done_at - reservation_->free_at;
  if (in_time && waiting_.has(reservation_->kind) && takes <= seconds_for_a_layer(now)) return;
  reservation_.reset();
  ranks_.release_held();
}

Dispatch Schedule::take_reserved() {
  const Reservation reserved = *std::exchange(reservation_, std::nullopt);
  ranks_.release_held();
  return {reserved.ranks, {waiting_.take(reserved.kind)}};
}

/// What is late will be as late again.
double Schedule::free_at(RankBlock ranks, double now) const {
  double latest = now;
  for (int rank = ranks.first; rank < ranks.end(); ++rank) {
    if (ranks_.is_free(rank)) continue;
    const double at = free_at_[static_cast<std::size_t>(rank)];
    latest = std::max(latest, std::max(at, 2 * now - at));
  }
  return latest;
}

Dispatch Schedule::dispatch_of(const LayerKind& kind, RankBlock ranks, double most_seconds) {
  if (ranks.size > 1) return {ranks, {waiting_.take(kind)}};
  const double batch =
      std::clamp(batch_part * share_waiting(), shortest_batch_seconds, longest_batch_seconds);
  const double usual_seconds = std::min(batch, most_seconds) * ranks_.speed(ranks);
  return {ranks, waiting_.take_batch(kind, usual_seconds, cost_)};
}

double Schedule::deadline(const Dispatch& dispatch, double now) const {
  const double expected = seconds(dispatch);
  return now + limits_.layer_timeout.value_or(std::max(shortest_timeout_seconds, timeout_factor * expected)) +
         (dispatch.layers.size() > 1 ? expected : 0);
}

void Schedule::begin(const Dispatch& dispatch, double now) {
  RunningTask task{dispatch, {}, now, deadline(dispatch, now)};
  const LayerShape& shape = dispatch.layers.front().shape;
  const double member = cost_.seconds(shape, dispatch.ranks.size).member / ranks_.speed(dispatch.ranks);
  for (int rank = dispatch.ranks.first; rank < dispatch.ranks.end(); ++rank) {
    task.busy.insert(rank);
    task_of_rank_[rank] = dispatch.ranks.first;
    free_at_[static_cast<std::size_t>(rank)] =
        now + (rank == dispatch.ranks.first ? seconds(dispatch) : member);
  }
  ranks_.take(dispatch.ranks);
  running_.emplace(dispatch.ranks.first, std::move(task));
}

void Schedule::mark_lost(int rank) {
  const int first = task_of_rank_.at(rank);
  RunningTask& task = running_.at(first);
  task.busy.erase(rank);
  const auto release = [this](int free_rank) {
    task_of_rank_.erase(free_rank);
    ranks_.release(free_rank);
  };
  // The leader stays until the last member is done.
  if (rank != first) release(rank);
  if (!task.busy.empty()) return;
  release(first);
  running_.erase(first);
}

double Schedule::finish(int rank, std::span<const LayerDone> done, double now) {
  const int first = task_of_rank_.at(rank);
  RunningTask& task = running_.at(first);
  const RankBlock ranks = task.dispatch.ranks;
  std::vector<PlannedLayer>& layers = task.dispatch.layers;
  if (done.empty()) return 0;
  double work = 0;
  for (const LayerDone& layer : done) {
    const auto planned = std::ranges::find(layers, layer.number, &PlannedLayer::number);
    if (rank == first) {
      work += planned_cost_.work(planned->shape, planned->least_team);
      cost_.learn(planned->shape, ranks.size, layer.seconds * ranks_.speed(ranks));
    }
    if (ranks.size == 1) layers.erase(planned);
  }
  if (ranks.size > 1 || layers.empty()) {
    mark_lost(rank);
  } else {
    task.begun = now;
    task.deadline = deadline(task.dispatch, now);
    free_at_[static_cast<std::size_t>(rank)] = now + seconds(task.dispatch);
  }
  return work;
}

double Schedule::seconds_left(double now) const {
  double work = waiting_.work(cost_);
  double longest = waiting_.longest(cost_);
  for (const auto& [first, task] : running_) {
    const double left = std::max(0.0, task.begun + seconds(task.dispatch) - now);
    work += left * task.dispatch.ranks.size * ranks_.speed(task.dispatch.ranks);
    longest = std::max(longest, left);
  }
  return std::max(longest, work / ranks_.speed());
}

}  // namespace alphahill
