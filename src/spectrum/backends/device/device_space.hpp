/// A device's memory as the space of a band reduction: panels are factored on the host, all else on the
/// device.
#pragma once

#include <deque>

#include "spectrum/backends/device/device_queue.hpp"
#include "spectrum/reduce/reduction_space.hpp"

namespace alphahill {

class DeviceSpace final : public ReductionSpace {
 public:
  /// @param a  order x order on the device, without gaps
  DeviceSpace(DeviceQueue& queue, double* a, std::int64_t order);

  std::int64_t order() const override { return order_; }
  void where_held(std::int64_t, const std::function<void()>& use) override { use(); }
  double* allocate(std::int64_t values) override;
  Mirrored allocate_mirrored(std::int64_t values) override;
  lapack::Result columns(std::int64_t col) override { return {a_ + col * (order_ + 1), order_}; }
  lapack::Result columns_on_host(std::int64_t col, std::int64_t cols) override;
  void share(std::int64_t col, const Mirrored& mirrored, std::int64_t count) override;
  void copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) override {
    queue_.copy(rows, cols, from, to);
  }
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                lapack::Operand b, double keep, lapack::Result c) override {
    queue_.multiply(m, n, k, factor, a, b, keep, c);
  }
  void multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) override;
  void subtract_rank_2k(std::int64_t first, std::int64_t count, const double* v, const double* w) override;

 private:
  DeviceQueue& queue_;
  double* a_;
  std::int64_t order_;
  DeviceArray<double> panel_;  ///< on the host
  std::deque<DeviceArray<double>> arrays_;
};

}  // namespace alphahill
