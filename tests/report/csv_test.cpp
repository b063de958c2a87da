#include "report/csv.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "results/sample_run.hpp"

namespace alphahill {
namespace {

TEST(Csv, NumbersAreWrittenAsPythonWritesThem) {
  const std::vector<std::pair<double, const char*>> cases{
      {3, "3.0"},
      {100, "100.0"},
      {-0.0, "-0.0"},
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1e-7, "1e-07"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {123456789012345680, "1.2345678901234568e+17"},
      {5e-324, "5e-324"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {no_figure, ""}};
  for (const auto& [value, text] : cases) EXPECT_EQ(csv_number(value), text);
}

TEST(Csv, TextIsQuotedWhereItHasToBe) {
  EXPECT_EQ(csv_text("lm_head"), "lm_head");
  EXPECT_EQ(csv_text("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_text("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_text("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_text(""), "");
}

TEST(Csv, TextThatLooksLikeAFormulaIsDefused) {
  for (const char* text : {"=1+1", "+1", "-1", "@sum", "\tx"})
    EXPECT_EQ(csv_text(text), std::string("'") + text);
  EXPECT_EQ(csv_text("\rx"), "\"'\rx\"");
  EXPECT_EQ(csv_text("=HYPERLINK(\"a\",\"b\")"), "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
}

SampleRun two_layers() {
  SampleRun sample;
  sample.run.precisions = {"fp32", "bf16"};
  sample.run.k_frac = 0.1;
  sample.run.layers = {sample_layer(0), sample_layer(1)};
  sample.run.layers[1].name = "=odd,name";
  sample.run.layers[1].category = "other_linear";
  ResultRow degenerate = failed_row(2, "bf16", "one row");
  degenerate.status = Status::degenerate;
  sample.rows = {sample_row(1, "fp32", 3), sample_row(1, "bf16", 3.25), failed_row(2, "fp32", "NaN"),
                 degenerate};
  return sample;
}

TEST(Csv, ResultsHaveTheColumnsOfTheContractPrecisionByPrecisionAndWhyBehindThem) {
  SampleRun sample = two_layers();
  sample.rows[0].alpha_stderr = 0.25;
  sample.rows[1].alpha_stderr = 0.5;
  sample.rows[2].reason = "NaN, at 3 weights";
  EXPECT_EQ(
      results_csv(view_of(sample)),
      "layer_name,category,out_features,in_features,numel,alpha_fp32,k_used_fp32,n_eigs_fp32,method_fp32,"
      "alpha_bf16,k_used_bf16,n_eigs_bf16,method_bf16,"
      "status_fp32,reason_fp32,alpha_stderr_fp32,status_bf16,reason_bf16,alpha_stderr_bf16\n"
      "model.layers.0.self_attn.q_proj,attn_q,4096,4096,16777216,3.0,409,4096,gram_eigen,3.25,409,4096,"
      "gram_eigen,ok,,0.25,ok,,0.5\n"
      "\"'=odd,name\",other_linear,4096,4096,16777216,,-1,-1,failed,,-1,-1,degenerate,"
      "nonfinite,\"NaN, at 3 weights\",,degenerate,one row,\n");
}

TEST(Csv, TheMethodOfASpectrumWithoutAnAlphaIsNotShown) {
  SampleRun sample = two_layers();
  sample.rows[2].method = sample.rows[3].method = "svd_full";
  EXPECT_EQ(results_csv(view_of(sample)), results_csv(view_of(two_layers())));
}

TEST(Csv, SensitivityHasARowALayerAndPrecisionAndEmptyCellsForWhatWasNotComputed) {
  SampleRun sample = two_layers();
  sample.run.precisions[1] = "int4_g128";
  sample.run.layers[0].numel = 4;
  for (ResultRow& row : sample.rows) {
    if (row.precision == "bf16") row.precision = "int4_g128";
    row.alpha_stderr = no_figure;
  }
  sample.rows[0].cast_error = sample.rows[0].largest_error = sample.rows[0].zeroed = sample.rows[0].clipped =
      0;
  sample.rows[0].effective_rank = 0.5;
  sample.rows[1].cast_error = 0.25;
  sample.rows[1].largest_error = 2;
  sample.rows[1].zeroed = 0.125;
  sample.rows[1].clipped = 0.75;
  EXPECT_EQ(sensitivity_csv(view_of(sample)),
            "layer_name,category,precision,bits_per_weight,relative_error,largest_error,zeroed,clipped,alpha,"
            "alpha_stderr,alpha_change,alpha_change_stderr,effective_rank,score,score_per_weight\n"
            "model.layers.0.self_attn.q_proj,attn_q,fp32,32.0,0.0,0.0,0.0,0.0,3.0,,0.0,,0.5,0.0,0.0\n"
            "model.layers.0.self_attn.q_proj,attn_q,int4_g128,4.125,0.25,2.0,0.125,0.75,3.25,,0.25,,0.5,"
            "0.03125,0.0078125\n"
            "\"'=odd,name\",other_linear,fp32,32.0,,,,,,,,,,,\n"
            "\"'=odd,name\",other_linear,int4_g128,4.125,,,,,,,,,,,\n");
}

TEST(Csv, MetricsHaveARowALayerAndPrecisionAndEmptyCellsForWhatWasNotComputed) {
  ReportView view = view_of(two_layers());
  view.metrics = {"pl_alpha", "num_spikes"};
  view.layers[0].metrics = {{2.5, 3}, {1e-7, no_figure}};
  view.layers[1].metrics = {{no_figure, no_figure}, {no_figure, no_figure}};
  EXPECT_EQ(metrics_csv(view),
            "layer_name,category,precision,pl_alpha,num_spikes\n"
            "model.layers.0.self_attn.q_proj,attn_q,fp32,2.5,3.0\n"
            "model.layers.0.self_attn.q_proj,attn_q,bf16,1e-07,\n"
            "\"'=odd,name\",other_linear,fp32,,\n"
            "\"'=odd,name\",other_linear,bf16,,\n");
}

TEST(Csv, PrecisionsComeInTheOrderAskedFor) {
  Selection selection;
  selection.precisions = {"bf16", "fp32"};
  const std::string csv = results_csv(view_of(two_layers(), selection));
  EXPECT_LT(csv.find("alpha_bf16"), csv.find("alpha_fp32"));
  EXPECT_NE(csv.find(",3.25,409,4096,gram_eigen,3.0,409,4096,gram_eigen,ok,"), std::string::npos) << csv;
}

TEST(Csv, SummaryOfFewFiguresHasEmptyCells) {
  SampleRun sample = two_layers();
  sample.rows[1] = failed_row(1, "bf16", "Inf");
  EXPECT_EQ(summary_csv(view_of(sample)),
            "precision,count,mean,std,min,median,max,q25,q75\n"
            "fp32,1,3.0,,3.0,3.0,3.0,3.0,3.0\n"
            "bf16,0,,,,,,,\n");
}

TEST(Csv, SummaryStatisticsAreThoseOfPandas) {
  SampleRun sample = two_layers();
  sample.rows[2] = sample_row(2, "fp32", 5);
  EXPECT_EQ(summary_csv(view_of(sample)),
            "precision,count,mean,std,min,median,max,q25,q75\n"
            "fp32,2,4.0,1.4142135623730951,3.0,4.0,5.0,3.5,4.5\n"
            "bf16,1,3.25,,3.25,3.25,3.25,3.25,3.25\n");
}

TEST(Csv, TheFirstCellsOfItsRowsComeBackAsTheyAreWritten) {
  SampleRun sample = two_layers();
  sample.run.layers[0].name = "a \"b\", c";
  sample.run.layers[1].name = "=d";
  EXPECT_EQ(first_cells(results_csv(view_of(sample))),
            (std::set{csv_text(sample.run.layers[0].name), csv_text(sample.run.layers[1].name)}));
}

}  // namespace
}  // namespace alphahill
