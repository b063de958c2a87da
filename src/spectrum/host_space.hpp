/// The host's memory as the space of a band reduction, by one process or shared by a team.
#pragma once

#include <vector>

#include "alphahill/spectrum/team.hpp"
#include "reduction_space.hpp"
#include "symmetric_share.hpp"

namespace alphahill {

class HostSpace final : public ReductionSpace {
 public:
  HostSpace(SymmetricShare& a, Team& team) : a_(a), team_(team) {}

  std::int64_t order() const override { return a_.order(); }
  bool holds(std::int64_t col) const override { return a_.holds(col); }
  double* allocate(std::int64_t values) override;
  Mirrored allocate_mirrored(std::int64_t values) override;
  lapack::Result columns(std::int64_t col) override { return {a_.at(col, col), a_.leading_dimension()}; }
  lapack::Result columns_on_host(std::int64_t col, std::int64_t) override { return columns(col); }
  void share(std::int64_t col, const Mirrored& mirrored, std::int64_t count) override;
  void copy(std::int64_t rows, std::int64_t cols, lapack::Operand from, lapack::Result to) override;
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, double factor, lapack::Operand a,
                lapack::Operand b, double keep, lapack::Result c) override;
  void multiply_symmetric(std::int64_t first, std::int64_t count, const double* v, double* y) override;
  void subtract_rank_2k(std::int64_t first, std::int64_t count, const double* v, const double* w) override {
    a_.subtract_rank_2k(first, count, v, w);
  }

 private:
  SymmetricShare& a_;
  Team& team_;
  std::vector<std::vector<double>> allocated_;
};

}  // namespace alphahill
