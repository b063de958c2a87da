#include "gram_check.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "alphahill/base/error.hpp"
#include "lapack.hpp"

namespace alphahill {

GramCheck::GramCheck(std::int64_t order) : x_(static_cast<std::size_t>(order)) {
  std::minstd_rand random(1);
  constexpr double range = std::minstd_rand::max();
  for (double& entry : x_) {
    const double place = static_cast<double>(random()) / range * 2 - 1;
    entry = std::copysign(0.5, place) + place / 2;
  }
}

void GramCheck::add(const Panel& panel, bool wide) {
  const std::int64_t order = std::ssize(x_);
  product_.resize(static_cast<std::size_t>(panel.depth));
  const lapack::Operand values{panel.values.data(), wide ? panel.depth : order, !wide};
  lapack::multiply_vector(panel.depth, order, values, x_.data(), product_.data());
  squares_ += lapack::dot(panel.depth, product_.data(), product_.data());
}

void GramCheck::compare(const SymmetricShare& gram, std::int64_t longer_side, Team& team) const {
  std::array<double, 2> form_and_trace{gram.quadratic_form(x_), gram.trace()};
  team.sum(form_and_trace);
  do_together(team, [&] { compare(form_and_trace[0], form_and_trace[1], longer_side); });
}

void GramCheck::compare(const double* triangle, std::int64_t longer_side) const {
  const std::int64_t order = std::ssize(x_);
  std::vector<double> product(x_.size());
  lapack::multiply_vector(order, order, {triangle, order}, x_.data(), product.data());
  double trace = 0;
  for (std::int64_t col = 0; col < order; ++col) {
    const double* entries = triangle + col * order;
    trace += lapack::dot(col + 1, entries, entries);
  }
  compare(lapack::dot(order, product.data(), product.data()), trace, longer_side);
}

void GramCheck::compare(double form, double trace, std::int64_t longer_side) const {
  const std::int64_t order = std::ssize(x_);
  const double tolerance = static_cast<double>(longer_side + order) * std::numeric_limits<double>::epsilon() *
                           trace * lapack::dot(order, x_.data(), x_.data());
  if (std::abs(form - squares_) <= tolerance) return;
  throw Error(Fault::internal, "Gram matrix",
              fmt::format("x^T G x is {}, |W x|^2 is {}: BLAS has summed it wrong", form, squares_));
}

}  // namespace alphahill
