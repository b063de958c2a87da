/// cuSOLVER's eigenvalue solvers: what they need, how fast they are alone and side by side, and whether their bits hold.
#include <algorithm>
#include <ctime>
#include <latch>
#include <thread>

#include "gpu/probes/device.hpp"
#include "gpu/probes/finding.hpp"
#include "gpu/probes/probes.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill::probes {

namespace {

struct Workspace {
  std::size_t on_device = 0;
  std::size_t on_host = 0;
};

Workspace workspace_of(const Lane& lane, std::int64_t n) {
  const Array<double> placeholder(1);  // for a matrix, which is not looked at
  Workspace needed;
  check("cusolverDnXsyevd_bufferSize",
        cusolverDnXsyevd_bufferSize(lane.solver.get(), lane.parameters.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                    CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, placeholder.get(), n, CUDA_R_64F,
                                    placeholder.get(), CUDA_R_64F, &needed.on_device, &needed.on_host));
  return needed;
}

void require_success(const char* call, const std::vector<int>& info) {
  if (std::ranges::all_of(info, [](int value) { return value == 0; })) return;
  throw DeviceError(DeviceError::Extent::this_layer, call, "info is not 0");
}

/// A symmetric matrix on the device that each decomposition begins with anew, and all that this takes.
class Problem {
 public:
  Problem(const Lane& lane, std::int64_t n)
      : lane_(lane),
        n_(n),
        needed_(workspace_of(lane, n)),
        original_(n * n),
        a_(n * n),
        values_(n),
        info_(1),
        workspace_(static_cast<std::int64_t>(std::max<std::size_t>(needed_.on_device, 1))),
        host_workspace_(needed_.on_host) {
    original_.fill(uniform_values(n * n));
  }

  void decompose() {
    check("cudaMemcpyAsync", cudaMemcpyAsync(a_.get(), original_.get(), a_.bytes(), cudaMemcpyDeviceToDevice,
                                             lane_.stream.get()));
    check("cusolverDnXsyevd",
          cusolverDnXsyevd(lane_.solver.get(), lane_.parameters.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                           CUBLAS_FILL_MODE_LOWER, n_, CUDA_R_64F, a_.get(), n_, CUDA_R_64F, values_.get(),
                           CUDA_R_64F, workspace_.get(), needed_.on_device, host_workspace_.data(),
                           needed_.on_host, info_.get()));
    lane_.wait();
  }
  void check_info() const { require_success("cusolverDnXsyevd", info_.values()); }

 private:
  const Lane& lane_;
  std::int64_t n_;
  Workspace needed_;
  Array<double> original_;
  Array<double> a_;
  Array<double> values_;
  Array<int> info_;
  Array<std::byte> workspace_;
  std::vector<std::byte> host_workspace_;
};

double seconds_now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Seconds {
  double of_wall;
  double of_host;  ///< that the process computes meanwhile
};

/// Of a decomposition by each of so many threads at a time, after one that does not count.
Seconds seconds_by(int lanes, std::int64_t n) {
  std::latch ready(lanes + 1);
  std::latch begin(1);
  std::latch done(lanes + 1);
  std::vector<std::jthread> threads;
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(lanes));
  for (int i = 0; i < lanes; ++i) {
    threads.emplace_back([&, &error = errors[static_cast<std::size_t>(i)]] {
      int latches = 0;  // that this thread has counted down
      try {
        cuda::use_device(0);
        const Lane lane;
        Problem problem(lane, n);
        problem.decompose();
        problem.check_info();
        ready.count_down();
        ++latches;
        begin.wait();
        problem.decompose();
        done.count_down();
        ++latches;
      } catch (...) {
        error = std::current_exception();
      }
      if (latches < 1) ready.count_down();
      if (latches < 2) done.count_down();
    });
  }
  ready.arrive_and_wait();
  const double wall = seconds_now(CLOCK_MONOTONIC);
  const double host = seconds_now(CLOCK_PROCESS_CPUTIME_ID);
  begin.count_down();
  done.arrive_and_wait();
  const Seconds seconds{seconds_now(CLOCK_MONOTONIC) - wall, seconds_now(CLOCK_PROCESS_CPUTIME_ID) - host};
  threads.clear();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return seconds;
}

#ifdef ALPHAHILL_HAS_SYEV_BATCHED
Workspace workspace_of_batch(const Lane& lane, std::int64_t n, std::int64_t count) {
  const Array<double> placeholder(1);  // for a matrix, which is not looked at
  Workspace needed;
  check("cusolverDnXsyevBatched_bufferSize",
        cusolverDnXsyevBatched_bufferSize(lane.solver.get(), lane.parameters.get(),
                                          CUSOLVER_EIG_MODE_NOVECTOR, CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F,
                                          placeholder.get(), n, CUDA_R_64F, placeholder.get(), CUDA_R_64F,
                                          &needed.on_device, &needed.on_host, count));
  return needed;
}

struct Batch {
  double seconds;
  std::vector<double> eigenvalues;  ///< of one matrix after the other
};

/// @param neighbour  what the entries of all matrices but the first are multiplied with
Batch decomposed(const Lane& lane, std::int64_t n, std::int64_t count, double neighbour) {
  std::vector<double> matrices;
  for (std::int64_t i = 0; i < count; ++i) {
    for (const double value : uniform_values(n * n)) matrices.push_back(i == 0 ? value : value * neighbour);
  }
  const Array<double> a(n * n * count);
  const Array<double> values(n * count);
  const Array<int> info(count);
  const Workspace needed = workspace_of_batch(lane, n, count);
  const Array<std::byte> workspace(static_cast<std::int64_t>(std::max<std::size_t>(needed.on_device, 1)));
  std::vector<std::byte> host_workspace(needed.on_host);
  Batch batch{std::numeric_limits<double>::infinity(), {}};
  for (int i = 0; i < 3; ++i) {
    a.fill(matrices);
    const double start = seconds_now(CLOCK_MONOTONIC);
    check("cusolverDnXsyevBatched",
          cusolverDnXsyevBatched(lane.solver.get(), lane.parameters.get(), CUSOLVER_EIG_MODE_NOVECTOR,
                                 CUBLAS_FILL_MODE_LOWER, n, CUDA_R_64F, a.get(), n, CUDA_R_64F, values.get(),
                                 CUDA_R_64F, workspace.get(), needed.on_device, host_workspace.data(),
                                 needed.on_host, info.get(), count));
    lane.wait();
    batch.seconds = std::min(batch.seconds, seconds_now(CLOCK_MONOTONIC) - start);
    require_success("cusolverDnXsyevBatched", info.values());
  }
  batch.eigenvalues = values.values();
  return batch;
}

/// Of the first `count` matrices of the batch, each has these eigenvalues, bit for bit.
bool all_have(const std::vector<double>& alone, const Batch& batch, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto first = batch.eigenvalues.begin() + i * std::ssize(alone);
    if (!std::equal(alone.begin(), alone.end(), first)) return false;
  }
  return true;
}
#endif

}  // namespace

/// Bytes that the solvers ask for, and how many matrices those would be.
void probe_solver_workspace(std::int64_t largest) {
  const Lane lane;
  const auto report = [](const char* solver, std::int64_t n, std::int64_t count, const Workspace& needed) {
    Finding("solver_workspace")
        .with("solver", solver)
        .with("n", n)
        .with("count", count)
        .with("device_bytes", static_cast<std::int64_t>(needed.on_device))
        .with("host_bytes", static_cast<std::int64_t>(needed.on_host))
        .with("matrices", static_cast<double>(needed.on_device) / static_cast<double>(8 * n * n * count))
        .print();
  };
  for (const std::int64_t n : orders_up_to(largest, {256, 512, 1024, 2048, 4096, 8192, 16384, 20000}))
    report("Xsyevd", n, 1, workspace_of(lane, n));
#ifdef ALPHAHILL_HAS_SYEV_BATCHED
  for (const std::int64_t n : orders_up_to(largest, {64, 128, 256, 512, 1024})) {
    for (const std::int64_t count : {1, 8, 32})
      report("XsyevBatched", n, count, workspace_of_batch(lane, n, count));
  }
#endif
}

/// A solver in one stage is bound by the memory of the device: several at a time then take as long as one after the
/// other. What the host computes meanwhile is a tail that several can share.
void probe_solver_rate(std::int64_t largest) {
  for (const std::int64_t n : orders_up_to(largest, {512, 1024, 2048, 4096, 8192})) {
    double alone = 0;
    for (const int lanes : {1, 2, 4, 8}) {
      const Seconds seconds = seconds_by(lanes, n);
      if (lanes == 1) alone = seconds.of_wall;
      Finding("solver_rate")
          .with("n", n)
          .with("lanes", lanes)
          .with("seconds", seconds.of_wall)
          .with("host_seconds", seconds.of_host)
          .with("tflops", 4.0 / 3 * static_cast<double>(n * n * n) * lanes / seconds.of_wall / 1e12)
          .with("times_as_fast_as_one_after_the_other", alone * lanes / seconds.of_wall)
          .print();
    }
  }
}

/// The figures of a layer must not depend on those beside it.
void probe_batched_solver([[maybe_unused]] std::int64_t largest) {
#ifdef ALPHAHILL_HAS_SYEV_BATCHED
  const Lane lane;
  for (const std::int64_t n : orders_up_to(largest, {64, 128, 256, 512, 1024})) {
    std::vector<double> alone;
    for (const std::int64_t count : {1, 2, 8, 32}) {
      const Batch of_equals = decomposed(lane, n, count, 1);
      const Batch of_others = decomposed(lane, n, count, 1e3);
      if (count == 1) alone = of_equals.eigenvalues;
      Finding("batched_solver")
          .with("n", n)
          .with("count", count)
          .with("seconds", of_equals.seconds)
          .with("seconds_of_each", of_equals.seconds / static_cast<double>(count))
          .with("same_bits_as_alone", all_have(alone, of_equals, count))
          .with("same_bits_beside_others", all_have(alone, of_others, 1))
          .print();
    }
  }
#else
  Finding("batched_solver").with("skipped", "this toolkit has no cusolverDnXsyevBatched").print();
#endif
}

}  // namespace alphahill::probes
