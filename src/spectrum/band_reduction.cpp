#include "band_reduction.hpp"

#include <array>
#include <cstring>

#include "lapack.hpp"
#include "symmetric_product.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t width = SymmetricBand::width;
/// Vectors whose update is held back.
constexpr std::int64_t most_held = 4 * width;
using SmallSquare = std::array<double, width * width>;

/// Vectors lie side by side, `width` entries for each row of A: they are the transposes of the V and W above.
class BandReduction {
 public:
  BandReduction(SymmetricShare& a, Team& team)
      : a_(a),
        team_(team),
        band_(a.order()),
        reflectors_(vectors(width)),
        product_(vectors(width)),
        held_v_(vectors(most_held)),
        held_w_(vectors(most_held)) {}

  SymmetricBand run() && {
    for (std::int64_t first = 0; first < a_.order(); first += width) reduce_panel(first);
    team_.sum(band_.values());
    return std::move(band_);
  }

 private:
  std::vector<double> vectors(std::int64_t count) const {
    return std::vector<double>(static_cast<std::size_t>(count * a_.order()));
  }

  void reduce_panel(std::int64_t first) {
    const std::int64_t below = first + width;
    if (a_.holds(first)) {
      update_panel(first);
      store_diagonal_block(first);
      if (below < a_.order()) factor_below(first);
    }
    if (below >= a_.order()) return;
    share_reflectors(below);
    multiply(below);
    correct(below);
    hold(below);
    if (held_ == most_held) update(below);
  }

  void update_panel(std::int64_t first) {
    const std::int64_t rows = a_.order() - first;
    const lapack::Result panel{a_.at(first, first), a_.leading_dimension()};
    const double* v = held_v_.data() + first * most_held;
    const double* w = held_w_.data() + first * most_held;
    const std::int64_t cols = std::min(width, rows);
    lapack::add_product(rows, cols, held_, -1.0, {v, most_held, true}, {w, most_held}, panel);
    lapack::add_product(rows, cols, held_, -1.0, {w, most_held, true}, {v, most_held}, panel);
  }

  void store_diagonal_block(std::int64_t first) {
    const std::int64_t end = std::min(first + width, a_.order());
    for (std::int64_t col = first; col < end; ++col) {
      for (std::int64_t row = col; row < end; ++row) band_.at(row, col) = *a_.at(row, col);
    }
  }

  void factor_below(std::int64_t first) {
    const std::int64_t below = first + width;
    const std::int64_t rows = a_.order() - below;
    SmallSquare work;
    factor_.fill(0);
    lapack::factor_panel(rows, width, {a_.at(below, first), a_.leading_dimension()}, factor_.data(),
                         work.data());
    for (std::int64_t col = 0; col < width; ++col) {
      double* entries = a_.at(below, first + col);
      const std::int64_t above = std::min(col + 1, rows);
      for (std::int64_t row = 0; row < above; ++row) band_.at(below + row, first + col) = entries[row];
      for (std::int64_t row = 0; row < rows; ++row) {
        reflectors_[static_cast<std::size_t>(row * width + col)] = row > col ? entries[row] : row == col;
      }
    }
  }

  void share_reflectors(std::int64_t below) {
    const int owner = a_.member_of(below - width);
    team_.broadcast(std::as_writable_bytes(remaining(reflectors_, below)), owner);
    team_.broadcast(std::as_writable_bytes(std::span(factor_)), owner);
  }

  /// What is left of `width` vectors from row `first` on.
  std::span<double> remaining(std::vector<double>& vectors, std::int64_t first) const {
    return std::span(vectors).first(static_cast<std::size_t>((a_.order() - first) * width));
  }

  /// product := A V
  void multiply(std::int64_t first) {
    const std::span<double> product = remaining(product_, first);
    std::ranges::fill(product, 0);
    a_.for_each_block(first, [&](std::int64_t col, std::int64_t cols) {
      const std::int64_t offset = (col - first) * width;
      add_symmetric_product({a_.order() - col, cols, a_.at(col, col), a_.leading_dimension()}, width,
                            reflectors_.data() + offset, product.data() + offset);
    });
    team_.sum(product);
  }

  /// product := (A - held updates) V
  void correct(std::int64_t first) {
    const double* v = held_v_.data() + first * most_held;
    const double* w = held_w_.data() + first * most_held;
    subtract_projected(first, w, v);
    subtract_projected(first, v, w);
  }

  /// product -= (V^T P^T) Q for P and Q of the vectors held
  void subtract_projected(std::int64_t first, const double* p, const double* q) {
    const std::int64_t rows = a_.order() - first;
    std::array<double, width * most_held> coefficients{};
    lapack::add_product(width, held_, rows, 1.0, {reflectors_.data(), width}, {p, most_held, true},
                        {coefficients.data(), width});
    lapack::add_product(width, rows, held_, -1.0, {coefficients.data(), width}, {q, most_held},
                        {product_.data(), width});
  }

  /// Appends V and W to the updates held.
  void hold(std::int64_t first) {
    const std::int64_t rows = a_.order() - first;
    double* v = held_v_.data() + first * most_held + held_;
    double* w = held_w_.data() + first * most_held + held_;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::memcpy(v + row * most_held, reflectors_.data() + row * width, width * sizeof(double));
      std::memset(w + row * most_held, 0, width * sizeof(double));
    }
    const lapack::Operand factor_transposed{factor_.data(), width, true};
    lapack::add_product(width, rows, width, 1.0, factor_transposed, {product_.data(), width}, {w, most_held});
    SmallSquare inner{};
    SmallSquare middle{};
    lapack::add_product(width, width, rows, 1.0, {reflectors_.data(), width}, {w, most_held, true},
                        {inner.data(), width});
    lapack::add_product(width, width, width, 1.0, factor_transposed, {inner.data(), width},
                        {middle.data(), width});
    lapack::add_product(width, rows, width, -0.5, {middle.data(), width, true}, {reflectors_.data(), width},
                        {w, most_held});
    held_ += width;
  }

  void update(std::int64_t first) {
    a_.subtract_rank_2k(first, most_held, held_v_.data(), held_w_.data());
    held_ = 0;
  }

  SymmetricShare& a_;
  Team& team_;
  SymmetricBand band_;
  std::vector<double> reflectors_;  ///< V of the panel, from its first row on
  SmallSquare factor_;              ///< T of the panel
  std::vector<double> product_;
  std::vector<double> held_v_;  ///< of all rows of A
  std::vector<double> held_w_;
  std::int64_t held_ = 0;
};

}  // namespace

SymmetricBand reduce_to_band(SymmetricShare& a, Team& team) {
  return BandReduction(a, team).run();
}

std::int64_t reduction_values(std::int64_t order) {
  return order * (2 * width + 2 * most_held + 3 * width);
}

}  // namespace alphahill
