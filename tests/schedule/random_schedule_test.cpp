/// Schedules of random layers, ranks, speeds and delays, run to their end on simulated time.
#include <gmock/gmock.h>

#include <cmath>
#include <queue>
#include <random>

#include "alphahill/schedule/schedule.hpp"
#include "schedule/known_costs.hpp"

namespace alphahill {
namespace {

class Randomness {
 public:
  explicit Randomness(unsigned seed) : engine_(seed) {}
  int whole(int least, int most) { return std::uniform_int_distribution(least, most)(engine_); }
  double real(double least, double most) { return std::uniform_real_distribution(least, most)(engine_); }
  bool one_in(int count) { return whole(1, count) == 1; }

 private:
  std::mt19937 engine_;
};

BlockLayout random_ranks(Randomness& random) {
  const int ranks = random.whole(1, 24);
  return {ranks, random.whole(0, ranks > 1 ? 1 : 0), 1 << random.whole(0, 5)};
}

int random_size(const BlockLayout& ranks, Randomness& random) {
  const std::vector<int> sizes = ranks.sizes_from(1);
  return sizes[static_cast<std::size_t>(random.whole(0, static_cast<int>(sizes.size()) - 1))];
}

/// A number of equal layers that larger teams do in less time.
void add_layers(KnownCosts& known, const BlockLayout& ranks, Randomness& random) {
  double seconds = std::exp(random.real(std::log(1e-3), std::log(500)));
  known.add(seconds, 1);
  PlannedLayer layer = known.plan.layers.back();
  known.plan.layers.pop_back();
  for (const int size : ranks.team_sizes()) known.cost.learn(layer.shape, size, seconds *= 0.6);
  layer.least_team = random.one_in(4) ? random_size(ranks, random) : 1;
  for (int count = random.one_in(3) ? random.whole(1, 100) : random.whole(1, 5); count > 0; --count) {
    layer.number = std::ssize(known.plan.layers) + 1;
    layer.alone = random.one_in(20);
    known.plan.layers.push_back(layer);
  }
}

KnownCosts random_layers(const BlockLayout& ranks, Randomness& random) {
  KnownCosts known({});
  for (int kinds = random.whole(1, 6); kinds > 0; --kinds) add_layers(known, ranks, random);
  known.plan.end_seconds = random.one_in(3) ? 0 : random.real(0, 1000);
  if (random.one_in(2)) return known;
  for (int rank = 0; rank < ranks.ranks; ++rank) known.plan.speeds.push_back(random.real(0.3, 1.2));
  return known;
}

/// Dispatches until nothing runs any more, and checks every dispatch.
class Simulation {
 public:
  Simulation(const KnownCosts& known, const BlockLayout& ranks, Randomness& random)
      : known_(known), ranks_(ranks), random_(random), schedule_(known.plan, known.cost, ranks, {}) {}

  void run() {
    dispatch();
    while (!future_.empty()) {
      now_ = future_.top().at;
      for (; !future_.empty() && future_.top().at == now_; future_.pop()) {
        work_ += schedule_.finish(future_.top().rank, future_.top().done, now_);
      }
      dispatch();
    }
    EXPECT_THAT(schedule_.running(), testing::IsEmpty());
    EXPECT_EQ(schedule_.waiting(), 0);
    EXPECT_THAT(dispatched_, testing::SizeIs(known_.plan.layers.size()));
    EXPECT_NEAR(work_, schedule_.planned_work(), 1e-9 * work_);
  }

 private:
  struct Done {
    double at;
    int rank;
    std::vector<LayerDone> done;

    bool operator>(const Done& other) const { return std::pair(at, rank) > std::pair(other.at, other.rank); }
  };

  void dispatch() {
    std::set<int> busy;
    for (const auto& [first, task] : schedule_.running()) {
      busy.insert(first);
      busy.insert(task.busy.begin(), task.busy.end());
    }
    for (const Dispatch& dispatch : schedule_.dispatch(now_)) {
      for (int rank = dispatch.ranks.first; rank < dispatch.ranks.end(); ++rank) {
        EXPECT_TRUE(busy.insert(rank).second) << "rank " << rank << " is busy";
      }
      check(dispatch);
      compute(dispatch);
    }
  }

  void check(const Dispatch& dispatch) {
    const RankBlock block =
        ranks_.block(dispatch.ranks.size, *ranks_.block_of(dispatch.ranks.first, dispatch.ranks.size));
    EXPECT_EQ(block.first, dispatch.ranks.first);
    EXPECT_TRUE(dispatch.ranks.size == 1 || dispatch.layers.size() == 1);
    for (const PlannedLayer& layer : dispatch.layers) {
      EXPECT_TRUE(dispatched_.insert(layer.number).second) << layer.number << " is dispatched twice";
      EXPECT_GE(dispatch.ranks.size, layer.least_team);
      EXPECT_TRUE(!layer.alone || dispatch.layers.size() == 1);
    }
  }

  /// On time, as in a plan, or early or late; of several layers sometimes one after another.
  void compute(const Dispatch& dispatch) {
    const double delay = random_.one_in(2) ? 1 : random_.real(0.1, 4);
    const double speed = speed_of(dispatch.ranks, known_.plan.speeds);
    Done done{now_, dispatch.ranks.first, {}};
    for (const PlannedLayer& layer : dispatch.layers) {
      const LayerSeconds seconds = known_.cost.seconds(layer.shape, dispatch.ranks.size);
      done.at += delay * seconds.leader / speed;
      done.done.push_back({layer.number, delay * seconds.leader / speed});
      for (int rank = dispatch.ranks.first + 1; rank < dispatch.ranks.end(); ++rank) {
        future_.push(
            {now_ + random_.real(0.5, 1.1) * delay * seconds.member / speed, rank, {{layer.number, 0}}});
      }
      if (!random_.one_in(5)) continue;
      future_.push(done);
      done.done.clear();
    }
    if (!done.done.empty()) future_.push(done);
  }

  const KnownCosts& known_;
  const BlockLayout ranks_;
  Randomness& random_;
  Schedule schedule_;
  std::priority_queue<Done, std::vector<Done>, std::greater<>> future_;
  double now_ = 0;
  double work_ = 0;
  std::set<std::int64_t> dispatched_;
};

TEST(RandomSchedule, EveryLayerIsDispatchedOnceToFreeRanksThatMayHaveIt) {
  for (unsigned seed = 1; seed <= 2000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Randomness random(seed);
    const BlockLayout ranks = random_ranks(random);
    const KnownCosts known = random_layers(ranks, random);
    Simulation(known, ranks, random).run();
  }
}

}  // namespace
}  // namespace alphahill
