/// Memory: whether its allocation waits for work under way, and how fast a panel of a matrix is copied.
#include <optional>

#include "gpu/probes/copy_kernel.hpp"
#include "gpu/probes/device.hpp"
#include "gpu/probes/finding.hpp"
#include "gpu/probes/probes.hpp"
#include "spectrum/reduce/symmetric_band.hpp"

namespace alphahill::probes {

namespace {

/// A stream that multiplies matrices for a good while.
class Load {
 public:
  explicit Load(std::int64_t largest) : n_(std::min<std::int64_t>(largest, 4096)), a_(n_ * n_), c_(n_ * n_) {
    a_.fill(uniform_values(n_ * n_));
  }

  void begin() const {
    for (int i = 0; i < products; ++i) {
      check("cublasDgemm", cublasDgemm_64(lane_.blas.get(), CUBLAS_OP_N, CUBLAS_OP_N, n_, n_, n_, &one,
                                          a_.get(), n_, a_.get(), n_, &zero, c_.get(), n_));
    }
  }
  const Lane& lane() const { return lane_; }
  double seconds_to_the_end() const {
    return wall_seconds([this] { lane_.wait(); });
  }

 private:
  static constexpr int products = 50;
  static constexpr double one = 1;
  static constexpr double zero = 0;

  std::int64_t n_;
  Lane lane_;
  Array<double> a_;
  Array<double> c_;
};

/// Seconds until memory of the pool can be used in one stream that another has released behind its work.
double reuse_seconds(const Load& load, const Lane& other, std::size_t bytes) {
  void* memory = nullptr;
  check("cudaMallocAsync", cudaMallocAsync(&memory, bytes, load.lane().stream.get()));
  load.lane().wait();
  load.begin();
  check("cudaFreeAsync", cudaFreeAsync(memory, load.lane().stream.get()));
  return wall_seconds([&] {
    check("cudaMallocAsync", cudaMallocAsync(&memory, bytes, other.stream.get()));
    check("cudaMemsetAsync", cudaMemsetAsync(memory, 0, bytes, other.stream.get()));
    other.wait();
    check("cudaFreeAsync", cudaFreeAsync(memory, other.stream.get()));
  });
}

/// As alpha-hill uses it: what is freed stays.
cudaMemPool_t pool_that_keeps() {
  cudaMemPool_t pool = nullptr;
  check("cudaDeviceGetDefaultMemPool", cudaDeviceGetDefaultMemPool(&pool, 0));
  std::uint64_t threshold = std::numeric_limits<std::uint64_t>::max();
  check("cudaMemPoolSetAttribute",
        cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
  return pool;
}

}  // namespace

/// With the device idle and with another stream at work: where it waits for that, buffers must be kept.
void probe_pinned_memory(std::int64_t largest) {
  constexpr std::size_t bytes = 64 << 20;
  const Load load(largest);
  PageLocked{bytes};
  for (const bool busy : {false, true}) {
    std::optional<PageLocked> memory;
    if (busy) load.begin();
    const double allocation = wall_seconds([&] { memory.emplace(bytes); });
    const double left_after_allocation = load.seconds_to_the_end();
    if (busy) load.begin();
    const double release = wall_seconds([&] { memory.reset(); });
    Finding("pinned_memory")
        .with("bytes", static_cast<std::int64_t>(bytes))
        .with("busy", busy)
        .with("allocation_seconds", allocation)
        .with("work_left_after_allocation_seconds", left_after_allocation)
        .with("release_seconds", release)
        .with("work_left_after_release_seconds", load.seconds_to_the_end())
        .print();
  }
}

/// A panel of 24 columns with gaps between them, to gapless memory of the device and of the host.
void probe_matrix_copy(std::int64_t largest) {
  constexpr std::int64_t cols = SymmetricBand::width;
  const Lane lane;
  for (const std::int64_t n : orders_up_to(largest, {1024, 4096, 16384})) {
    const Array<double> a(2 * n * cols);
    const Array<double> to(n * cols);
    const PageLocked on_host(to.bytes());
    const auto of_rows = static_cast<std::size_t>(n) * sizeof(double);
    const auto by_runtime = [&](void* target, cudaMemcpyKind kind) {
      return least_seconds(lane, [&] {
        check("cudaMemcpy2DAsync",
              cudaMemcpy2DAsync(target, of_rows, a.get(), 2 * of_rows, of_rows,
                                static_cast<std::size_t>(cols), kind, lane.stream.get()));
      });
    };
    const auto contiguous = [&](void* target, cudaMemcpyKind kind) {
      return least_seconds(lane, [&] {
        check("cudaMemcpyAsync", cudaMemcpyAsync(target, a.get(), to.bytes(), kind, lane.stream.get()));
      });
    };
    const double kernel = least_seconds(lane, [&] {
      check("launch_copy", launch_copy({n, cols, a.get(), 2 * n, to.get()}, lane.stream.get()));
    });
    Finding("matrix_copy")
        .with("rows", n)
        .with("cols", cols)
        .with("within_2d_seconds", by_runtime(to.get(), cudaMemcpyDeviceToDevice))
        .with("within_kernel_seconds", kernel)
        .with("withcontiguous_seconds", contiguous(to.get(), cudaMemcpyDeviceToDevice))
        .with("to_host_2d_seconds", by_runtime(on_host.get(), cudaMemcpyDeviceToHost))
        .with("to_host_contiguous_seconds", contiguous(on_host.get(), cudaMemcpyDeviceToHost))
        .print();
  }
}

/// With the pool as it is made, and told not to let one stream wait for another.
void probe_pool_reuse(std::int64_t largest) {
  constexpr std::size_t bytes = 256 << 20;
  const cudaMemPool_t pool = pool_that_keeps();
  const Load load(largest);
  const Lane other;
  for (int allowed : {1, 0}) {
    check("cudaMemPoolSetAttribute",
          cudaMemPoolSetAttribute(pool, cudaMemPoolReuseAllowInternalDependencies, &allowed));
    check("cudaMemPoolTrimTo", cudaMemPoolTrimTo(pool, 0));
    const double seconds = reuse_seconds(load, other, bytes);
    Finding("pool_reuse")
        .with("may_depend_on_other_streams", allowed == 1)
        .with("seconds", seconds)
        .with("work_left_seconds", load.seconds_to_the_end())
        .print();
  }
}

}  // namespace alphahill::probes
