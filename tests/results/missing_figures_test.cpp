#include "alphahill/results/missing_figures.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace alphahill {
namespace {

ResultRow row(std::int64_t layer, const std::string& precision, Status status,
              const std::string& reason = "") {
  ResultRow row;
  row.layer = layer;
  row.precision = precision;
  row.status = status;
  row.reason = reason;
  return row;
}

MissingFigures missing_in(const std::vector<ResultRow>& rows) {
  MissingFigures missing;
  for (const ResultRow& row : rows) missing.add(row);
  return missing;
}

TEST(MissingFigures, OneFigureOfOneLayerIsAFigure) {
  const MissingFigures missing =
      missing_in({row(1, "fp32", Status::failed, "no memory"), row(1, "bf16", Status::ok),
                  row(2, "fp32", Status::failed, "no memory"), row(2, "bf16", Status::no_tail, "flat")});
  EXPECT_TRUE(missing.any_figure());
  EXPECT_EQ(missing.layers(), 2);
}

TEST(MissingFigures, TheCommonestReasonIsThatOfMostLayersNotOfMostRows) {
  const MissingFigures missing =
      missing_in({row(1, "fp32", Status::no_tail, "flat"), row(1, "fp16", Status::no_tail, "flat"),
                  row(1, "bf16", Status::no_tail, "flat"), row(2, "fp32", Status::failed, "no memory"),
                  row(3, "fp32", Status::failed, "no memory")});
  EXPECT_FALSE(missing.any_figure());
  EXPECT_EQ(missing.layers(), 3);
  const std::vector<MissingReason> reasons = missing.by_reason();
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_EQ(reasons[0].text(), "failed: no memory");
  EXPECT_EQ(reasons[0].layers.size(), 2U);
  EXPECT_EQ(reasons[1].precisions.size(), 3U);
}

TEST(MissingFigures, ReasonsThatDifferInNumbersAloneAreOneWithAnExample) {
  const auto reasons =
      missing_in({row(1, "fp32", Status::no_tail, "flat"),
                  row(2, "fp32", Status::failed, "needs 3.0 GiB of memory, a rank has 1.0 GiB"),
                  row(3, "fp32", Status::failed, "needs 912.5 MiB of memory, a rank has 1.0 GiB"),
                  row(4, "fp32", Status::failed, "needs patience")})
          .by_reason();
  ASSERT_EQ(reasons.size(), 3U);
  EXPECT_EQ(reasons[0].text(), "for example, failed: needs 3.0 GiB of memory, a rank has 1.0 GiB");
  EXPECT_EQ(reasons[0].layers, (std::set<std::int64_t>{2, 3}));
}

TEST(MissingFigures, NothingIsMissingWhereAllRowsHaveOne) {
  EXPECT_EQ(missing_in({row(1, "fp32", Status::ok)}).layers(), 0);
}

}  // namespace
}  // namespace alphahill
