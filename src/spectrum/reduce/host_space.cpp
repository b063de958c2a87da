#include "spectrum/reduce/host_space.hpp"

#include <algorithm>
#include <span>

#include "alphahill/spectrum/blas.hpp"
#include "spectrum/reduce/thin_product.hpp"

namespace alphahill {

namespace {

/// As many as are worth starting for a product with so many rows.
int threads(std::int64_t rows) {
  constexpr std::int64_t least_rows = 1024;
  return rows < least_rows ? 1 : blas_threads();
}

}  // namespace

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
  constexpr std::int64_t thin = 64;
  if (m > thin || a.transposed) return lapack::multiply(m, n, k, factor, a, b, keep, c);
  const Strided entries =
      b.transposed ? Strided{b.values, b.leading_dimension, 1} : Strided{b.values, 1, b.leading_dimension};
  multiply_thin(
      {m, k, n, factor, {a.values, a.leading_dimension}, entries, keep, {c.values, c.leading_dimension}});
}

void HostSpace::multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) {
  const std::span<double> product(y, static_cast<std::size_t>((a_.order() - first) * count));
  std::ranges::fill(product, 0);
  const auto add_block = [&](std::int64_t col, std::int64_t cols) {
    const std::int64_t rows = a_.order() - col;
    const std::int64_t offset = (col - first) * count;
    add_symmetric_product({rows, cols, a_.at(col, col), a_.leading_dimension()}, count, {v + offset, count},
                          {y + offset, count}, threads(rows));
  };
  attempt([&] { a_.for_each_block(first, add_block); });
  team_.sum(product);
}

}  // namespace alphahill
