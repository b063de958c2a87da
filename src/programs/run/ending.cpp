#include "programs/run/ending.hpp"

#include <spdlog/spdlog.h>

#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/text.hpp"
#include "programs/command_line/errors.hpp"
#include "programs/command_line/exit_codes.hpp"

namespace alphahill {

namespace {

/// Notes what is no complete run for those who look at the folder afterwards. @return the exit code
int with_ending(Run& run, int exit_code, const std::string& reason = "") {
  if (exit_code == exit_complete && run.too_large.empty()) return exit_code;
  best_effort(
      [&] {
        run.journal.note_ending({exit_code, reason});
      },
      "alpha-hill-report --status cannot say how this run ended");
  return exit_code;
}

}  // namespace

int failed_run(Run& run, const Error& failure) {
  const int code = with_ending(run, report_error(program_name, failure), failure.what());
  spdlog::warn("{} of {} kept; once that is mended, the same command goes on from there", run.done(),
               counted(run.layers(), "layer"));
  return code;
}

int concluded(Run& run) {
  try {
    return with_ending(run, finish_run(run));
  } catch (const std::exception& error) {
    return with_ending(run, report_error(program_name, error), error.what());
  }
}

}  // namespace alphahill
