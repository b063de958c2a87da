/// A team of which one member runs out of memory, wherever that is: all learn of it, and none waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "alphahill/analysis/analysis.hpp"
#include "support/failing_allocations.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"
#include "support/under_sanitizers.hpp"

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
  void maximum(std::span<double> values) override {
    spared([&] { team_.maximum(values); });
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

/// What came of a layer on a member of a team.
struct Outcome {
  std::string error;
  std::vector<PrecisionFigures> figures;
  bool allocation_failed = false;
};
using Outcomes = std::vector<Outcome>;

const AnalysisSettings settings{
    ElementFormat::fp32, {ElementFormat::fp32, ElementFormat::fp16, ElementFormat::bf16}, 0.1, 1e-5};

Outcome outcome_of(const WeightSource& matrix, Backend& backend, Team& team) {
  try {
    return {"", analyse(matrix, settings, backend, team)};
  } catch (const std::bad_alloc&) {
    return {"not enough memory", {}};
  } catch (const std::exception& error) {
    return {error.what(), {}};
  }
}

/// @param nth  allocation of the member that fails; 0: none
Outcomes outcomes_where(int failing_member, std::int64_t nth, int members, const WeightSource& matrix) {
  Outcomes outcomes(static_cast<std::size_t>(members));
  run_as_team(members, [&](Team& team) {
    const auto backend = make_cpu_backend();
    SparedTeam spared(team);
    const bool fails = nth > 0 && team.rank() == failing_member;
    if (fails) allocations_to_failure() = nth;
    Outcome outcome = outcome_of(matrix, *backend, spared);
    outcome.allocation_failed = fails && allocations_to_failure() == 0;
    allocations_to_failure() = 0;
    outcomes[static_cast<std::size_t>(team.rank())] = std::move(outcome);
  });
  return outcomes;
}

void expect_alphas(const std::vector<PrecisionFigures>& found,
                   const std::vector<PrecisionFigures>& expected) {
  for (std::size_t p = 0; p < expected.size(); ++p) {
    ASSERT_EQ(found[p].spectrum.has_value(), expected[p].spectrum.has_value()) << p;
    if (!expected[p].spectrum) continue;
    const double alpha = expected[p].spectrum->hill.alpha;
    EXPECT_NEAR(found[p].spectrum->hill.alpha, alpha, 1e-12 * alpha);
  }
}

class TeamMemory : public testing::TestWithParam<int> {};

/// All members throw together, or the leader computes by another method; nobody waits.
TEST_P(TeamMemory, AnAllocationThatFailsOnOneMemberIsSharedByAllOrCostsNothing) {
  const RowMajor matrix = random_matrix(301, 200, 1);
  const int members = GetParam();
  const auto undisturbed = outcomes_where(0, 0, members, stored(matrix))[0].figures;
  for (const int failing : {0, members - 1}) {
    std::int64_t survived = 0;
    bool failed = true;
    for (std::int64_t nth = 1; failed; nth += under_sanitizers ? 7 : 1) {
      SCOPED_TRACE(testing::Message() << "member " << failing << " of " << members << ", allocation " << nth);
      const Outcomes outcomes = outcomes_where(failing, nth, members, stored(matrix));
      failed = outcomes[static_cast<std::size_t>(failing)].allocation_failed;
      const auto errors =
          std::ranges::count_if(outcomes, [](const Outcome& of) { return !of.error.empty(); });
      EXPECT_THAT(errors, testing::AnyOf(0, members));
      for (const Outcome& outcome : outcomes) {
        EXPECT_THAT(outcome.error, testing::AnyOf("", testing::HasSubstr("not enough memory")));
      }
      if (errors > 0) continue;
      expect_alphas(outcomes[0].figures, undisturbed);
      survived += failed && !outcomes[0].figures[0].failed_methods.empty() ? 1 : 0;
    }
    EXPECT_GT(survived, under_sanitizers ? 1 : 10) << "member " << failing << " of " << members;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamMemory, testing::Values(2, 3));

}  // namespace
}  // namespace alphahill
