#include "programs/run/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "programs/command_line/command_line.hpp"
#include "programs/command_line/option_values.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

constexpr const char* intro =
    R"(alpha-hill: the Hill exponent alpha of the weight spectrum of every Linear layer of a model, at several
precisions.

  alpha-hill --model FOLDER_OR_HUB_ID [options]           on one core
  mpirun -n 8 alpha-hill --model FOLDER_OR_HUB_ID ...     on eight
  srun --mpi=pmix alpha-hill --model ...                  in a Slurm job

The same command on the same output folder goes on where the last run stopped, and tries layers again that failed.
)";

constexpr const char* examples =
    R"(Files in the output folder:
  alpha_hill.h5                        every figure and every spectrum (alpha-hill-report reads it)
  precision_alpha_hill_results.csv     one row a layer
  precision_summary_statistics.csv     one row a precision
  precision_sensitivity.csv            one row a layer and precision: errors of rounding, what alpha does, score
  spectral_metrics.csv                 with --metrics, one row a layer and precision; in alpha_hill.h5 too
  plots/                               distributions, categories, layers
  report_settings.json                 what these tables and plots were made with
  alpha_hill.journal                   finished layers while the run is in progress

Exit codes: 0 complete, 1 failed, or no layer has a figure, 2 wrong usage, 75 stopped early (run the same command
again).

Examples:
  alpha-hill --model meta-llama/Llama-3.1-8B --precisions fp64,fp32,fp16,bf16
  alpha-hill --model ./checkpoint --precisions fp32 --survey fp8_e4m3,int4_g128,mxfp4,nvfp4
  alpha-hill --model ./checkpoint --filter-layers 'layers\.(0|1)\.' --dry-run
  alpha-hill --model ./checkpoint --list-layers
)";

/// An option of a run. Flags take no value.
struct RunOption {
  const char* name;
  const char* value;  ///< what --help calls it; nothing: a flag
  const char* usual;  ///< where it is not given; nothing: `take` is not called then
  std::string text;
  void (*take)(Options& options, const std::string& name, const std::string& value);
};

const std::vector<ElementFormat> load_formats{ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                              ElementFormat::bf16};

/// "4G" for 4: what a number without a unit is likely to be.
std::string with_likely_unit(std::int64_t number) {
  const char unit = number < 1024 ? 'G' : number < 1024 * 1024 ? 'M' : 'K';
  return fmt::format("{}{}", number, unit);
}

/// @throws Error(usage) for less than the program needs without any layer
std::int64_t memory_of_rank(const std::string& name, const std::string& value) {
  const std::int64_t bytes = memory_size(name, value);
  if (bytes > program_bytes) return bytes;
  const bool has_unit = value.find_first_not_of("0123456789") != value.npos;
  throw Error(Fault::usage, name,
              fmt::format("expected more than the {} that the program itself needs, found '{}', {}{}",
                          human_bytes(static_cast<double>(program_bytes)), value,
                          human_bytes(static_cast<double>(bytes)),
                          has_unit ? "" : fmt::format("; did you mean {}?", with_likely_unit(bytes))));
}

/// @param remarks  where a name is another's for ours
std::vector<Precision> precisions_of(const std::string& name, const std::string& value,
                                     std::vector<std::string>& remarks) {
  std::vector<Precision> precisions;
  for (const std::string& precision : list_of(name, value)) {
    const Precision parsed = parse_precision(precision, name);
    if (std::ranges::find(precisions, parsed.name, &Precision::name) != precisions.end()) {
      throw Error(Fault::usage, name,
                  fmt::format("expected each once, found {} twice in '{}'", parsed.name, value));
    }
    precisions.push_back(parsed);
    if (in_lower_case(precision) != parsed.name) {
      remarks.push_back(
          fmt::format("{} is taken for {}, which others of that name may not be", precision, parsed.name));
    }
  }
  return precisions;
}

/// @throws Error(usage) for another word than all or none
bool wants_spectra(const std::string& name, const std::string& value) {
  if (value == "all" || value == "none") return value == "all";
  throw Error(Fault::usage, name, fmt::format("expected all or none, found '{}'", value));
}

/// Precisions whose spectra are wanted are surveyed with them.
void divide_precisions(AnalysisSettings& settings, bool spectra) {
  std::vector<Precision> asked = settings.all_precisions();
  const std::size_t with_spectra = spectra ? settings.precisions.size() : 0;
  settings.precisions.clear();
  settings.survey.clear();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const std::vector<Precision> before = settings.all_precisions();
    if (std::ranges::find(before, asked[i].name, &Precision::name) != before.end()) continue;
    (i < with_spectra ? settings.precisions : settings.survey).push_back(asked[i]);
  }
}

using Name = const std::string&;
using Value = const std::string&;

const std::vector<RunOption> run_options{
    {"model", "MODEL", nullptr,
     "checkpoint folder, safetensors file, or hub id in the local cache, also of a sub-folder (required)",
     [](Options& options, Name name, Value value) { options.model = file_path(name, value); }},
    {"revision", "REV", "main", "branch, tag or commit of a hub id; of a commit, the first digits will do",
     [](Options& options, Name, Value value) { options.revision = value; }},
    {"device", "DEVICE", "cpu", "cpu, cuda (the ranks of a node take its GPUs in turn) or cuda:N",
     [](Options& options, Name, Value value) { options.device = parse_device(value); }},
    {"load-dtype", "DTYPE", "fp32",
     "first cast of the stored weights: fp32, fp16 or bf16; fp64 keeps them as they are",
     [](Options& options, Name name, Value value) {
       options.settings.load = parse_format(value, name, load_formats);
     }},
    {"precisions", "LIST", "fp32,fp16,bf16",
     "of fp64, fp32, fp16, bf16, fp8_e4m3, int8 to int2, mxfp8, mxfp6_e2m3, mxfp4, nvfp4, nf4 and their like "
     "(--help formats lists them): a second cast, one each",
     [](Options& options, Name name, Value value) {
       options.settings.precisions = precisions_of(name, value, options.remarks);
     }},
    {"survey", "LIST", nullptr,
     "precisions of which only the errors of rounding are computed, in a pass over the weights that is made "
     "anyway",
     [](Options& options, Name name, Value value) {
       options.settings.survey = precisions_of(name, value, options.remarks);
     }},
    {"spectra", "WHICH", "all",
     "all: those of --precisions are computed; none: the errors of rounding alone, in one read",
     [](Options& options, Name name, Value value) { options.spectra = wants_spectra(name, value); }},
    {"output-dir", "DIR", "./results/precision_analysis", "where everything is written",
     [](Options& options, Name name, Value value) { options.report.output_dir = file_path(name, value); }},
    {"k-frac", "FRACTION", "0.1", "part of the eigenvalues in the tail, in (0, 1]",
     [](Options& options, Name name, Value value) { options.settings.k_fraction = fraction(name, value); }},
    {"share-tolerance", "TOLERANCE", "1e-5",
     "precisions whose alphas are certain to differ by less, relatively, share one spectrum; 0: only those "
     "of equal bits",
     [](Options& options, Name name, Value value) {
       options.settings.share_tolerance = tolerance(name, value);
     }},
    {"fuse-scales", nullptr, nullptr,
     "projections that engines do as one (q, k, v; gate, up) share the scale of the whole tensor, of nvfp4 "
     "and fp8_*_tensor (--help formats)",
     [](Options& options, Name, Value) { options.settings.fuse_scales = true; }},
    {"filter-layers", "REGEX", "", "only layers whose name contains a match (Perl syntax)",
     [](Options& options, Name, Value value) { options.filter_layers = value; }},
    {"include-mtp", nullptr, nullptr, "also layers of multi-token prediction, which the model does without",
     [](Options& options, Name, Value) { options.include_mtp = true; }},
    {"allow-unmerged", nullptr, nullptr,
     "analyse the weights under an adapter that is not merged into them as they are",
     [](Options& options, Name, Value) { options.allow_unmerged = true; }},
    {"grace", "SECONDS", "60", "for running layers when a signal stops the run",
     [](Options& options, Name name, Value value) { options.grace_seconds = whole_number(name, value); }},
    {"layer-timeout", "SECONDS", nullptr,
     "after which a layer counts as hanging; default: a multiple of what is expected",
     [](Options& options, Name name, Value value) { options.layer_timeout = whole_number(name, value); }},
    {"threads-per-rank", "N", "1",
     "cores that a rank uses where that helps: its Gram matrices and band reductions",
     [](Options& options, Name name, Value value) {
       options.threads_per_rank = positive_number(name, value);
     }},
    {"memory-per-rank", "SIZE", nullptr,
     "such as 4G; layers that need more go to a team of ranks, or are left out; default: an equal share of "
     "the node",
     [](Options& options, Name name, Value value) { options.memory_per_rank = memory_of_rank(name, value); }},
    {"max-team-size", "N", nullptr,
     "ranks that may share a layer that would end after everything else, or that one rank has not the memory "
     "for; 1: none; default: all",
     [](Options& options, Name name, Value value) { options.largest_team = positive_number(name, value); }},
    {"no-report", nullptr, nullptr, "write alpha_hill.h5 only",
     [](Options& options, Name, Value) { options.write_report = false; }},
    {"restart", nullptr, nullptr,
     "begin anew, whatever the output folder holds: results, tables and plots in it are removed",
     [](Options& options, Name, Value) { options.restart = true; }},
    {"list-layers", nullptr, nullptr, "print the layers and end",
     [](Options& options, Name, Value) { options.list_layers = true; }},
    {"all", nullptr, nullptr, "with --list-layers: print every tensor, and what it is taken for, instead",
     [](Options& options, Name, Value) { options.list_all_tensors = true; }},
    {"dry-run", nullptr, nullptr, "print what a run would still read, need and take, and end",
     [](Options& options, Name, Value) { options.dry_run = true; }},
    {"ranks", "N", nullptr, "of the run that --dry-run is about; default: as many as there are",
     [](Options& options, Name name, Value value) { options.ranks = positive_number(name, value); }},
};

po::options_description described_options() {
  po::options_description options("Run", 100);
  for (const auto& [name, value, usual, text, take] : run_options) {
    if (value == nullptr) {
      options.add_options()(name, po::bool_switch(), text.c_str());
      continue;
    }
    auto* semantic = po::value<std::string>()->value_name(value);
    options.add_options()(name, usual == nullptr ? semantic : semantic->default_value(usual), text.c_str());
  }
  return options;
}

CommandLine alpha_hill_command_line() {
  CommandLine command_line{described_options(), {}, intro, examples, "model"};
  command_line.options.add(report_options()).add(general_options());
  return command_line;
}

bool is_given(const RunOption& option, const po::variables_map& values) {
  return option.value == nullptr ? values[option.name].as<bool>() : values.contains(option.name);
}

Options to_print(const std::string& text) {
  Options options;
  options.text = text;
  return options;
}

/// @throws Error(usage) for options that do not go together
void check_combination(const Options& options) {
  if (options.model.empty()) {
    throw Error(Fault::usage, "--model", "expected a checkpoint folder or a hub id; see --help");
  }
  if (options.list_all_tensors && !options.list_layers) {
    throw Error(Fault::usage, "--all", "expected together with --list-layers");
  }
  const auto& base = options.report.selection.base;
  if (base && std::ranges::find(options.settings.precisions, *base, &Precision::name) ==
                  options.settings.precisions.end()) {
    throw Error(Fault::usage, "--base",
                fmt::format("expected one of --precisions, with its spectrum, found '{}'", *base));
  }
  if (options.ranks && !options.dry_run) {
    throw Error(Fault::usage, "--ranks",
                "expected together with --dry-run; a run has the ranks that mpirun -n N or srun starts");
  }
}

Options options_of(const po::variables_map& values) {
  Options options;
  options.report = report_settings(values);
  options.log_level = values["log-level"].as<std::string>();
  for (const RunOption& option : run_options) {
    if (!is_given(option, values)) continue;
    const bool flag = option.value == nullptr;
    option.take(options, fmt::format("--{}", option.name), flag ? "" : values[option.name].as<std::string>());
  }
  divide_precisions(options.settings, options.spectra);
  check_combination(options);
  return options;
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
  if (asks_for_table(argc, argv, "formats")) return to_print(precision_table());
  if (asks_for_table(argc, argv, "metrics")) return to_print(spectral_metrics_table());
  const CommandLine command_line = alpha_hill_command_line();
  const GivenOptions given = parse(command_line, argc, argv);
  const std::string text = requested_text(command_line, given.values, "alpha-hill");
  if (!text.empty()) return to_print(text);
  try {
    return options_of(given.values);
  } catch (const Error& error) {
    throw given.placed(error);
  }
}

}  // namespace alphahill
