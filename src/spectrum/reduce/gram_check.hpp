/// A check of a Gram matrix, or of its factor, against the panels that it is summed from.
#pragma once

#include <cstdint>
#include <vector>

#include "alphahill/spectrum/panels.hpp"
#include "spectrum/reduce/symmetric_share.hpp"

namespace alphahill {

/// For G = W^T W and any vector x, x^T G x = |W x|^2 (Freivalds 1979): a product that takes a thousandth of
/// the flops and another routine of BLAS. The entries of x are fixed, between 1/2 and 1 in size and of both
/// signs.
class GramCheck {
 public:
  /// Allocates all that it needs.
  explicit GramCheck(const WeightSource& matrix);

  /// Adds a panel of the matrix.
  void add(const Panel& panel);

  /// Compares with the Gram matrix that the team holds; collective.
  /// @throws Error(internal) on all members, where roundings do not explain the difference: by more than
  /// (longer side + n) eps trace(G) |x|^2
  void compare(const SymmetricShare& gram, Team& team) const;

  /// Compares with the triangle R of a QR factorization, n x n in column-major order with zeros below its
  /// diagonal: R^T R is G. Throws as above.
  void compare(const double* triangle) const;

 private:
  void compare(double form, double trace) const;

  bool wide_;  ///< layout of the panels, see panels.hpp
  std::int64_t longer_side_;
  std::vector<double> x_;
  std::vector<double> product_;  ///< of the last panel and x
  double squares_ = 0;           ///< |W x|^2
};

}  // namespace alphahill
