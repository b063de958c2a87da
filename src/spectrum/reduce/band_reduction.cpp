#include "spectrum/reduce/band_reduction.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "spectrum/reduce/host_space.hpp"
#include "spectrum/reduce/lapack.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t width = SymmetricBand::width;
/// Vectors whose update is held back.
constexpr std::int64_t most_held = 4 * width;
using SmallSquare = std::array<double, width * width>;

/// Vectors lie side by side, `width` entries for each row of A: they are the transposes of the V and W above.
class BandReduction {
 public:
  explicit BandReduction(ReductionSpace& space)
      : space_(space),
        order_(space.order()),
        band_(order_),
        reflectors_(space.allocate_mirrored(width * order_)),
        factor_(space.allocate_mirrored(width * width)),
        product_(space.allocate(width * order_)),
        coefficients_(space.allocate(width * most_held)),
        square_(space.allocate(width * width)),
        held_v_(space.allocate(most_held * order_)),
        held_w_(space.allocate(most_held * order_)) {}

  SymmetricBand run() && {
    for (std::int64_t first = 0; first < order_; first += width) reduce_panel(first);
    return std::move(band_);
  }

 private:
  void reduce_panel(std::int64_t first) {
    const std::int64_t below = first + width;
    space_.where_held(first, [this, first] { factor_panel(first); });
    if (below >= order_) return;
    space_.share(first, reflectors_, width * (order_ - below));
    space_.share(first, factor_, width * width);
    space_.multiply_symmetric(below, width, reflectors_.values, product_);
    correct(below);
    hold(below);
    if (held_ == most_held) update(below);
  }

  void factor_panel(std::int64_t first) {
    update_panel(first);
    const std::int64_t cols = std::min(width, order_ - first);
    const lapack::Result panel = space_.columns_on_host(first, cols);
    store_diagonal_block(first, panel);
    if (first + width < order_) factor_below(first, panel);
  }

  void update_panel(std::int64_t first) {
    const std::int64_t rows = order_ - first;
    const lapack::Result panel = space_.columns(first);
    const double* v = held_v_ + first * most_held;
    const double* w = held_w_ + first * most_held;
    const std::int64_t cols = std::min(width, rows);
    space_.multiply(rows, cols, held_, -1, {v, most_held, true}, {w, most_held}, 1, panel);
    space_.multiply(rows, cols, held_, -1, {w, most_held, true}, {v, most_held}, 1, panel);
  }

  void store_diagonal_block(std::int64_t first, const lapack::Result& panel) {
    const std::int64_t cols = std::min(width, order_ - first);
    for (std::int64_t col = 0; col < cols; ++col) {
      const double* entries = panel.values + col * panel.leading_dimension;
      for (std::int64_t row = col; row < cols; ++row) band_.at(first + row, first + col) = entries[row];
    }
  }

  /// The rows of the panel below its diagonal block.
  void factor_below(std::int64_t first, const lapack::Result& panel) {
    const std::int64_t below = first + width;
    const std::int64_t rows = order_ - below;
    SmallSquare work;
    std::fill_n(factor_.on_host, width * width, 0);
    lapack::factor_panel(rows, width, {panel.values + width, panel.leading_dimension}, factor_.on_host,
                         work.data());
    for (std::int64_t col = 0; col < width; ++col) {
      const double* entries = panel.values + width + col * panel.leading_dimension;
      const std::int64_t above = std::min(col + 1, rows);
      for (std::int64_t row = 0; row < above; ++row) band_.at(below + row, first + col) = entries[row];
      for (std::int64_t row = 0; row < rows; ++row) {
        reflectors_.on_host[row * width + col] = row > col ? entries[row] : row == col;
      }
    }
  }

  /// product := (A - held updates) V, of A V
  void correct(std::int64_t first) {
    const double* v = held_v_ + first * most_held;
    const double* w = held_w_ + first * most_held;
    subtract_projected(first, w, v);
    subtract_projected(first, v, w);
  }

  /// product -= (V^T P^T) Q for P and Q of the vectors held
  void subtract_projected(std::int64_t first, const double* p, const double* q) {
    const std::int64_t rows = order_ - first;
    const lapack::Operand coefficients{coefficients_, width};
    space_.multiply(width, held_, rows, 1, {reflectors_.values, width}, {p, most_held, true}, 0,
                    {coefficients_, width});
    space_.multiply(width, rows, held_, -1, coefficients, {q, most_held}, 1, {product_, width});
  }

  /// Appends V and W to the updates held.
  void hold(std::int64_t first) {
    const std::int64_t rows = order_ - first;
    const lapack::Operand reflectors{reflectors_.values, width};
    const lapack::Operand factor_transposed{factor_.values, width, true};
    const lapack::Result v{held_v_ + first * most_held + held_, most_held};
    const lapack::Result w{held_w_ + first * most_held + held_, most_held};
    const lapack::Result inner{coefficients_, width};
    const lapack::Result middle{square_, width};
    space_.copy(width, rows, reflectors, v);
    space_.multiply(width, rows, width, 1, factor_transposed, {product_, width}, 0, w);
    space_.multiply(width, width, rows, 1, reflectors, {w.values, most_held, true}, 0, inner);
    space_.multiply(width, width, width, 1, factor_transposed, {inner.values, width}, 0, middle);
    space_.multiply(width, rows, width, -0.5, {middle.values, width}, reflectors, 1, w);
    held_ += width;
  }

  void update(std::int64_t first) {
    space_.subtract_rank_2k(first, most_held, held_v_, held_w_);
    held_ = 0;
  }

  ReductionSpace& space_;
  std::int64_t order_;
  SymmetricBand band_;
  Mirrored reflectors_;  ///< V of the panel, from its first row on
  Mirrored factor_;      ///< T of the panel
  double* product_;
  double* coefficients_;
  double* square_;
  double* held_v_;  ///< of all rows of A
  double* held_w_;
  std::int64_t held_ = 0;
};

}  // namespace

SymmetricBand reduce_to_band(ReductionSpace& space) {
  return BandReduction(space).run();
}

SymmetricBand reduce_to_band(SymmetricShare& a, Team& team) {
  HostSpace space(a, team);
  std::optional<BandReduction> reduction;
  do_together(team, [&] { reduction.emplace(space); });
  SymmetricBand band = std::move(*reduction).run();
  space.rethrow_together();
  team.sum(band.values());
  return band;
}

std::int64_t reduction_values(std::int64_t order) {
  return order * (2 * width + 2 * most_held + 3 * width);
}

}  // namespace alphahill
