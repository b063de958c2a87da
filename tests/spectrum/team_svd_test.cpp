/// The streamed SVD of a team, with a matrix that every member of a team of threads holds whole: which rows
/// are factored when, and what becomes of a layer that does not fit.
#include "alphahill/spectrum/team_svd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/backend.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

const CastChain plain{ElementFormat::fp32, ElementFormat::fp32};
constexpr std::int64_t plenty = std::numeric_limits<std::int64_t>::max();

std::vector<double> spectrum_of(const RowMajor& matrix, int members, std::int64_t memory) {
  std::vector<double> of_leader;
  run_as_team(members, [&](Team& team) {
    std::vector<double> mine = squared_singular_values(stored(matrix), plain, team, memory);
    if (team.rank() == 0) {
      of_leader = std::move(mine);
    } else {
      EXPECT_THAT(mine, testing::IsEmpty());
    }
  });
  return of_leader;
}

/// Each singular value within c N eps of the largest.
void expect_spectrum(const std::vector<double>& squares, const RowMajor& matrix) {
  constexpr double c = 4;
  const Eigen::VectorXd expected = squared_singular_values_by_eigen(rounded_to_fp32(matrix)).cwiseSqrt();
  ASSERT_EQ(std::ssize(squares), expected.size());
  const double tolerance = c * static_cast<double>(expected.size()) * std::numeric_limits<double>::epsilon();
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(std::sqrt(squares[static_cast<std::size_t>(i)]), expected(i), tolerance * expected.maxCoeff())
        << i;
  }
}

struct Shape {
  std::int64_t rows;
  std::int64_t cols;
};

class TeamSvd : public testing::TestWithParam<Shape> {};

TEST_P(TeamSvd, GivesTheSingularValuesWithMuchMemoryAndWithLittle) {
  const RowMajor matrix = random_matrix(GetParam().rows, GetParam().cols, 5);
  for (const int members : {1, 2, 3}) {
    const std::int64_t least = members == 1 ? plenty : least_team_svd_bytes(stored(matrix).shape(), members);
    expect_spectrum(spectrum_of(matrix, members, least), matrix);
    expect_spectrum(spectrum_of(matrix, members, plenty), matrix);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, TeamSvd,
                         testing::Values(Shape{1, 1}, Shape{1, 7}, Shape{7, 1}, Shape{2, 2}, Shape{37, 37},
                                         Shape{50, 41}, Shape{41, 60}, Shape{1000, 33}, Shape{33, 1000}),
                         [](const auto& test) {
                           return std::to_string(test.param.rows) + "x" + std::to_string(test.param.cols);
                         });

TEST(TeamSvd, ALayerWithoutWeightsHasAnEmptySpectrum) {
  EXPECT_THAT(spectrum_of(RowMajor(0, 5), 2, 0), testing::IsEmpty());
}

/// What is asked of a matrix, and how many rows the team could hold.
struct Calls {
  std::int64_t capacity = 0;
  std::vector<std::int64_t> factored;
  std::int64_t reduced = 0;
};

class RecordingMatrix final : public TeamMatrix {
 public:
  RecordingMatrix(std::int64_t order, Calls& calls)
      : order_(static_cast<std::size_t>(order)), calls_(calls) {}

  void set_rows(std::int64_t first, const MatrixRows& rows) override {
    EXPECT_LE(first + rows.count, calls_.capacity);
  }
  void factor(std::int64_t rows) override { calls_.factored.push_back(rows); }
  Bidiagonal reduce_to_bidiagonal(std::int64_t rows) override {
    calls_.reduced = rows;
    return {std::vector<double>(order_), std::vector<double>(order_)};
  }

 private:
  std::size_t order_;
  Calls& calls_;
};

class RecordingTeam final : public Team {
 public:
  explicit RecordingTeam(Team& team) : team_(team) {}

  int size() const override { return team_.size(); }
  int rank() const override { return team_.rank(); }
  void broadcast(std::span<std::byte> bytes, int root) override { team_.broadcast(bytes, root); }
  void sum(std::span<double> values) override { team_.sum(values); }
  void maximum(std::span<double> values) override { team_.maximum(values); }
  bool any(bool mine) override { return team_.any(mine); }
  std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) override {
    calls.capacity = rows;
    return std::make_unique<RecordingMatrix>(cols, calls);
  }

  Calls calls;

 private:
  Team& team_;
};

Calls calls_for(std::int64_t rows, std::int64_t cols, std::int64_t memory) {
  const RowMajor matrix = RowMajor::Zero(rows, cols);
  Calls calls;
  run_as_team(2, [&](Team& team) {
    RecordingTeam recording(team);
    squared_singular_values(stored(matrix), plain, recording, memory);
    if (team.rank() == 0) calls = recording.calls;
  });
  return calls;
}

TEST(TeamSvd, WhatFitsIntoTwiceTheOrderIsNeverFactoredBeforeTheEnd) {
  EXPECT_THAT(calls_for(160, 100, plenty).factored, testing::IsEmpty());
  EXPECT_EQ(calls_for(160, 100, plenty).reduced, 160);
  EXPECT_THAT(calls_for(100, 170, plenty).factored, testing::ElementsAre(170));
  EXPECT_EQ(calls_for(100, 170, plenty).reduced, 100);
}

TEST(TeamSvd, ALongLayerIsFactoredWheneverTheMatrixIsFull) {
  const Calls calls = calls_for(450, 100, plenty);
  EXPECT_EQ(calls.capacity, 200);
  EXPECT_THAT(calls.factored, testing::ElementsAre(200, 200, 200));
  EXPECT_EQ(calls.reduced, 150);
}

TEST(TeamSvd, MoreMemoryMakesRoomForMoreRows) {
  constexpr std::int64_t order = 400;
  const WeightShape layer = plain_shape(4000, order, ElementFormat::fp64);
  const std::int64_t least = least_team_svd_bytes(layer, 2);
  EXPECT_EQ(calls_for(4000, order, least).capacity, 500);
  const std::int64_t between = calls_for(4000, order, least + 100 * order * 8 / 2).capacity;
  EXPECT_GT(between, 500);
  EXPECT_LT(between, 800);
  EXPECT_EQ(calls_for(4000, order, plenty).capacity, 800);
}

TEST(TeamSvd, ALayerThatDoesNotFitIsRefusedByAllMembersBeforeItIsRead) {
  const PlainWeights layer(plain_shape(5000, 6000, ElementFormat::fp32),
                           [](auto...) { ADD_FAILURE() << "read"; });
  const std::int64_t memory = least_team_svd_bytes(layer.shape(), 3) - 1;
  run_as_team(3, [&](Team& team) {
    const auto error = thrown_by([&] { squared_singular_values(layer, plain, team, memory); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault(), Fault::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("on each of 3 ranks"));
  });
}

TEST(TeamSvd, ThePeakOfATeamIncludesTheSvdAndShrinksWithItsMembers) {
  const WeightShape layer = plain_shape(6000, 5000, ElementFormat::fp32);
  for (const int members : {2, 3, 4})
    EXPECT_GE(peak_bytes(layer, members), least_team_svd_bytes(layer, members));
  const auto bytes_of_matrix = static_cast<double>(5000) * 6000 * 8;
  EXPECT_LT(static_cast<double>(least_team_svd_bytes(layer, 2)), bytes_of_matrix / 2 * 1.05 + (128 << 20));
  EXPECT_LT(static_cast<double>(least_team_svd_bytes(layer, 4)), bytes_of_matrix / 4 * 1.1 + (128 << 20));
}

}  // namespace
}  // namespace alphahill
