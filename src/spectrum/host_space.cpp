#include "host_space.hpp"

#include <algorithm>
#include <span>

#include "symmetric_product.hpp"

namespace alphahill {

double* HostSpace::allocate(std::int64_t values) {
  return allocated_.emplace_back(static_cast<std::size_t>(values)).data();
}

Mirrored HostSpace::allocate_mirrored(std::int64_t values) {
  double* allocated = allocate(values);
  return {allocated, allocated};
}

void HostSpace::share(std::int64_t col, const Mirrored& mirrored, std::int64_t count) {
  const std::span<double> values(mirrored.values, static_cast<std::size_t>(count));
  team_.broadcast(std::as_writable_bytes(values), a_.member_of(col));
}

void HostSpace::copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) {
  for (std::int64_t col = 0; col < cols; ++col) {
    std::copy_n(from.values + col * from.leading_dimension, rows, to.values + col * to.leading_dimension);
  }
}

void HostSpace::multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                         lapack::Operand b, double keep, lapack::Result c) {
  lapack::multiply(m, n, k, factor, a, b, keep, c);
}

void HostSpace::multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) {
  const std::span<double> product(y, static_cast<std::size_t>((a_.order() - first) * count));
  std::ranges::fill(product, 0);
  a_.for_each_block(first, [&](std::int64_t col, std::int64_t cols) {
    const std::int64_t offset = (col - first) * count;
    add_symmetric_product({a_.order() - col, cols, a_.at(col, col), a_.leading_dimension()}, count,
                          v + offset, y + offset);
  });
  team_.sum(product);
}

}  // namespace alphahill
