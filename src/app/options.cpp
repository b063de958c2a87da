#include "alphahill/app/options.hpp"

#include "alphahill/app/command_line.hpp"
#include "alphahill/app/option_values.hpp"
#include "alphahill/base/error.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

constexpr const char* intro =
    R"(alpha-hill: the Hill exponent alpha of the weight spectrum of every Linear layer of a model, at several precisions.

  alpha-hill --model FOLDER_OR_HUB_ID [options]           on one core
  mpirun -n 8 alpha-hill --model FOLDER_OR_HUB_ID ...     on eight
  srun --mpi=pmix alpha-hill --model ...                  in a Slurm job

The same command on the same output folder goes on where the last run stopped.
)";

constexpr const char* examples =
    R"(Files in the output folder:
  alpha_hill.h5                        every figure and every spectrum (alpha-hill-report reads it)
  precision_alpha_hill_results.csv     one row a layer
  precision_summary_statistics.csv     one row a precision
  plots/                               distributions, categories, layers
  alpha_hill.journal                   finished layers while the run is under way

Exit codes: 0 complete, 1 failed, 2 wrong usage, 75 stopped early (run the same command again).

Examples:
  alpha-hill --model meta-llama/Llama-3.1-8B --precisions fp64,fp32,fp16,bf16
  alpha-hill --model ./checkpoint --filter-layers 'layers\.(0|1)\.' --dry-run
  alpha-hill --model ./checkpoint --list-layers
)";

po::options_description run_options() {
  po::options_description options("Run", 100);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto flag = [] { return po::bool_switch(); };
  auto add = options.add_options();
  add("model", text("MODEL"), "checkpoint folder, or hub id in the local cache (required)");
  add("revision", text("REV")->default_value("main"), "branch, tag or commit of a hub id");
  add("device", text("DEVICE")->default_value("cpu"),
      "cpu, cuda (the ranks of a node take its GPUs in turn) or cuda:N");
  add("load-dtype", text("DTYPE")->default_value("fp32"),
      "first cast of the stored weights: fp32, fp16 or bf16");
  add("precisions", text("LIST")->default_value("fp32,fp16,bf16"),
      "of fp64, fp32, fp16, bf16: a second cast, one each");
  add("output-dir", text("DIR")->default_value("./results/precision_analysis"),
      "where everything is written");
  add("k-frac", text("FRACTION")->default_value("0.1"), "part of the eigenvalues in the tail, in (0, 1]");
  add("share-tolerance", text("TOLERANCE")->default_value("1e-5"),
      "precisions whose alphas are certain to differ by less, relatively, share one spectrum; 0: only those "
      "of equal bits");
  add("filter-layers", text("REGEX")->default_value(""),
      "only layers whose name contains a match (Perl syntax)");
  add("grace", text("SECONDS")->default_value("60"), "for layers under way when a signal stops the run");
  add("layer-timeout", text("SECONDS"),
      "after which a layer counts as hanging; default: a multiple of what is expected");
  add("threads-per-rank", text("N")->default_value("1"),
      "cores that a rank uses where that helps: its Gram matrices and band reductions");
  add("memory-per-rank", text("SIZE"),
      "such as 4G; layers that need more go to a team of ranks, or are left out; default: an equal share of "
      "the node");
  add("max-team-size", text("N"),
      "ranks that may share a layer that would end after everything else, or that one rank has not the "
      "memory for; "
      "1: none; default: all");
  add("no-report", flag(), "write alpha_hill.h5 only");
  add("restart", flag(),
      "begin anew, whatever the output folder holds: results, tables and plots in it are removed");
  add("list-layers", flag(), "print the layers and end");
  add("dry-run", flag(), "print what a run would read, need and take, and end");
  add("ranks", text("N"), "of the run that --dry-run is about; default: as many as there are");
  return options;
}

CommandLine alpha_hill_command_line() {
  CommandLine command_line{run_options(), {}, intro, examples};
  command_line.options.add(report_options()).add(general_options());
  return command_line;
}

AnalysisSettings analysis_settings(const po::variables_map& values) {
  const std::vector<Format> narrow{Format::fp32, Format::fp16, Format::bf16};
  const std::vector<Format> all{Format::fp64, Format::fp32, Format::fp16, Format::bf16};
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  AnalysisSettings settings{.load = parse_format(text("load-dtype"), "--load-dtype", narrow),
                            .precisions = {},
                            .k_fraction = fraction("--k-frac", text("k-frac")),
                            .share_tolerance = tolerance("--share-tolerance", text("share-tolerance"))};
  for (const std::string& name : list_of("--precisions", text("precisions"))) {
    settings.precisions.push_back(parse_format(name, "--precisions", all));
  }
  return settings;
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  const CommandLine command_line = alpha_hill_command_line();
  const po::variables_map values = parse(command_line, argc, argv);
  Options options;
  options.text = requested_text(command_line, values, "alpha-hill");
  if (!options.text.empty()) return options;
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  const auto flag = [&](const char* name) { return values[name].as<bool>(); };
  if (!values.contains("model") || text("model").empty()) {
    throw Error(Fault::usage, "--model", "expected a checkpoint folder or a hub id; see --help");
  }
  options.model = text("model");
  options.revision = text("revision");
  options.device = parse_device(text("device"));
  options.settings = analysis_settings(values);
  options.filter_layers = text("filter-layers");
  options.report = report_settings(values);
  options.grace_seconds = whole_number("--grace", text("grace"));
  if (values.contains("layer-timeout"))
    options.layer_timeout = whole_number("--layer-timeout", text("layer-timeout"));
  options.threads_per_rank = whole_number("--threads-per-rank", text("threads-per-rank"), 1);
  if (values.contains("memory-per-rank")) {
    options.memory_per_rank = memory_size("--memory-per-rank", text("memory-per-rank"));
  }
  if (values.contains("max-team-size")) {
    options.largest_team = positive_number("--max-team-size", text("max-team-size"));
  }
  options.log_level = text("log-level");
  options.write_report = !flag("no-report");
  options.restart = flag("restart");
  options.list_layers = flag("list-layers");
  options.dry_run = flag("dry-run");
  if (values.contains("ranks")) options.ranks = positive_number("--ranks", text("ranks"));
  return options;
}

}  // namespace alphahill
