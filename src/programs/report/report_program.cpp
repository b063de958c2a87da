#include "programs/report/report_program.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "alphahill/base/error.hpp"
#include "alphahill/base/logging.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"
#include "alphahill/report/report.hpp"
#include "alphahill/results/results_file.hpp"
#include "programs/command_line/command_line.hpp"
#include "programs/command_line/errors.hpp"
#include "programs/command_line/exit_codes.hpp"
#include "programs/command_line/option_values.hpp"
#include "programs/report/status.hpp"

namespace alphahill {

namespace po = boost::program_options;

namespace {

constexpr const char* program = "alpha-hill-report";

constexpr const char* intro =
    R"(alpha-hill-report: CSVs and plots from the results of alpha-hill, without the model.

  alpha-hill-report results [options]                       of the run with this output folder
  alpha-hill-report results/alpha_hill.h5 [options]         the same, by its file
  alpha-hill-report A B ...                                 side by side
  alpha-hill-report results/alpha_hill.journal [options]    of a run that crashed; writes alpha_hill.h5 first
  alpha-hill-report --status results                        how far a run is, and whether it goes on

A report with another k-frac, precisions or layers than the one that is there goes into a sub-folder whose name
says them; report_settings.json beside the tables says what they were made with.

Result files are trusted input: open only your own.
)";

constexpr const char* examples =
    R"(Examples:
  alpha-hill-report results --k-frac 0.05                   into results/k_frac_0.05
  alpha-hill-report results --filter-layers 'mlp' --plot-format pdf --output-dir mlp
  alpha-hill-report results --metrics all                   WeightWatcher's and others: --help metrics lists them
)";

po::options_description input_options() {
  po::options_description options("Input and output", 100);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  auto add = options.add_options();
  add("results", po::value<std::vector<std::string>>()->value_name("FILE"),
      "output folders, results files or journals (also without --results)");
  add("status", po::bool_switch(), "print how far the runs of these journals or output folders are, and end");
  add("output-dir", text("DIR"),
      "where everything is written; default: beside the results file, for several of them ./comparison");
  add("overwrite", po::bool_switch(), "replace a report that was made with other settings");
  add("k-frac", text("FRACTION"), "part of the eigenvalues in the tail, in (0, 1]; default: the run's");
  add("precisions", text("LIST"),
      "some of those in the results file; default: those that the last run asked for");
  add("filter-layers", text("REGEX"),
      "layers in the results file whose name contains a match (Perl syntax), '' for all; default: those that "
      "the last run asked for");
  return options;
}

/// As --help lists it.
CommandLine report_command_line() {
  CommandLine command_line{input_options(), {}, intro, examples};
  command_line.options.add(report_options()).add(general_options());
  command_line.positional.add("results", -1);
  return command_line;
}

/// With what only jobs/status gives besides.
CommandLine whole_command_line() {
  CommandLine command_line = report_command_line();
  command_line.options.add_options()("slurm-jobs", po::value<std::string>());
  return command_line;
}

OtherSettings other_settings(const po::variables_map& values) {
  if (values["overwrite"].as<bool>()) return OtherSettings::replace;
  return values.contains("output-dir") ? OtherSettings::refuse : OtherSettings::sub_folder;
}

std::vector<std::string> precision_names(std::string_view option, const std::string& value) {
  std::vector<std::string> names = list_of(option, value);
  for (std::string& name : names) name = precision_name(name);
  return names;
}

ReportSettings settings_of(const po::variables_map& values) {
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  ReportSettings settings = report_settings(values);
  if (values.contains("output-dir")) settings.output_dir = file_path("--output-dir", text("output-dir"));
  settings.other_settings = other_settings(values);
  if (values.contains("k-frac")) settings.selection.k_frac = fraction("--k-frac", text("k-frac"));
  if (values.contains("precisions"))
    settings.selection.precisions = precision_names("--precisions", text("precisions"));
  if (values.contains("filter-layers")) settings.selection.filter_layers = text("filter-layers");
  return settings;
}

std::vector<std::filesystem::path> named_files(const po::variables_map& values) {
  if (!values.contains("results")) {
    throw Error(Fault::usage, "command line",
                fmt::format("expected an output folder of alpha-hill or a results file ({}); see --help",
                            results_name));
  }
  const auto names = values["results"].as<std::vector<std::string>>();
  return {names.begin(), names.end()};
}

std::vector<SlurmJobs> slurm_jobs(const po::variables_map& values, std::size_t runs) {
  if (!values.contains("slurm-jobs")) return std::vector<SlurmJobs>(runs);
  return parse_slurm_jobs(values["slurm-jobs"].as<std::string>(), runs);
}

/// Goes on past what cannot be read. @return the exit code
int print_status(const std::vector<std::filesystem::path>& paths, const std::vector<SlurmJobs>& jobs) {
  int code = exit_complete;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    try {
      const auto path = journal_at(paths[i]);
      const RunSigns signs = signs_beside(path, jobs[i]);
      fmt::print("{}\n{}", printable(paths[i].string()), status_text(Journal::open_for_reading(path), signs));
    } catch (const std::exception& error) {
      std::fflush(stdout);
      code = report_error(program, error);
    }
  }
  return code;
}

std::filesystem::path usual_output_dir(const std::vector<std::filesystem::path>& files) {
  if (files.size() > 1) return "./comparison";
  return files.front().has_parent_path() ? files.front().parent_path() : ".";
}

/// The results file or journal that `path` names: itself, or that in this output folder.
std::filesystem::path results_at(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return path;
  for (const char* name : {results_name, journal_name}) {
    if (std::filesystem::exists(path / name)) return path / name;
  }
  throw Error(Fault::input, path.string(),
              fmt::format("neither {} nor {} is in this folder", results_name, journal_name));
}

void write(std::vector<std::filesystem::path> files, ReportSettings settings) {
  for (auto& file : files) file = results_at(file);
  if (settings.output_dir.empty()) settings.output_dir = usual_output_dir(files);
  for (auto& file : files) {
    if (file.extension() == ".journal") file = write_results_beside(file);
  }
  if (files.size() > 1) {
    const WrittenComparison written = write_comparison(files, settings);
    for (const WrittenReport& report : written.reports) fmt::print("{}", written_text(report));
    fmt::print("Compared: {}\n{}", written.csv.string(), written.summary);
  } else {
    print_report(files.front(), settings);
  }
}

/// @return the exit code
int carry_out(const po::variables_map& values) {
  start_logging(values["log-level"].as<std::string>(), 0);
  const auto files = named_files(values);
  if (values["status"].as<bool>()) return print_status(files, slurm_jobs(values, files.size()));
  write(files, settings_of(values));
  return exit_complete;
}

}  // namespace

int alpha_hill_report(int argc, char** argv) {
  try {
    if (asks_for_table(argc, argv, "metrics")) {
      fmt::print("{}", spectral_metrics_table());
      return exit_complete;
    }
    const GivenOptions given = parse(whole_command_line(), argc, argv);
    if (const auto text = requested_text(report_command_line(), given.values, program); !text.empty()) {
      fmt::print("{}", text);
      return exit_complete;
    }
    try {
      return carry_out(given.values);
    } catch (const Error& error) {
      throw given.placed(error);
    }
  } catch (const std::exception& error) {
    return report_error(program, error);
  }
}

}  // namespace alphahill
