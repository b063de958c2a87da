/// Where the matrices of a band reduction lie, the host's memory or a device's, and the dense operations that
/// the reduction needs there.
#pragma once

#include <cstdint>
#include <functional>

#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

/// Values in the space, and memory of the host to exchange them through: the same where the space is the
/// host.
struct Mirrored {
  double* values;
  double* on_host;
};

/// The symmetric matrix A of order n, of which the lower triangle counts, and thin matrices beside it. All
/// operands lie in the space and are column-major; "vectors" lie side by side, the entries for one row of A
/// next to each other.
class ReductionSpace {
 public:
  virtual ~ReductionSpace() = default;

  virtual std::int64_t order() const = 0;
  /// Calls `use` where this process holds the columns of A from this one on: others take no part in their
  /// panel. What it throws may come to light later only.
  virtual void where_held(std::int64_t col, const std::function<void()>& use) = 0;

  /// Memory of the space, set to zero, and as long-lived.
  virtual double* allocate(std::int64_t values) = 0;
  virtual Mirrored allocate_mirrored(std::int64_t values) = 0;

  /// The columns of A from `col` on, from their diagonal down, in the space.
  virtual lapack::Result columns(std::int64_t col) = 0;
  /// The first `cols` of them on the host, to be overwritten.
  virtual lapack::Result columns_on_host(std::int64_t col, std::int64_t cols) = 0;
  /// Gives the space, and all who share it, `count` values that who holds column `col` has on its host.
  virtual void share(std::int64_t col, const Mirrored& mirrored, std::int64_t count) = 0;

  virtual void copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) = 0;
  /// C := keep C + factor op(A) op(B); C is m x n, op(A) m x k, op(B) k x n.
  virtual void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                        lapack::Operand b, double keep, lapack::Result c) = 0;
  /// Y := V A for the rows and columns of A from `first` on. V and Y are `count` vectors without gaps.
  virtual void multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) = 0;
  /// A := A - V^T W - W^T V for the rows and columns from `first` on. V and W are `count` vectors for all
  /// rows of A, without gaps.
  virtual void subtract_rank_2k(std::int64_t first, std::int64_t count, const double* v, const double* w) = 0;
};

}  // namespace alphahill
