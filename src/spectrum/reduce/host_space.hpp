/// The host's memory as the space of a band reduction, by one process or shared by a team.
#pragma once

#include <exception>
#include <vector>

#include "alphahill/spectrum/team.hpp"
#include "spectrum/reduce/reduction_space.hpp"
#include "spectrum/reduce/symmetric_share.hpp"

namespace alphahill {

class HostSpace final : public ReductionSpace {
 public:
  HostSpace(SymmetricShare& a, Team& team) : a_(a), team_(team) {}

  std::int64_t order() const override { return a_.order(); }
  void where_held(std::int64_t col, const std::function<void()>& use) override {
    if (a_.holds(col)) attempt(use);
  }
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

  /// Throws what this member's steps threw, on all members; collective.
  void rethrow_together() { throw_together(team_, exception_); }

 private:
  /// A step of this member's own, after which the others wait for it in any case.
  template <class Step>
  void attempt(Step step) {
    try {
      if (!exception_) step();
    } catch (const std::exception&) {
      exception_ = std::current_exception();
    }
  }

  SymmetricShare& a_;
  Team& team_;
  std::vector<std::vector<double>> allocated_;
  std::exception_ptr exception_;  ///< of the first step that threw one
};

}  // namespace alphahill
