/// A team of which one member runs out of memory, wherever that is: all give the layer up, and none waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "alphahill/spectrum/analysis.hpp"
#include "support/failing_allocations.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

/// Spares what the team itself allocates.
class SparedTeam final : public Team {
 public:
  explicit SparedTeam(Team& team) : team_(team) {}

  int size() const override { return team_.size(); }
  int rank() const override { return team_.rank(); }
  void broadcast(std::span<std::byte> bytes, int root) override {
    spared([&] { team_.broadcast(bytes, root); });
  }
  void sum(std::span<double> values) override {
    spared([&] { team_.sum(values); });
  }
  bool any(bool mine) override {
    bool some = false;
    spared([&] { some = team_.any(mine); });
    return some;
  }
  std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) override {
    std::unique_ptr<TeamMatrix> matrix;
    spared([&] { matrix = team_.make_matrix(rows, cols); });
    return matrix;
  }

 private:
  template <class Call>
  static void spared(Call call) {
    const std::int64_t left = std::exchange(allocations_to_failure(), 0);
    call();
    allocations_to_failure() = left;
  }

  Team& team_;
};

/// What came of a layer: "" for figures, or the error.
using Outcomes = std::vector<std::string>;

const AnalysisSettings settings{Format::fp32, {Format::fp32, Format::fp16, Format::bf16}, 0.1, 1e-5};

std::string outcome_of(const StoredMatrix& matrix, Backend& backend, Team& team) {
  try {
    analyse(matrix, settings, backend, team);
    return "";
  } catch (const std::bad_alloc&) {
    return "not enough memory";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// @param nth  allocation of the member that fails
Outcomes outcomes_where(int failing_member, std::int64_t nth, int members, const StoredMatrix& matrix) {
  Outcomes outcomes(static_cast<std::size_t>(members));
  run_as_team(members, [&](Team& team) {
    const auto backend = make_cpu_backend();
    SparedTeam spared(team);
    if (team.rank() == failing_member) allocations_to_failure() = nth;
    const std::string outcome = outcome_of(matrix, *backend, spared);
    allocations_to_failure() = 0;
    outcomes[static_cast<std::size_t>(team.rank())] = outcome;
  });
  return outcomes;
}

class TeamMemory : public testing::TestWithParam<int> {};

TEST_P(TeamMemory, AnAllocationThatFailsOnOneMemberEndsTheLayerOnAll) {
  const RowMajor matrix = random_matrix(901, 200, 1);
  const int members = GetParam();
  for (const int failing : {0, members - 1}) {
    std::int64_t nth = 0;
    std::int64_t ended_all = 0;
    bool failed = true;
    while (failed) {
      const Outcomes outcomes = outcomes_where(failing, ++nth, members, stored(matrix));
      const auto succeeded = std::ranges::count(outcomes, "");
      // The leader's last part is its own.
      const bool leader_alone = failing == 0 && succeeded == members - 1;
      EXPECT_TRUE(succeeded == 0 || succeeded == members || leader_alone)
          << "member " << failing << ", " << nth;
      failed = !outcomes[static_cast<std::size_t>(failing)].empty();
      ended_all += succeeded == 0 ? 1 : 0;
      EXPECT_THAT(outcomes, testing::Each(testing::AnyOf("", testing::HasSubstr("not enough memory"))));
    }
    EXPECT_GT(ended_all, 30) << "member " << failing << " of " << members;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamMemory, testing::Values(2, 3));

}  // namespace
}  // namespace alphahill
