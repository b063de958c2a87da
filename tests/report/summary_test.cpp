#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "alphahill/report/report.hpp"
#include "report/rounded_run.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

SampleRun run_of(std::int64_t layers) {
  SampleRun sample = sample_run(layers, {"fp32", "fp16", "bf16"});
  for (ResultRow& row : sample.rows) row.alpha = 3;
  return sample;
}

TEST(Summary, BeginsWithTheStatisticsOfEachPrecision) {
  EXPECT_THAT(
      summary_text(view_of(run_of(2))),
      HasSubstr(
          "precision   count       mean        std        min     median        max        q25        q75\n"
          "fp32            2   3.000000   0.000000   3.000000   3.000000   3.000000   3.000000   "
          "3.000000\n"));
}

TEST(Summary, NamesTheFiveLayersThatMoveMostFarthestFirst) {
  SampleRun sample = run_of(7);
  for (std::size_t layer = 0; layer < 7; ++layer)
    sample.rows[3 * layer + 2].alpha = 3 + 3e-5 * static_cast<double>(layer);
  sample.rows[1].alpha = 3 - 3e-3;
  const std::string text = summary_text(view_of(sample));
  EXPECT_THAT(text, HasSubstr("Layers that move most, from fp32:\n"
                              "  model.layers.0.self_attn.q_proj  3.000000 -> 2.997000 (fp16, -1.00e-3)\n"
                              "  model.layers.0.mlp.down_proj  3.000000 -> 3.000180 (bf16, +6.00e-5)\n"));
  EXPECT_THAT(text, HasSubstr("self_attn.o_proj"));
  EXPECT_THAT(text, Not(HasSubstr("self_attn.v_proj"))) << "the sixth";
}

TEST(Summary, SaysWhenNothingMoves) {
  EXPECT_THAT(summary_text(view_of(run_of(2))), HasSubstr("No layer moves between precisions."));
}

TEST(Summary, WithoutAnyFigureSaysNothingOfMoves) {
  SampleRun sample = run_of(1);
  for (ResultRow& row : sample.rows) row = failed_row(1, row.precision, "NaN among the weights");
  EXPECT_THAT(summary_text(view_of(sample)), Not(HasSubstr("move")));
}

TEST(Summary, OfOnePrecisionSaysNothingOfMoves) {
  EXPECT_THAT(summary_text(view_of(sample_run(3, {"fp32"}))), Not(HasSubstr("move")));
}

TEST(Summary, CountsLayersWithoutAFigureByReason) {
  SampleRun sample = run_of(4);
  for (const std::int64_t layer : {1, 3}) {
    for (const std::size_t precision : {1U, 2U}) {
      ResultRow& row = sample.rows[static_cast<std::size_t>(3 * (layer - 1)) + precision];
      row = failed_row(layer, row.precision, "weights overflow");
    }
  }
  sample.rows[9] = failed_row(4, "fp32", "NaN among the weights");
  EXPECT_THAT(summary_text(view_of(sample)), HasSubstr("Without a figure: 3 of 4 layers\n"
                                                       "  2 at bf16, fp16: nonfinite: weights overflow\n"
                                                       "  1 at fp32: nonfinite: NaN among the weights\n"));
}

TEST(Summary, OfACompleteRunSaysNothingOfMissingFigures) {
  EXPECT_THAT(summary_text(view_of(run_of(2))), Not(HasSubstr("Without")));
}

TEST(Summary, LeavesOutLayersWithFewEigenvalues) {
  SampleRun sample = run_of(3);
  sample.run.layers[2].out_features = 2;
  sample.rows[6].alpha = 1e6;
  Selection selection;
  selection.min_eigenvalues = 3;
  const std::string text = summary_text(view_of(sample, selection));
  EXPECT_THAT(text, HasSubstr("fp32            2   3.000000   0.000000   3.000000   3.000000   3.000000"));
  EXPECT_THAT(text, HasSubstr("Without a figure: 1 of 3 layers\n"
                              "  1 at bf16, fp16, fp32: few_eigenvalues: fewer than 3 eigenvalues "
                              "(--min-eigenvalues)\n"));
}

TEST(Summary, SaysThatFiguresAreOfDequantizedWeightsAndHowTheseAreStored) {
  SampleRun sample = run_of(4);
  const auto store = [&](std::size_t layer, const std::string& stored_as, double bits) {
    sample.run.layers[layer].stored_as = stored_as;
    sample.run.layers[layer].bits_per_weight = bits;
    sample.run.layers[layer].dequantized = true;
  };
  store(0, "int4 g128 asym", 4.25);
  store(1, "F8_E4M3 block 128x128", 8.25);
  store(2, "F8_E4M3 block 128x128", 8);
  sample.run.layers[2].numel *= 4;
  EXPECT_THAT(summary_text(view_of(sample)),
              HasSubstr("Stored quantized: 3 of 4 layers; their figures are of the dequantized weights\n"
                        "  2 as F8_E4M3 block 128x128, 8.05 bits a weight\n"
                        "  1 as int4 g128 asym, 4.25 bits a weight\n"));
  EXPECT_THAT(summary_text(view_of(run_of(2))), Not(HasSubstr("quantized")));
}

TEST(Summary, LeavesFlatSpectraOutOfTheStatisticsAndSaysSo) {
  SampleRun sample = run_of(4);
  for (std::size_t p = 3; p < 6; ++p) sample.rows[p].alpha = 123456789;
  sample.rows[4].alpha = 987654321;
  const std::string text = summary_text(view_of(sample));
  EXPECT_THAT(text, HasSubstr("fp32            3   3.000000   0.000000   3.000000   3.000000   3.000000"));
  EXPECT_THAT(text,
              HasSubstr("3.000000\nLeft out above, with a flat spectrum (alpha over 100): 1 of 4 layers: "
                        "model.layers.0.self_attn.k_proj (1.23e+08 at fp32)\n"));
  EXPECT_THAT(text, HasSubstr("No layer moves"));
}

TEST(Summary, StatisticsOfAllPrecisionsAreOfTheSameLayers) {
  SampleRun sample = sample_run(3, {"fp32", "int4"});
  for (ResultRow& row : sample.rows) row.alpha = 3;
  sample.rows[0].alpha = 1000;
  sample.rows[1].alpha = 20;
  EXPECT_THAT(summary_text(view_of(sample)), HasSubstr("int4            2   3.000000   0.000000"));
}

TEST(Summary, SaysThatAFormatChangesNoWeightAndRanksALayerThatOverflowsFirst) {
  SampleRun sample = rounded_run(3, {"fp32", "int8", "int4"});
  for (ResultRow& row : sample.rows) {
    if (row.precision == "int8") row.cast_error = 0;
    row.effective_rank = 0.5;
  }
  sample.rows[5].cast_error = std::numeric_limits<double>::infinity();
  const std::string text = summary_text(view_of(sample));
  EXPECT_THAT(text, HasSubstr("no weight changes\n"));
  EXPECT_THAT(text, HasSubstr("\n  at int4: 0 attn.k_proj, "));
}

TEST(Summary, OfThreeFormatsHasTheirErrorsAndTheLayersThatMindMost) {
  SampleRun sample = rounded_run(14, {"fp32", "bf16", "int8", "int4_g128"});
  for (ResultRow& row : sample.rows) {
    row.cast_error = row.precision == "int8" ? 0.01 : row.cast_error;
    if (row.layer == 3 && row.precision == "int4_g128") row.cast_error = 0.5;
    row.effective_rank = 0.05 * static_cast<double>(row.layer);
  }
  const std::string text = summary_text(view_of(sample));
  EXPECT_THAT(text, HasSubstr("Relative error of rounding:\n"
                              "precision      bits    median     worst\n"
                              "bf16             16   "));
  EXPECT_THAT(text, HasSubstr("int8         8.0039   1.00e-2   1.00e-2  0 attn.q_proj\n"));
  EXPECT_THAT(text, testing::ContainsRegex("int4_g128     4.125   1[.].*   5[.]00e-1  0 attn[.]v_proj\n"));
  EXPECT_THAT(
      text,
      HasSubstr("  at int8: 1 mlp.down_proj, 1 mlp.up_proj, 1 mlp.gate_proj, 1 attn.o_proj, 1 attn.v_proj\n"
                "  at int4_g128: 0 attn.v_proj, 1 mlp.down_proj"));
  EXPECT_THAT(text, HasSubstr("Check a plan by an evaluation."));
}

TEST(Summary, LeavesTheErrorsOfLayersWithFewEigenvaluesOut) {
  SampleRun sample = rounded_run(3, {"fp32", "int4"});
  sample.run.layers[2].out_features = 2;
  sample.rows[5].cast_error = 1;
  Selection selection;
  selection.min_eigenvalues = 3;
  const std::string text = summary_text(view_of(sample, selection));
  EXPECT_THAT(text, Not(HasSubstr("1.00e+0")));
  EXPECT_THAT(text, Not(HasSubstr("0 attn.v_proj")));
}

TEST(Summary, NamesFormatsTogetherThatTheSameLayersMindMost) {
  SampleRun sample = rounded_run(14, {"fp32", "int8", "int4"});
  for (ResultRow& row : sample.rows)
    row.effective_rank = 0.05 * static_cast<double>(row.layer), row.cast_error = 0.1;
  EXPECT_THAT(summary_text(view_of(sample)), HasSubstr("\n  at int8, int4: 1 mlp.down_proj, "));
}

TEST(Summary, HasTheErrorsOfSurveyedPrecisions) {
  SampleRun sample = rounded_run(2, {"fp32", "int4"});
  for (ResultRow& row : sample.rows) {
    if (row.precision == "int4") row.status = Status::surveyed, row.alpha = no_figure;
  }
  sample.asked = {{"fp32"}, "", true, {"int4"}};
  const std::string text = summary_text(view_of(sample));
  EXPECT_THAT(text, HasSubstr("\n  at int4: 0 attn."));
  EXPECT_THAT(text, Not(HasSubstr("moves")));
  EXPECT_THAT(text, Not(HasSubstr("Without a figure")));
}

TEST(Summary, Of16BitPrecisionsHasOneLineOfErrors) {
  const std::string text = summary_text(view_of(rounded_run(1, {"fp32", "bf16"})));
  EXPECT_THAT(text, testing::ContainsRegex("\nRelative error of rounding, median: bf16 1[.]99e-3\n"));
  EXPECT_THAT(text, Not(HasSubstr("score")));
}

TEST(Summary, ColumnsStayApartWhateverTheFigures) {
  SampleRun sample = run_of(2);
  sample.run.precisions[1] = std::string(20, 'p');
  for (ResultRow& row : sample.rows)
    row.precision = row.precision == "fp16" ? std::string(20, 'p') : row.precision;
  sample.rows[0].alpha = -123456789;
  EXPECT_THAT(summary_text(view_of(sample)),
              HasSubstr("fp32                       2  -6.17e+07   8.73e+07  -1.23e+08"));
}

TEST(Summary, SaysWhereTheFilesAre) {
  EXPECT_EQ(written_text({"out/a.csv", "out/b.csv", "out/c.csv", "out/plots", 12}),
            "Written: out/a.csv\n         out/b.csv\n         out/c.csv\n         12 plots in out/plots\n");
  EXPECT_EQ(written_text({"a", "b", "c", "plots", 1, "metrics.csv"}),
            "Written: a\n         b\n         c\n         metrics.csv\n         1 plot in plots\n");
}

}  // namespace
}  // namespace alphahill
