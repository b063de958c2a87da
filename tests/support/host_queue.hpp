/// A device that the host emulates: the same arithmetic as the kernels, BLAS for cuBLAS, memory that runs out,
/// and errors where a test wants them.
///
/// What is asked for is done as late as the interface permits, at a wait: who overwrites memory that is still
/// to be uploaded, or reads what is not there yet, gets wrong figures.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "spectrum/backends/device/device_queue.hpp"

extern "C" void dsyevd_(const char* jobz, const char* uplo, const int* n, double* a, const int* lda,
                        double* w, double* work, const int* lwork, int* iwork, const int* liwork, int* info,
                        std::size_t, std::size_t);

namespace alphahill {

/// What the queues of a device have in common; those of several threads change it, each with the mutex.
struct HostDevice {
  std::mutex mutex;
  std::int64_t memory = std::int64_t{1} << 40;
  std::int64_t used = 0;
  std::int64_t most_used = 0;
  /// Called with the name of each operation before it; may throw. Several threads may call it at a time.
  std::function<void(const std::string& operation)> before = [](const std::string&) {};
  /// What the eigenvalue solver's first result is off by, relatively.
  double solver_error = 0;
  /// Matrices that were decomposed together, call by call.
  std::vector<std::int64_t> batches = {};

  void fail_for_good_at(const std::string& failing) {
    before = [failing](const std::string& operation) {
      if (operation == failing)
        throw DeviceError(DeviceError::Extent::device_lost, operation, "illegal address");
    };
  }
};

class HostQueue final : public DeviceQueue {
 public:
  explicit HostQueue(HostDevice& device) : device_(device) {}
  ~HostQueue() override { do_until(asked_); }

  void begin_here() override {}

  void* allocate(std::int64_t bytes) override {
    device_.before("allocate");
    take(bytes);
    void* memory = allocate_on_host(bytes);
    std::memset(memory, 0, static_cast<std::size_t>(bytes));
    sizes_[memory] = bytes;
    return memory;
  }
  void release(void* memory) noexcept override {
    take(-sizes_.at(memory));
    ask([memory] { ::operator delete(memory, alignment); });
  }
  void* allocate_on_host(std::int64_t bytes) override {
    return ::operator new(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)), alignment);
  }
  void release_on_host(void* memory) noexcept override {
    wait();
    ::operator delete(memory, alignment);
  }

  void upload(const void* from, void* to, std::int64_t bytes) override {
    device_.before("upload");
    ask([=] { std::memcpy(to, from, static_cast<std::size_t>(bytes)); });
  }
  void download(const void* from, void* to, std::int64_t bytes) override {
    device_.before("download");
    wait();
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  void download(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) override {
    copy(rows, cols, from, to);
    wait();
  }
  void copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) override {
    ask([=] {
      for (std::int64_t col = 0; col < cols; ++col) {
        std::copy_n(from.values + col * from.leading_dimension, rows, to.values + col * to.leading_dimension);
      }
    });
  }
  void mark(int slot) override { marks_[slot] = asked_; }
  void await(int slot) override { do_until(marks_[slot]); }
  void wait() override { do_until(asked_); }

  void cast(const BlockCast& block, const BlockSurvey& survey) override {
    device_.before("cast");
    ask([=] { run_cast(block, survey); });
  }
  void add_gram(std::int64_t n, std::int64_t k, lapack::Operand a, lapack::Result g) override {
    device_.before("add_gram");
    ask([=] { lapack::add_gram(n, k, a, g); });
  }
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                lapack::Operand b, double keep, lapack::Result c) override {
    ask([=] { lapack::multiply(m, n, k, factor, a, b, keep, c); });
  }
  void multiply_symmetric(std::int64_t n, std::int64_t vectors, lapack::Operand a, const double* v,
                          double* y) override {
    ask([=] {
      std::vector<double> full(static_cast<std::size_t>(n * n));
      for (std::int64_t col = 0; col < n; ++col) {
        for (std::int64_t row = col; row < n; ++row) {
          const double entry = a.values[col * a.leading_dimension + row];
          full[static_cast<std::size_t>(col * n + row)] = full[static_cast<std::size_t>(row * n + col)] =
              entry;
        }
      }
      lapack::multiply(vectors, n, n, 1, {v, vectors}, {full.data(), n}, 0, {y, vectors});
    });
  }
  void subtract_rank_2k(std::int64_t n, std::int64_t k, const double* v, const double* w,
                        lapack::Result c) override {
    ask([=] { lapack::subtract_rank_2k(n, k, v, w, k, c); });
  }
  double squared_norm(std::int64_t count, const double* values, std::int64_t distance) override {
    wait();
    long double sum = 0;  // as exact as the many partial sums of a device
    for (std::int64_t i = 0; i < count; ++i) sum += values[i * distance] * values[i * distance];
    return static_cast<double>(sum);
  }
  std::int64_t solver_bytes(std::int64_t n) override { return 3 * n * n * 8; }
  std::vector<double> eigenvalues(std::int64_t n, lapack::Result a) override {
    device_.before("eigenvalues");
    const DeviceArray<std::byte> workspace(*this, solver_bytes(n));
    wait();
    std::vector<double> values(static_cast<std::size_t>(n));
    std::vector<double> work(static_cast<std::size_t>(3 * n + 1));
    const int order = static_cast<int>(n);
    const int leading_dimension = static_cast<int>(a.leading_dimension);
    const int lwork = static_cast<int>(work.size());
    int integer_work = 0;
    const int liwork = 1;
    int info = -1;
    dsyevd_("N", "L", &order, a.values, &leading_dimension, values.data(), work.data(), &lwork, &integer_work,
            &liwork, &info, 1, 1);
    if (info != 0) throw DeviceError(DeviceError::Extent::this_layer, "dsyevd", "no convergence");
    const std::lock_guard lock(device_.mutex);
    values.back() *= 1 + std::exchange(device_.solver_error, 0);
    return values;
  }
  std::vector<double> eigenvalues_of_all(std::int64_t n, std::int64_t count, double* a) override {
    {
      const std::lock_guard lock(device_.mutex);
      device_.batches.push_back(count);
    }
    return DeviceQueue::eigenvalues_of_all(n, count, a);
  }

 private:
  static constexpr std::align_val_t alignment{64};

  void take(std::int64_t bytes) {
    const std::lock_guard lock(device_.mutex);
    if (device_.used + bytes > device_.memory) {
      throw DeviceError(DeviceError::Extent::this_layer, "allocate", "out of memory");
    }
    device_.used += bytes;
    device_.most_used = std::max(device_.most_used, device_.used);
  }
  void ask(std::function<void()> work) {
    waiting_.push_back(std::move(work));
    ++asked_;
  }
  void do_until(std::int64_t end) {
    for (; done_ < end; ++done_) {
      waiting_.front()();
      waiting_.pop_front();
    }
  }

  /// Group by group and lane by lane, as the kernels do side by side.
  static void run_cast(const BlockCast& block, const BlockSurvey& survey) {
    constexpr int lanes = 8;
    for (std::int64_t row = 0; row < block.rows; ++row) {
      SurveySums& sums = survey.groups[row % survey_groups];
      double differences[most_pairs] = {};
      for (int lane = 0; lane < lanes; ++lane) {
        if (survey.precisions > 0) {
          cast_row<true>(block, survey, row, lane, lanes, sums, differences);
        } else {
          cast_row<false>(block, survey, row, lane, lanes, sums, differences);
        }
      }
      for (int pair = 0; pair < pair_of(survey.precisions, 0); ++pair) {
        survey.row_sums[pair * survey.rows + survey.row + row] += differences[pair];
      }
    }
    for (std::int64_t col = 0; col < block.cols; ++col) {
      for (int part = 0; part < column_parts; ++part) {
        double differences[most_pairs] = {};
        survey_column(block, survey, col, part, column_parts, differences);
        for (int pair = 0; pair < pair_of(survey.precisions, 0); ++pair) {
          column_sum(survey, pair, part, col) += differences[pair];
        }
      }
    }
  }

  HostDevice& device_;
  std::deque<std::function<void()>> waiting_;
  std::int64_t asked_ = 0;
  std::int64_t done_ = 0;
  std::map<int, std::int64_t> marks_;
  std::map<void*, std::int64_t> sizes_;
};

}  // namespace alphahill
