/// alpha-hill-sample: writes a checkpoint of exactly known spectrum, and checks a results table against it.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "sample/agreement.hpp"
#include "sample/checkpoint.hpp"

namespace alphahill::sample {

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr std::size_t disagreements_shown = 5;

/// The options that a sample depends on, read into `options` by po::notify. They are kept beside it, for the
/// check.
po::options_description model_options(Options& options) {
  const auto read_dtype = [&options](const std::string& name) {
    options.dtype =
        parse_format(name, "--dtype",
                     {ElementFormat::bf16, ElementFormat::fp16, ElementFormat::fp32, ElementFormat::fp64});
  };
  const std::string usual_dtype(name_of(options.dtype));
  po::options_description description("Model");
  auto add = description.add_options();
  add("kind", po::value(&options.kind)->default_value(options.kind), joined(kinds()).c_str());
  add("blocks", po::value(&options.blocks)->default_value(options.blocks), "transformer blocks");
  add("hidden", po::value(&options.hidden)->default_value(options.hidden), "a power of two, at least 16");
  add("dtype", po::value<std::string>()->default_value(usual_dtype)->notifier(read_dtype),
      "stored as bf16, fp16, fp32 or fp64");
  add("shards", po::value(&options.shards)->default_value(options.shards), "files");
  add("seed", po::value(&options.seed)->default_value(options.seed), "of the random numbers");
  return description;
}

void require_valid(const Options& options) {
  const auto require = [](bool holds, const char* option, const std::string& expected) {
    if (!holds) throw Error(Fault::usage, option, "expected " + expected);
  };
  const bool power_of_two =
      options.hidden > 0 && std::has_single_bit(static_cast<std::uint64_t>(options.hidden));
  require(std::ranges::count(kinds(), options.kind) == 1, "--kind", "one of " + joined(kinds()));
  require(options.blocks >= 1, "--blocks", "at least 1");
  require(power_of_two && options.hidden >= 16, "--hidden", "a power of two, at least 16");
  require(options.shards >= 1 && options.shards <= 99999, "--shards", "1 to 99999");
}

fs::path options_file(const fs::path& folder) {
  return folder / "sample_options.ini";
}

void write_sample(const Options& options, const fs::path& folder) {
  write_checkpoint(options, folder);
  std::ofstream(options_file(folder))
      << fmt::format("kind={}\nblocks={}\nhidden={}\ndtype={}\nshards={}\nseed={}\n", options.kind,
                     options.blocks, options.hidden, name_of(options.dtype), options.shards, options.seed);
  fmt::print("{}: {} model of {} blocks\n", folder.string(), options.kind, options.blocks);
}

Options read_options(const fs::path& folder) {
  const fs::path path = options_file(folder);
  std::ifstream file(path);
  if (!file) throw Error(Fault::input, path.string(), "expected a folder that alpha-hill-sample wrote");
  Options options;
  po::variables_map values;
  po::store(po::parse_config_file(file, model_options(options)), values);
  po::notify(values);
  return options;
}

/// @return exit code: 0 when all figures agree
int check(const fs::path& csv, const fs::path& folder) {
  const Agreement agreement = compare(csv, read_options(folder));
  if (agreement.disagreements.empty()) {
    fmt::print("{} figures agree with the known spectrum, largest relative difference {:.1e}\n",
               agreement.figures, agreement.largest_difference);
    return 0;
  }
  fmt::print("{} of {} figures differ from the known spectrum; the worst:\n", agreement.disagreements.size(),
             agreement.figures);
  for (std::size_t i = 0; i < std::min(disagreements_shown, agreement.disagreements.size()); ++i) {
    const Disagreement& worst = agreement.disagreements[i];
    fmt::print("  {} {}: {:.1e}\n", worst.layer, worst.precision, worst.relative_difference);
  }
  return 1;
}

int run(int argc, char** argv) {
  po::options_description all(
      "alpha-hill-sample [options] FOLDER\n"
      "alpha-hill-sample --check RESULTS.csv FOLDER\n\nOptions");
  auto add = all.add_options();
  add("help", "print this");
  add("check", po::value<std::string>(), "compare a results table with the sample in FOLDER");
  add("folder", po::value<std::string>(), "the checkpoint folder");
  Options options;
  all.add(model_options(options));
  const auto positional = po::positional_options_description().add("folder", 1);
  po::variables_map values;
  po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), values);
  if (values.contains("help")) {
    std::cout << all;
    return 0;
  }
  po::notify(values);
  require_valid(options);
  if (!values.contains("folder")) throw Error(Fault::usage, "FOLDER", "expected the checkpoint folder");
  const fs::path folder = values["folder"].as<std::string>();
  if (values.contains("check")) return check(values["check"].as<std::string>(), folder);
  write_sample(options, folder);
  return 0;
}

int fail(const std::string& reason, int exit_code) {
  fmt::print(stderr, "alpha-hill-sample: error: {}\n", reason);
  return exit_code;
}

}  // namespace
}  // namespace alphahill::sample

int main(int argc, char** argv) {
  using namespace alphahill;
  try {
    return sample::run(argc, argv);
  } catch (const boost::program_options::error& error) {
    return sample::fail(error.what(), 2);
  } catch (const Error& error) {
    return sample::fail(error.what(), error.fault() == Fault::usage ? 2 : 1);
  } catch (const std::exception& error) {
    return sample::fail(error.what(), 1);
  }
}
