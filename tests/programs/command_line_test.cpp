/// What the command line of alpha-hill takes, and what it says of what it does not.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "programs/command_line/nearest.hpp"
#include "programs/command_line/option_values.hpp"
#include "programs/run/options.hpp"
#include "support/environment_variable.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Options parsed(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"alpha-hill"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

std::string refusal_of(const std::vector<std::string>& arguments) {
  const auto error = thrown_by([&] { parsed(arguments); });
  if (!error) return "nothing was thrown";
  EXPECT_EQ(error->fault(), Fault::usage);
  return error->what();
}

std::vector<std::string> names_in(const std::vector<Precision>& precisions) {
  std::vector<std::string> names;
  for (const Precision& precision : precisions) names.emplace_back(precision.name);
  return names;
}

std::vector<std::string> precision_names(const Options& options) {
  return names_in(options.settings.precisions);
}

TEST(CommandLine, AnUnknownOptionNamesTheNearestOne) {
  const std::vector<std::pair<std::string, std::string>> nearest{
      {"--modle", "--model"},          {"--k-frc", "--k-frac"},      {"--k_frac", "--k-frac"},
      {"--precision", "--precisions"}, {"--output", "--output-dir"}, {"--drry-run", "--dry-run"},
      {"--format", "--plot-format"},   {"--rank", "--ranks"}};
  for (const auto& [given, meant] : nearest) {
    EXPECT_THAT(refusal_of({"--model", "m", given, "0.1"}),
                HasSubstr("unrecognised option '" + given + "', did you mean '" + meant + "'?"));
  }
}

TEST(CommandLine, WhatOtherProgramsCallAnOptionIsToldAsItIsCalledHere) {
  const std::vector<std::pair<std::string, std::string>> ours{
      {"-m", "did you mean '--model'?"},
      {"-o", "did you mean '--output-dir'?"},
      {"--dtype", "unrecognised option '--dtype', did you mean '--load-dtype' or '--precisions'?"},
      {"--torch_dtype", "did you mean '--load-dtype' or '--precisions'?"},
      {"--layers", "did you mean '--filter-layers'?"},
      {"--verbose", "did you mean '--log-level'?"}};
  for (const auto& [given, meant] : ours) {
    EXPECT_THAT(refusal_of({given, "x", "--model", "m"}), HasSubstr(meant));
  }
}

TEST(CommandLine, ANumberOfRanksIsTheLaunchers) {
  for (const char* given : {"-n", "-np", "--np", "--ntasks"}) {
    EXPECT_THAT(refusal_of({given, "4", "--model", "m"}), HasSubstr("mpirun -n N alpha-hill ..."));
  }
  EXPECT_THAT(refusal_of({"--model", "m", "--ranks", "4"}),
              HasSubstr("--ranks: expected together with --dry-run; a run has the ranks that mpirun -n N"));
  EXPECT_EQ(parsed({"--model", "m", "--ranks", "4", "--dry-run"}).ranks, 4);
}

TEST(CommandLine, PathsAreNotEmptyAndKnowTheHomeFolder) {
  const EnvironmentVariable home("HOME", "/home/ada");
  const Options options = parsed({"--model=~/models/x", "--output-dir=~/results"});
  EXPECT_EQ(options.model, "/home/ada/models/x");
  EXPECT_EQ(options.report.output_dir, "/home/ada/results");
  EXPECT_THAT(refusal_of({"--model", "m", "--output-dir", ""}),
              HasSubstr("--output-dir: expected a path, found ''"));
}

TEST(CommandLine, TheValueOfAnUnknownOptionIsNoPartOfItsName) {
  EXPECT_THAT(refusal_of({"--model", "m", "--k-frc=0.1"}),
              HasSubstr("unrecognised option '--k-frc', did you mean '--k-frac'?"));
}

TEST(CommandLine, WhatIsFarFromAllOptionsNamesNone) {
  EXPECT_THAT(refusal_of({"--model", "m", "--zzzzzz"}),
              AllOf(HasSubstr("unrecognised option '--zzzzzz'; see --help"), Not(HasSubstr("did you mean"))));
}

TEST(CommandLine, AModelWithoutItsOptionIsToldToUseIt) {
  EXPECT_THAT(refusal_of({"org/name", "--k-frac", "0.1"}),
              HasSubstr("'org/name' belongs to no option; a model is named by --model: --model org/name"));
}

TEST(CommandLine, ABlankInAListOnTheCommandLineIsToldToQuoteIt) {
  EXPECT_THAT(refusal_of({"--model", "m", "--precisions", "fp32", "bf16"}),
              HasSubstr("'bf16' belongs to no option; a list with blanks"));
}

TEST(CommandLine, AValueBehindAFlagIsToldThatItTakesNone) {
  EXPECT_THAT(refusal_of({"--model", "m", "--restart", "yes"}),
              HasSubstr("'yes' belongs to no option; --restart takes no value"));
}

TEST(CommandLine, TheBaseIsOneOfThePrecisions) {
  EXPECT_EQ(refusal_of({"--model", "m", "--precisions", "fp32,bf16", "--base", "fp16"}),
            "--base: expected one of --precisions, with its spectrum, found 'fp16'");
  EXPECT_EQ(refusal_of({"--model", "m", "--precisions", "fp32,nvfp4", "--base", "FP4"}),
            "nothing was thrown");
}

TEST(CommandLine, WhatIsSurveyedHasNoSpectrumAndWhatHasOneIsSurveyedWithIt) {
  const Options some = parsed({"--model", "m", "--precisions", "fp32,int4", "--survey", "nvfp4,int4"});
  EXPECT_THAT(names_in(some.settings.precisions), ElementsAre("fp32", "int4"));
  EXPECT_THAT(names_in(some.settings.survey), ElementsAre("nvfp4"));
  const Options none =
      parsed({"--model", "m", "--precisions", "fp32", "--survey", "nvfp4,fp32", "--spectra", "none"});
  EXPECT_THAT(names_in(none.settings.precisions), ElementsAre());
  EXPECT_THAT(names_in(none.settings.survey), ElementsAre("fp32", "nvfp4"));
  EXPECT_EQ(refusal_of({"--model", "m", "--spectra", "some"}),
            "--spectra: expected all or none, found 'some'");
  EXPECT_EQ(refusal_of({"--model", "m", "--precisions", "fp32", "--spectra", "none", "--base", "fp32"}),
            "--base: expected one of --precisions, with its spectrum, found 'fp32'");
}

TEST(CommandLine, MetricsAreAskedForByNameOrAllTogether) {
  EXPECT_THAT(refusal_of({"--model", "m", "--metrics", "stable_rank,alpha"}),
              HasSubstr("--metrics: 'alpha' is no metric, did you mean pl_alpha"));
  EXPECT_EQ(refusal_of({"--model", "m", "--metrics", "all"}), "nothing was thrown");
  EXPECT_THAT(refusal_of({"--model", "m", "--metrics", ""}),
              HasSubstr("--metrics: expected a comma-separated list"));
}

TEST(CommandLine, ScalesAreTheLayersAloneWhereItIsNotSaidThatTheyAreShared) {
  EXPECT_FALSE(parsed({"--model", "m"}).settings.fuse_scales);
  EXPECT_TRUE(parsed({"--model", "m", "--fuse-scales"}).settings.fuse_scales);
  EXPECT_THAT(parsed({"--help", "formats"}).text, HasSubstr("With --fuse-scales"));
}

TEST(CommandLine, BlanksAroundTheCommasOfAListDoNotCount) {
  EXPECT_THAT(list_of("--x", "fp32 , fp16,\tbf16 "), ElementsAre("fp32", "fp16", "bf16"));
  EXPECT_TRUE(thrown_by([] { list_of("--x", "fp32, ,bf16"); }));
  EXPECT_TRUE(thrown_by([] { list_of("--x", "fp32, fp32"); }));
}

TEST(CommandLine, AMemorySizeBelowWhatTheProgramNeedsIsRefusedWithTheLikelyOne) {
  const std::vector<std::pair<std::string, std::string>> meant{
      {"4", "found '4', 4 B; did you mean 4G?"},
      {"4096", "found '4096', 4.0 KiB; did you mean 4096M?"},
      {"4194304", "found '4194304', 4.0 MiB; did you mean 4194304K?"},
      {"64M", "found '64M', 64.0 MiB"},
      {"128M", "found '128M', 128.0 MiB"}};
  for (const auto& [given, expected] : meant) {
    EXPECT_THAT(
        refusal_of({"--model", "m", "--memory-per-rank", given}),
        AllOf(HasSubstr("--memory-per-rank: expected more than the 128.0 MiB that the program itself needs"),
              EndsWith(expected)));
  }
  EXPECT_EQ(parsed({"--model", "m", "--memory-per-rank", "131073K"}).memory_per_rank, 131073 * 1024);
}

class ConfigFileTest : public testing::Test {
 protected:
  std::vector<std::string> with_config(const std::string& text) const {
    folder_.write("run.cfg", text);
    return {"--model", "m", "--config", (folder_.path() / "run.cfg").string()};
  }

  const TemporaryFolder folder_;
};

TEST_F(ConfigFileTest, TakesListsWithBlanksFlagsAndRemarks) {
  const Options options = parsed(
      with_config("# of tonight\n\nprecisions = fp64, bf16\r\nno-report # only figures\nrestart = true\n"));
  EXPECT_THAT(precision_names(options), ElementsAre("fp64", "bf16"));
  EXPECT_FALSE(options.write_report);
  EXPECT_TRUE(options.restart);
}

TEST_F(ConfigFileTest, AWrongNameIsRefusedWithItsLineAndTheRightSpelling) {
  EXPECT_THAT(refusal_of(with_config("no-report\nk_frac = 0.2\n")),
              HasSubstr("run.cfg, line 2: unrecognised option 'k_frac', did you mean 'k-frac'?"));
  EXPECT_THAT(refusal_of(with_config("--dry-run\n")),
              HasSubstr("line 1: unrecognised option '--dry-run', did you mean 'dry-run'?"));
}

TEST_F(ConfigFileTest, QuotesAroundAValueAreNoPartOfIt) {
  const Options options = parsed(
      with_config("precisions = \"fp64, bf16\"\nfilter-layers = 'a#b' # remark\noutput-dir='my results'\n"));
  EXPECT_THAT(precision_names(options), ElementsAre("fp64", "bf16"));
  EXPECT_EQ(options.filter_layers, "a#b");
  EXPECT_EQ(options.report.output_dir, "my results");
  for (const char* wrong :
       {"precisions = \"fp64", "precisions = \"fp64\", \"bf16\"", "precisions = 'fp64\""}) {
    EXPECT_THAT(refusal_of(with_config(wrong)),
                HasSubstr("run.cfg, line 1: expected one pair of quotes around the value, found "));
  }
}

TEST_F(ConfigFileTest, MayBeWrittenOnWindows) {
  const Options options = parsed(with_config("\xEF\xBB\xBFk-frac\t=\t0.5\r\nrestart\r\n\r\n"));
  EXPECT_EQ(options.settings.k_fraction, 0.5);
  EXPECT_TRUE(options.restart);
}

TEST_F(ConfigFileTest, AWrongValueIsRefusedWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"# mine\nk-frac = 2\n", "run.cfg, line 2: k-frac: expected a number in (0, 1], found '2'"},
      {"k-frac =\n", "run.cfg, line 1: k-frac: expected a number in (0, 1], found ''"},
      {"device = tpu\n", "run.cfg, line 1: device: expected cpu, cuda or cuda:N, found 'tpu'"},
      {"\n\nplot-format = gif", "run.cfg, line 3: plot-format: expected png, pdf or svg"},
      {"all\n", "run.cfg, line 1: all: expected together with --list-layers"},
      {"restart = maybe\n", "run.cfg, line 1: the argument ('maybe') for option 'restart' is invalid"},
      {"restart = %canonical_option%\n", "run.cfg, line 1: the option 'restart' or its value is wrong"},
      {"k-frac = 0.1\n\nk-frac = 0.2\n",
       "run.cfg, line 3: option 'k-frac' cannot be specified more than once"}};
  for (const auto& [text, expected] : wrong) EXPECT_THAT(refusal_of(with_config(text)), HasSubstr(expected));
}

TEST_F(ConfigFileTest, AWrongValueOfTheCommandLineHasNoLine) {
  std::vector<std::string> arguments = with_config("k-frac = 0.1\n");
  arguments.insert(arguments.end(), {"--k-frac", "2"});
  EXPECT_THAT(refusal_of(arguments), StartsWith("--k-frac: expected a number"));
}

TEST_F(ConfigFileTest, NamesNoOtherOne) {
  EXPECT_THAT(refusal_of(with_config("restart\nconfig = other.cfg\n")),
              HasSubstr("run.cfg, line 2: a config file names no other one"));
}

TEST_F(ConfigFileTest, ALineOfAnotherFormIsShown) {
  for (const std::string line : {"k-frac: 0.2", "k-frac 0.2", "= 0.2"}) {
    EXPECT_THAT(refusal_of(with_config(line + "  # remark\n")),
                HasSubstr("run.cfg, line 1: expected 'name = value' or a flag, found '" + line));
  }
}

TEST_F(ConfigFileTest, AnOptionWithoutItsValueIsNotAFlag) {
  EXPECT_THAT(refusal_of(with_config("k-frac\n")),
              HasSubstr("line 1: expected 'k-frac = value', found no value"));
}

}  // namespace
}  // namespace alphahill
