#include "spectrum/backends/device/device_space.hpp"

#include "spectrum/reduce/symmetric_band.hpp"

namespace alphahill {

namespace {

constexpr auto on_host = DeviceArray<double>::Place::host;

}  // namespace

DeviceSpace::DeviceSpace(DeviceQueue& queue, double* a, std::int64_t order)
    : queue_(queue), a_(a), order_(order), panel_(queue, SymmetricBand::width * order, on_host) {}

double* DeviceSpace::allocate(std::int64_t values) {
  return arrays_.emplace_back(queue_, values).get();
}

Mirrored DeviceSpace::allocate_mirrored(std::int64_t values) {
  return {allocate(values), arrays_.emplace_back(queue_, values, on_host).get()};
}

lapack::Result DeviceSpace::columns_on_host(std::int64_t col, std::int64_t cols) {
  const std::int64_t rows = order_ - col;
  const lapack::Result from = columns(col);
  queue_.download(rows, cols, {from.values, from.leading_dimension}, {panel_.get(), rows});
  return {panel_.get(), rows};
}

void DeviceSpace::share(std::int64_t, const Mirrored& mirrored, std::int64_t count) {
  queue_.upload(mirrored.on_host, mirrored.values, count * static_cast<std::int64_t>(sizeof(double)));
}

void DeviceSpace::multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) {
  const lapack::Result a = columns(first);
  queue_.multiply_symmetric(order_ - first, count, {a.values, a.leading_dimension}, v, y);
}

void DeviceSpace::subtract_rank_2k(std::int64_t first, std::int64_t count, const double* v, const double* w) {
  queue_.subtract_rank_2k(order_ - first, count, v + first * count, w + first * count, columns(first));
}

}  // namespace alphahill
