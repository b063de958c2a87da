#include "programs/run/run_program.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "alphahill/analysis/layer_record.hpp"
#include "alphahill/analysis/planned_layers.hpp"
#include "alphahill/base/best_effort.hpp"
#include "alphahill/base/bytes.hpp"
#include "alphahill/base/logging.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/base/vector_level.hpp"
#include "alphahill/runtime/calibration.hpp"
#include "alphahill/runtime/coordinator.hpp"
#include "alphahill/runtime/crash_note.hpp"
#include "alphahill/runtime/interrupt.hpp"
#include "alphahill/runtime/job_limits.hpp"
#include "alphahill/runtime/launcher.hpp"
#include "alphahill/runtime/mpi_teams.hpp"
#include "alphahill/runtime/rank_speeds.hpp"
#include "alphahill/runtime/worker.hpp"
#include "alphahill/spectrum/arithmetic_check.hpp"
#include "alphahill/spectrum/blas.hpp"
#include "programs/command_line/errors.hpp"
#include "programs/command_line/exit_codes.hpp"
#include "programs/run/agreement.hpp"
#include "programs/run/ending.hpp"
#include "programs/run/one_process.hpp"
#include "programs/run/run.hpp"
#include "programs/run/snapshots.hpp"

namespace alphahill {

namespace {

/// What the ranks leave behind when MPI is over.
struct Ended {
  int exit_code = exit_complete;
  std::optional<Run> run;  ///< on rank 0, where results are to be written
};

void log_slow_rank(const std::vector<double>& speeds) {
  constexpr double worth_telling = 0.8;
  if (speeds.empty()) return;
  const auto [slowest, fastest] = std::ranges::minmax_element(speeds);
  if (*slowest > worth_telling * *fastest) return;
  spdlog::info("rank {} is only {:.2f} times as fast as rank {}: it gets the layers that it can end in time",
               slowest - speeds.begin(), *slowest / *fastest, fastest - speeds.begin());
}

void log_fused_scales(const Run& run) {
  if (!run.options.settings.fuse_scales) return;
  if (!run.options.settings.observes_partners()) {
    spdlog::warn("--fuse-scales changes nothing: none of the precisions has a scale of the whole tensor");
    return;
  }
  std::int64_t fused = 0;
  for (std::int64_t number = 1; number <= std::ssize(run.catalog.layers); ++number) {
    const Layer& layer = run.catalog.layers[static_cast<std::size_t>(number - 1)];
    fused += run.is_wanted(number) && !layer.fused_with.empty() ? 1 : 0;
  }
  spdlog::info("{} of {} share scales of the whole tensor with other projections", fused,
               counted(run.layers(), "layer"));
}

void announce(const Run& run, int ranks) {
  spdlog::info("{}: {} at {} on {}", run.catalog.folder, counted(run.layers(), "layer"),
               depths_text(run.journal.asked()), counted(ranks, "rank"));
  const int cores = cores_of_node();
  const int threads = run.options.threads_per_rank;
  if (ranks == 1 && cores >= 2 * threads) {
    spdlog::info("this rank uses {} of {} cores; mpirun -n {} alpha-hill ... uses {}", threads, cores,
                 cores / threads, cores % threads == 0 ? "them all" : "more");
  }
  log_fused_scales(run);
  log_slow_rank(run.plan.speeds);
  if (run.done() > 0) {
    spdlog::info("{} of {} already done", run.done(), counted(run.layers(), "layer"));
  }
}

/// Workers of every rank. Collective.
int lanes_of_ranks(const Device& device, const Catalog& catalog, MpiSession& mpi) {
  return static_cast<int>(mpi.least(layers_in_flight(device, catalog)));
}

/// Of all ranks, on rank 0; empty where GPUs compute, and for a lone rank, which has none to compare with.
/// Collective.
std::vector<double> speeds_of_ranks(const Options& options, MpiSession& mpi) {
  if (options.device.cuda || mpi.size() == 1) return {};
  return measured_speeds(mpi, probe_seconds);
}

/// What each worker of this rank does.
Work work_on(const Catalog& catalog, std::span<const std::int32_t> stored, const Options& options,
             const Device& device, int lanes, int rank, MpiTeams& teams) {
  AnalysisSettings settings = options.settings;
  settings.memory = (device.memory - program_bytes) / lanes;
  return [&catalog, stored, &device, &teams, settings, rank](const CoordinatorLine& line) {
    std::unique_ptr<Backend> backend;
    const auto compute = [&](std::span<const std::int64_t> layers, int team_size,
                             std::vector<LayerRecord>& records) {
      if (!backend) backend = device.make_backend();
      compute_records(catalog, layers, settings, *backend, rank, teams.of_size(team_size), records, stored);
    };
    work({compute, device.most_at_once}, rank, line);
  };
}

/// Collective.
void prepare_crash_notes(const std::filesystem::path& folder, MpiSession& mpi) {
  const auto failure = failure_of([&] { leave_crash_notes_in(folder); });
  mpi.warn_once(failure ? *failure + "; a crash will not say which layers it is about" : "");
}

/// Where ranks wait for each other, an exception that leaves one of them must end them all.
template <class Action>
auto or_abort(MpiSession& mpi, Action action) {
  try {
    return action();
  } catch (const std::exception& error) {
    mpi.abort(report_error(program_name, error));
  }
}

/// A rank that is still computing cannot be told to end: results are written, then all are ended.
[[noreturn]] void end_abandoned(Run& run, const RunEnd& end, MpiSession& mpi) {
  const int code = end.failure ? failed_run(run, *end.failure) : concluded(run);
  run.journal.unlock();
  mpi.abort(code);
}

std::vector<Attempt> attempts_at(std::span<const std::int64_t> begun) {
  std::vector<Attempt> attempts;
  for (const std::int64_t layer : begun) attempts.push_back({layer, AttemptEvent::begun});
  return attempts;
}

/// Why layers that were begun have no record. A journal that cannot be written fails the run, where nothing
/// has failed it before.
void note_attempts(RunEnd& end, Journal& journal) {
  if (end.interrupted.empty()) return;
  try {
    journal.note(end.interrupted);
  } catch (const Error& error) {
    if (!end.failure) end.failure = error;
  }
}

/// Of the layers that are asked for.
DoneBefore done_before(const Run& run) {
  DoneBefore before{.items = run.done(), .work = 0, .left_out = std::ssize(run.too_large)};
  for (std::int64_t number = 1; number <= std::ssize(run.catalog.layers); ++number) {
    const Layer& layer = run.catalog.layers[static_cast<std::size_t>(number - 1)];
    const bool done = run.is_wanted(number) && run.journal.has(number, run.precisions);
    if (done && layer.unsupported() == nullptr)
      before.work += run.cost.work(shape_of(layer, run.options.settings), 1);
  }
  return before;
}

/// Rank 0: dispatches the layers and keeps their records; its own worker computes on a thread beside.
std::optional<Error> coordinate(Run& run, const Device& device, MpiSession& mpi, MpiTeams& teams) {
  Snapshots snapshots([&] { write_results_of(run); }, std::chrono::minutes(5));
  const RunCallbacks callbacks{
      .write =
          [&](std::span<const LayerRecord> records, std::span<const std::int64_t> begun) {
            run.journal.write(with_stored(run.journal, records), attempts_at(begun));
          },
      .sync =
          [&] {
            run.journal.sync();
            snapshots.write_if_due();
          },
      .stop_requested = stop_requested};
  const int lanes = lanes_of_ranks(device, run.catalog, mpi);
  prepare_crash_notes(run.options.report.output_dir, mpi);
  BlockLayout layout = run.ranks;
  layout.ranks *= lanes;
  const Schedule schedule(run.plan, run.cost, layout, {run.options.layer_timeout, slurm_seconds_left()});
  exclude_thread_from_crash_notes();
  WorkerPool workers(mpi, lanes, work_on(run.catalog, run.stored, run.options, device, lanes, 0, teams));
  RunEnd end =
      Coordinator(run.catalog, schedule, workers, callbacks, run.options.grace_seconds, done_before(run))
          .run();
  note_attempts(end, run.journal);
  if (end.ranks_compute) end_abandoned(run, end, mpi);
  return end.failure;
}

/// Tells the other ranks whether and on what they begin.
void broadcast_job(MpiSession& mpi, const Job& job) {
  std::vector<std::byte> bytes = to_bytes(job);
  mpi.broadcast(bytes);
}

void warn_of_shared_cores(const std::vector<OversubscribedNode>& crowded) {
  if (crowded.empty()) return;
  const OversubscribedNode& worst = crowded.front();
  spdlog::warn(
      "the ranks on the node of rank {} want {} cores and have {} of their own: layers take about {:.1f} "
      "times as long there{}",
      worst.first_rank, worst.threads, worst.cores, worst.slowdown(),
      crowded.size() == 1 ? "" : fmt::format("; so do those of {} nodes in all, or nearly", crowded.size()));
}

Ended lead(const Options& options, const Device& device, MpiSession& mpi) {
  note_stop_signals();
  warn_of_shared_cores(oversubscribed_nodes(mpi.bindings(), options.threads_per_rank));
  const std::vector<double> speeds = speeds_of_ranks(options, mpi);
  std::optional<Run> run;
  try {
    run.emplace(
        prepare_run(options, blocks_of(options, mpi.size(), mpi.thread_multiple()), device.memory, speeds));
  } catch (const std::exception& error) {
    broadcast_job(mpi, {.cancelled = true, .catalog = {}, .ranks = {}});
    return {report_error(program_name, error), std::nullopt};
  }
  broadcast_job(mpi,
                {.cancelled = false, .catalog = run->catalog, .ranks = run->ranks, .stored = run->stored});
  MpiTeams teams(mpi, run->ranks);
  announce(*run, mpi.size());
  const auto failure = coordinate(*run, device, mpi, teams);
  if (failure) return {failed_run(*run, *failure), std::nullopt};
  return {exit_complete, std::move(run)};
}

Ended follow(const Options& options, const Device& device, MpiSession& mpi) {
  ignore_stop_signals();
  mpi.bindings();
  speeds_of_ranks(options, mpi);
  std::vector<std::byte> bytes;
  mpi.broadcast(bytes);
  const auto job = from_bytes<Job>(bytes, "job of rank 0");
  if (job.cancelled) return {};
  MpiTeams teams(mpi, job.ranks);
  const int lanes = lanes_of_ranks(device, job.catalog, mpi);
  prepare_crash_notes(options.report.output_dir, mpi);
  work_for_rank_0(mpi, lanes, work_on(job.catalog, job.stored, options, device, lanes, mpi.rank(), teams));
  return {};
}

/// No rank computes where one of them computes wrong. Collective.
void check_arithmetic_of_ranks(MpiSession& mpi) {
  found_by_all("arithmetic of the processors", "has not passed the check of its arithmetic", mpi, [] {
    check_arithmetic();
    return true;
  });
  spdlog::debug("arithmetic checked: OpenBLAS's {} kernels, our own for {}", blas_kernels(),
                name_of(vector_level()));
}

/// srun without PMIx starts tasks of which each is a world of its own to MPI.
void warn_of_lone_task(std::int64_t tasks, const MpiSession& mpi) {
  if (tasks < 2 || mpi.size() > 1) return;
  spdlog::warn(
      "Slurm says that there are {} tasks, MPI knows of this one alone: where each of them runs alpha-hill, "
      "start them by srun --mpi=pmix",
      tasks);
}

void start_log(const Options& options, int rank) {
  start_logging(options.log_level, rank);
  for (const std::string& remark : options.remarks) spdlog::info("{}", printable(remark));
}

Ended compute(const Options& options, int argc, char** argv) {
  const std::int64_t tasks = tasks_started_by_srun();  // MPI may change the environment
  MpiSession mpi(argc, argv);
  try {
    start_log(options, mpi.rank());
    warn_of_lone_task(tasks, mpi);
    set_blas_threads(options.threads_per_rank);
    check_arithmetic_of_ranks(mpi);
    const Device device = open_device(options.device, options.memory_per_rank, mpi.share_of_node(), mpi);
    return or_abort(
        mpi, [&] { return mpi.rank() == 0 ? lead(options, device, mpi) : follow(options, device, mpi); });
  } catch (const Error& error) {
    // All ranks find the same mistake, or none may go on; one of them says so.
    if (mpi.rank() == 0) return {report_error(program_name, error), std::nullopt};
    return {exit_code_of(error), std::nullopt};
  }
}

/// Everything up to MPI: all processes find the same mistake in the same command line, and one of them says
/// so.
Ended take_part(int argc, char** argv) {
  const LaunchPlace place = place_by_launcher();
  try {
    const Options options = parse_options(argc, argv);
    const bool for_one = !options.text.empty() || options.list_layers || options.dry_run;
    if (!for_one) return compute(options, argc, argv);
    start_log(options, place.rank);
    set_blas_threads(options.threads_per_rank);
    vector_level();  // a wrong name is a mistake here too
    if (place.rank == 0) show(options, place.ranks);
    return {};
  } catch (const Error& error) {
    if (place.rank == 0) throw;
    // A launcher ends all processes when it sees one fail: rank 0 must have said why by then.
    std::this_thread::sleep_for(std::chrono::seconds(5));
    return {exit_code_of(error), std::nullopt};
  }
}

}  // namespace

int alpha_hill(int argc, char** argv) {
  try {
    Ended ended = take_part(argc, argv);
    return ended.run ? concluded(*ended.run) : ended.exit_code;
  } catch (const std::exception& error) {
    return report_error(program_name, error);
  }
}

}  // namespace alphahill
