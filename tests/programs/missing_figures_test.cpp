#include "programs/run/missing_figures.hpp"

#include <gtest/gtest.h>

#include <array>

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

TEST(MissingFigures, OneFigureOfOneLayerIsAFigure) {
  const std::array rows{row(1, "fp32", Status::failed, "no memory"), row(1, "bf16", Status::ok),
                        row(2, "fp32", Status::failed, "no memory"), row(2, "bf16", Status::no_tail, "flat")};
  const MissingFigures missing = missing_figures(rows);
  EXPECT_TRUE(missing.any_figure);
  EXPECT_EQ(missing.layers, 2);
}

TEST(MissingFigures, TheCommonestReasonIsThatOfMostLayersNotOfMostRows) {
  const std::array rows{row(1, "fp32", Status::no_tail, "flat"), row(1, "fp16", Status::no_tail, "flat"),
                        row(1, "bf16", Status::no_tail, "flat"), row(2, "fp32", Status::failed, "no memory"),
                        row(3, "fp32", Status::failed, "no memory")};
  const MissingFigures missing = missing_figures(rows);
  EXPECT_FALSE(missing.any_figure);
  EXPECT_EQ(missing.layers, 3);
  EXPECT_EQ(missing.commonest_reason, "failed: no memory");
  EXPECT_EQ(missing.with_commonest_reason, 2);
}

TEST(MissingFigures, NothingIsMissingWhereAllRowsHaveOne) {
  const std::array rows{row(1, "fp32", Status::ok)};
  EXPECT_EQ(missing_figures(rows).layers, 0);
}

}  // namespace
}  // namespace alphahill
