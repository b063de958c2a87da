/// alpha-hill-sample: writes a checkpoint of exactly known spectrum, and checks a results table against it.
#include <fmt/format.h>

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

/// The options that the sample depends on. They are kept beside it, for the check.
po::options_description model_options() {
  po::options_description description("Model");
  const Options defaults;
  const auto format = std::string(name_of(defaults.dtype));
  description.add_options()                                                                             //
      ("kind", po::value<std::string>()->default_value(defaults.kind), "llama, gpt2 or mixtral")        //
      ("blocks", po::value<std::int64_t>()->default_value(defaults.blocks), "transformer blocks")       //
      ("hidden", po::value<std::int64_t>()->default_value(defaults.hidden), "a power of two, >= 16")    //
      ("dtype", po::value<std::string>()->default_value(format), "stored as bf16, fp16, fp32 or fp64")  //
      ("shards", po::value<std::int64_t>()->default_value(defaults.shards), "files")                    //
      ("seed", po::value<std::uint64_t>()->default_value(defaults.seed), "of the random numbers");
  return description;
}

Options model_from(const po::variables_map& values) {
  Options options;
  options.kind = values["kind"].as<std::string>();
  options.blocks = values["blocks"].as<std::int64_t>();
  options.hidden = values["hidden"].as<std::int64_t>();
  options.dtype = parse_format(values["dtype"].as<std::string>(), "--dtype",
                               {Format::bf16, Format::fp16, Format::fp32, Format::fp64});
  options.shards = values["shards"].as<std::int64_t>();
  options.seed = values["seed"].as<std::uint64_t>();
  const auto require = [](bool holds, const char* option, const std::string& expected) {
    if (!holds) throw Error(Fault::usage, option, "expected " + expected);
  };
  require(std::ranges::count(kinds(), options.kind) == 1, "--kind", "one of " + joined(kinds()));
  require(options.blocks >= 1, "--blocks", "at least 1");
  require(options.hidden >= 16 && std::has_single_bit(static_cast<std::uint64_t>(options.hidden)), "--hidden",
          "a power of two, at least 16");
  require(options.shards >= 1 && options.shards <= 99999, "--shards", "1 to 99999");
  return options;
}

fs::path options_file(const fs::path& folder) {
  return folder / "sample_options.ini";
}

void write_sample(const po::variables_map& values, const fs::path& folder) {
  const Options options = model_from(values);
  write_checkpoint(options, folder);
  std::ofstream(options_file(folder))
      << fmt::format("kind={}\nblocks={}\nhidden={}\ndtype={}\nshards={}\nseed={}\n", options.kind,
                     options.blocks, options.hidden, name_of(options.dtype), options.shards, options.seed);
  fmt::print("{}: {} model of {} blocks\n", folder.string(), options.kind, options.blocks);
}

Options read_options(const fs::path& folder) {
  std::ifstream file(options_file(folder));
  if (!file)
    throw Error(Fault::input, options_file(folder).string(),
                "expected a folder that alpha-hill-sample wrote");
  po::variables_map values;
  po::store(po::parse_config_file(file, model_options()), values);
  return model_from(values);
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
  po::options_description general(
      "alpha-hill-sample [options] FOLDER\n"
      "alpha-hill-sample --check RESULTS.csv FOLDER\n\nOptions");
  general.add_options()                                                                         //
      ("help", "print this")                                                                    //
      ("check", po::value<std::string>(), "compare a results table with the sample in FOLDER")  //
      ("folder", po::value<std::string>(), "the checkpoint folder");
  po::options_description all;
  all.add(general).add(model_options());
  po::variables_map values;
  po::store(po::command_line_parser(argc, argv)
                .options(all)
                .positional(po::positional_options_description().add("folder", 1))
                .run(),
            values);
  if (values.contains("help")) {
    std::cout << all;
    return 0;
  }
  if (!values.contains("folder")) throw Error(Fault::usage, "FOLDER", "expected the checkpoint folder");
  const fs::path folder = values["folder"].as<std::string>();
  if (values.contains("check")) return check(values["check"].as<std::string>(), folder);
  write_sample(values, folder);
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
