#include "spectrum/reduce/gram_check.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "alphahill/base/error.hpp"
#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

GramCheck::GramCheck(const WeightSource& matrix)
    : wide_(matrix.wide()),
      longer_side_(matrix.longer_side()),
      x_(static_cast<std::size_t>(matrix.order())),
      product_(static_cast<std::size_t>(panel_depth(matrix.shape()))) {
  std::minstd_rand random(1);
  constexpr double range = std::minstd_rand::max();
  for (double& entry : x_) {
    const double place = static_cast<double>(random()) / range * 2 - 1;
    entry = std::copysign(0.5, place) + place / 2;
  }
}

void GramCheck::add(const Panel& panel) {
  const std::int64_t order = std::ssize(x_);
  const lapack::Operand values{panel.values.data(), wide_ ? panel.depth : order, !wide_};
  lapack::multiply_vector(panel.depth, order, values, x_.data(), product_.data());
  squares_ += lapack::dot(panel.depth, product_.data(), product_.data());
}

void GramCheck::compare(const SymmetricShare& gram, Team& team) const {
  std::array<double, 2> form_and_trace{gram.quadratic_form(x_), gram.trace()};
  team.sum(form_and_trace);
  do_together(team, [&] { compare(form_and_trace[0], form_and_trace[1]); });
}

void GramCheck::compare(const double* triangle) const {
  const std::int64_t order = std::ssize(x_);
  std::vector<double> product(x_.size());
  lapack::multiply_vector(order, order, {triangle, order}, x_.data(), product.data());
  double trace = 0;
  for (std::int64_t col = 0; col < order; ++col) {
    const double* entries = triangle + col * order;
    trace += lapack::dot(col + 1, entries, entries);
  }
  compare(lapack::dot(order, product.data(), product.data()), trace);
}

void GramCheck::compare(double form, double trace) const {
  const std::int64_t order = std::ssize(x_);
  const double tolerance = static_cast<double>(longer_side_ + order) *
                           std::numeric_limits<double>::epsilon() * trace *
                           lapack::dot(order, x_.data(), x_.data());
  if (std::abs(form - squares_) <= tolerance) return;
  throw Error(Fault::internal, "Gram matrix",
              fmt::format("x^T G x is {}, |W x|^2 is {}: BLAS has summed it wrong", form, squares_));
}

}  // namespace alphahill
