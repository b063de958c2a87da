#include <gtest/gtest.h>

#include "alphahill/spectrum/panels.hpp"
#include "support/matrices.hpp"
#include "support/thread_team.hpp"

namespace alphahill {
namespace {

TEST(LoadedExtremes, AreThoseOfAllWeightsAfterTheLoadCastOnAnyTeam) {
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{5000, 450}, {450, 5000}, {2, 1}}) {
    RowMajor weights = random_matrix(rows, cols, 3);
    weights(0, 0) = 1000.4;  // 1000 in bf16, 1000.4 rounded in fp32
    weights(rows - 1, cols - 1) = -2001;
    for (int members = 1; members <= 3; ++members) {
      run_as_team(members, [&](Team& team) {
        const Extremes as_bf16 = loaded_extremes(stored(weights), ElementFormat::bf16, team);
        EXPECT_EQ(as_bf16.lowest, -2000);
        EXPECT_EQ(as_bf16.highest, 1000);
        const Extremes as_fp64 = loaded_extremes(stored(weights), ElementFormat::fp64, team);
        EXPECT_EQ(as_fp64.lowest, -2001);
        EXPECT_EQ(as_fp64.highest, 1000.4F);
      });
    }
  }
}

}  // namespace
}  // namespace alphahill
