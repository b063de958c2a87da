/// Teams over real MPI, and layers that the coordinator gives to them: run on several numbers of ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "alphahill/base/error.hpp"
#include "alphahill/runtime/coordinator.hpp"
#include "alphahill/runtime/mpi_teams.hpp"
#include "runtime/layer_by_layer.hpp"
#include "runtime/mpi_test_main.hpp"

namespace alphahill {
namespace {

using testing::Each;
using testing::ElementsAreArray;
using testing::SizeIs;

MpiSession* mpi = nullptr;

BlockLayout all_ranks() {
  return {mpi->size(), 0, mpi->size()};
}

/// Calls use(team) for each team that this rank is a member of.
template <class Use>
void for_each_team(Use use) {
  MpiTeams teams(*mpi, all_ranks());
  for (const int size : all_ranks().team_sizes()) {
    if (all_ranks().block_of(mpi->rank(), size)) use(teams.of_size(size));
  }
}

TEST(MpiTeams, ATeamIsABlockOfConsecutiveRanks) {
  for_each_team([](Team& team) { EXPECT_EQ(team.rank(), mpi->rank() % team.size()); });
  MpiTeams teams(*mpi, all_ranks());
  EXPECT_EQ(teams.of_size(1).size(), 1);
}

TEST(MpiTeams, ABroadcastReachesEveryMember) {
  for_each_team([](Team& team) {
    for (const std::size_t size : {0, 1, 100'000}) {
      const int root = team.size() - 1;
      std::vector<std::byte> bytes(size, team.rank() == root ? std::byte{42} : std::byte{0});
      team.broadcast(bytes, root);
      EXPECT_THAT(bytes, Each(std::byte{42}));
    }
  });
}

TEST(MpiTeams, ASumHasTheSameBitsForAllMembers) {
  for_each_team([](Team& team) {
    std::vector<double> values(1000);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 1.0 / static_cast<double>(i + 3) + team.rank() * 0.1;
    team.sum(values);
    std::vector<double> of_leader = values;
    team.broadcast(std::as_writable_bytes(std::span(of_leader)), 0);
    EXPECT_THAT(values, ElementsAreArray(of_leader));
    EXPECT_NEAR(values[0], team.size() / 3.0 + 0.1 * team.size() * (team.size() - 1) / 2, 1e-12);
  });
}

TEST(MpiTeams, WhatOneMemberSaysAllHear) {
  for_each_team([](Team& team) {
    EXPECT_TRUE(team.any(team.rank() == team.size() - 1));
    EXPECT_FALSE(team.any(false));
  });
}

/// What each rank does with its part in a layer; the leader's record tells how many took part.
LayerRecord computed_together(std::int64_t layer, Team& team) {
  std::vector<double> members{1};
  team.sum(members);
  LayerRecord record{.layer = layer, .results = {}, .eigenvalues = {}};
  if (team.rank() != 0) return record;
  record.results.resize(1);
  record.results[0].seconds = 1e-3;
  record.eigenvalues = members;
  return record;
}

using ComputeTogether = std::function<LayerRecord(std::int64_t layer, Team& team)>;

struct Outcome {
  std::map<std::int64_t, LayerRecord> records;
  RunEnd end;
};

Catalog catalog_of(std::int64_t layers) {
  Catalog catalog{"folder", "00", {}, {}};
  catalog.layers.resize(static_cast<std::size_t>(layers));
  return catalog;
}

/// Layers 1 ... for teams of 1, 2, 4, 1, 2, 4, ... as far as there are ranks.
Schedule schedule_of(std::int64_t layers) {
  const std::array sizes{1, 2, 4};
  Plan plan;
  for (std::int64_t i = 0; i < layers; ++i) {
    const int size = sizes[static_cast<std::size_t>(i % 3)];
    plan.layers.push_back(
        {.number = i + 1, .shape = {100, 100, 20000, 1}, .least_team = size <= mpi->size() ? size : 1});
  }
  return {plan, CostModel(usual_rates()), all_ranks(), {}};
}

/// The outcome is rank 0's.
Outcome run(std::int64_t layers, const ComputeTogether& compute) {
  MpiTeams teams(*mpi, all_ranks());
  const ComputeLayer compute_layer = [&](std::int64_t layer, int team_size) {
    return compute(layer, teams.of_size(team_size));
  };
  const Work work_on = [&](const CoordinatorLine& line) {
    work(layer_by_layer(compute_layer), mpi->rank(), line);
  };
  if (mpi->rank() != 0) {
    work_for_rank_0(*mpi, 1, work_on);
    return {};
  }
  Outcome outcome;
  const Catalog catalog = catalog_of(layers);
  WorkerPool workers(*mpi, 1, work_on);
  const RunCallbacks callbacks{.write =
                                   [&](std::span<const LayerRecord> records, std::span<const std::int64_t>) {
                                     for (const LayerRecord& record : records)
                                       outcome.records[record.layer] = record;
                                   },
                               .sync = [] {},
                               .stop_requested = [] { return false; }};
  outcome.end = Coordinator(catalog, schedule_of(layers), workers, callbacks, 60).run();
  return outcome;
}

int team_size_of(std::int64_t layer) {
  const std::array sizes{1, 2, 4};
  const int size = sizes[static_cast<std::size_t>((layer - 1) % 3)];
  return size <= mpi->size() ? size : 1;
}

TEST(TeamCoordination, EveryLayerIsComputedOnceByATeamOfItsSize) {
  const Outcome outcome = run(60, computed_together);
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  ASSERT_THAT(outcome.records, SizeIs(60));
  for (const auto& [layer, record] : outcome.records) {
    EXPECT_THAT(record.eigenvalues, ElementsAreArray({static_cast<double>(team_size_of(layer))})) << layer;
  }
}

TEST(TeamCoordination, AMemberThatFailsGivesTheLayerAReasonAndAllGoOn) {
  const Outcome outcome = run(60, [](std::int64_t layer, Team& team) {
    try {
      do_together(team, [&] {
        const bool fails = layer % 10 == 0 && team.rank() == team.size() - 1;
        if (fails) throw Error(Fault::internal, "dsterf", "did not converge");
      });
    } catch (const Error& error) {
      LayerRecord record{.layer = layer, .results = {}, .eigenvalues = {}};
      if (team.rank() == 0) record.results.resize(1), record.results[0].reason = error.reason();
      return record;
    }
    return computed_together(layer, team);
  });
  if (mpi->rank() != 0) return;
  EXPECT_FALSE(outcome.end.failure);
  ASSERT_THAT(outcome.records, SizeIs(60));
  for (const auto& [layer, record] : outcome.records) {
    const bool says_why = record.results.at(0).reason.find("did not converge") != std::string::npos;
    EXPECT_EQ(says_why, layer % 10 == 0) << layer;
  }
}

TEST(TeamCoordination, ABadFileOnOneMemberEndsTheRunWithItsErrorAndEveryRankReturns) {
  const Outcome outcome = run(60, [](std::int64_t layer, Team& team) {
    do_together(team, [&] {
      const bool fails = layer == 30 && team.rank() == team.size() - 1;
      if (fails) throw Error(Fault::input, "model.safetensors", "the file ends early");
    });
    return computed_together(layer, team);
  });
  if (mpi->rank() != 0) return;
  ASSERT_TRUE(outcome.end.failure);
  EXPECT_EQ(outcome.end.failure->fault(), Fault::input);
  EXPECT_THAT(outcome.end.failure->what(), testing::HasSubstr("model.safetensors"));
  EXPECT_FALSE(outcome.end.ranks_compute);
  EXPECT_LT(outcome.records.size(), 60U);
}

}  // namespace
}  // namespace alphahill

int main(int argc, char** argv) {
  return alphahill::run_tests_on_all_ranks(argc, argv, alphahill::mpi);
}
