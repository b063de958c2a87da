#include <algorithm>
#include <array>
#include <cmath>

#include "alphahill/base/vector_register.hpp"
#include "spectrum/reduce/sturm_check.hpp"
#include "spectrum/reduce/symmetric_band.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t width = SymmetricBand::width;
constexpr std::int64_t leading_dimension = SymmetricBand::leading_dimension;

/// A column of a block: `width` entries in registers.
template <class Vector>
struct Column {
  static constexpr int registers = width / lanes_of<Vector>;
  Vector parts[registers];

  [[gnu::always_inline]] void load_from(const double* entries) {
#pragma GCC unroll 16
    for (int r = 0; r < registers; ++r) load(parts[r], entries + r * lanes_of<Vector>);
  }
  [[gnu::always_inline]] void store_to(double* entries) const {
#pragma GCC unroll 16
    for (int r = 0; r < registers; ++r) store(parts[r], entries + r * lanes_of<Vector>);
  }
  [[gnu::always_inline]] void clear() {
#pragma GCC unroll 16
    for (int r = 0; r < registers; ++r) parts[r] = Vector{};
  }
  [[gnu::always_inline]] void add(const Column& other, double factor) {
#pragma GCC unroll 16
    for (int r = 0; r < registers; ++r) parts[r] += other.parts[r] * factor;
  }
  [[gnu::always_inline]] double dot(const Column& other) const {
    Vector sum = parts[0] * other.parts[0];
#pragma GCC unroll 16
    for (int r = 1; r < registers; ++r) sum += parts[r] * other.parts[r];
    double total = 0;
#pragma GCC unroll 16
    for (int lane = 0; lane < lanes_of<Vector>; ++lane) total += sum[lane];
    return total;
  }
};

/// H = I - tau v v^T, v_0 = 1.
struct Reflector {
  alignas(64) std::array<double, width> v;
  double tau;
};

/// Clears `column` but for its first entry; returns the reflector that does it.
template <class Vector>
[[gnu::always_inline]] inline void clear_column(double* column, Reflector& reflector) {
  const double first = column[0];
  column[0] = 0;
  Column<Vector> entries;
  entries.load_from(column);
  const double rest = entries.dot(entries);
  const double norm = -std::copysign(std::sqrt(first * first + rest), first);
  const bool nothing = rest == 0;
  reflector.tau = nothing ? 0 : (norm - first) / norm;
  Column<Vector> v;
  v.clear();
  v.add(entries, nothing ? 0 : 1 / (first - norm));
  v.store_to(reflector.v.data());
  reflector.v[0] = 1;
  entries.clear();
  entries.store_to(column);
  column[0] = nothing ? first : norm;
}

/// D := H D H for the diagonal block at `block`, whose last row the chase has not yet mirrored.
template <class Vector>
[[gnu::always_inline]] inline void apply_to_diagonal(const Reflector& reflector, double* block) {
  double* last_column = block + (width - 1) * leading_dimension;
  for (std::int64_t col = 0; col < width - 1; ++col)
    last_column[col] = block[width - 1 + col * leading_dimension];
  Column<Vector> v;
  Column<Vector> w;
  Column<Vector> column;
  v.load_from(reflector.v.data());
  w.clear();
  for (std::int64_t col = 0; col < width; ++col) {
    column.load_from(block + col * leading_dimension);
    w.add(column, reflector.tau * reflector.v[static_cast<std::size_t>(col)]);
  }
  w.add(v, -0.5 * reflector.tau * w.dot(v));
  std::array<double, width> factors;
  w.store_to(factors.data());
  for (std::size_t col = 0; col < width; ++col) {
    double* entries = block + static_cast<std::int64_t>(col) * leading_dimension;
    column.load_from(entries);
    column.add(v, -factors[col]);
    column.add(w, -reflector.v[col]);
    column.store_to(entries);
  }
}

/// B := H' B H for the block at `block`, with H' such that it clears the first column of B H; then H := H'.
template <class Vector>
[[gnu::always_inline]] inline void push_bulge(Reflector& reflector, double* block) {
  Column<Vector> product;
  Column<Vector> column;
  product.clear();
  std::array<double, width> factors;
  for (std::size_t col = 0; col < width; ++col) {
    factors[col] = reflector.tau * reflector.v[col];
    column.load_from(block + static_cast<std::int64_t>(col) * leading_dimension);
    product.add(column, reflector.v[col]);
  }
  column.load_from(block);
  column.add(product, -factors[0]);
  column.store_to(block);
  clear_column<Vector>(block, reflector);
  Column<Vector> v;
  v.load_from(reflector.v.data());
  for (std::size_t col = 1; col < width; ++col) {
    double* entries = block + static_cast<std::int64_t>(col) * leading_dimension;
    column.load_from(entries);
    column.add(product, -factors[col]);
    column.add(v, -reflector.tau * v.dot(column));
    column.store_to(entries);
  }
}

/// The clearing of one column, on its way down the band.
struct Sweep {
  std::int64_t row;  ///< of the diagonal block that its reflector comes to next
  Reflector reflector;
};

/// Sweeps that go down the band together, each two blocks behind the one before, so that its blocks stay in
/// the cache. From column `first` to `end`.
template <class Vector>
[[gnu::always_inline]] inline void chase_together(SymmetricBand& band, std::int64_t first, std::int64_t end) {
  std::array<Sweep, SymmetricBand::sweeps_together> sweeps;
  const std::int64_t order = band.order();
  const auto step = [&](std::int64_t col, std::int64_t blocks_done) __attribute__((always_inline)) {
    Sweep& sweep = sweeps[static_cast<std::size_t>(col - first)];
    if (blocks_done == 0) {
      sweep.row = col + 1;
      clear_column<Vector>(band.block(sweep.row, col), sweep.reflector);
    }
    if (sweep.row >= order) return false;
    apply_to_diagonal<Vector>(sweep.reflector, band.block(sweep.row, sweep.row));
    if (sweep.row + width < order)
      push_bulge<Vector>(sweep.reflector, band.block(sweep.row + width, sweep.row));
    sweep.row += width;
    return true;
  };
  bool running = true;
  for (std::int64_t turn = 0; running; ++turn) {
    running = false;
    for (std::int64_t col = first; col < end; ++col) {
      const std::int64_t blocks_done = turn - 2 * (col - first);
      if (blocks_done < 0 || step(col, blocks_done)) running = true;
    }
  }
}

void chase_with_baseline(SymmetricBand& band, std::int64_t first, std::int64_t end) {
  chase_together<Register<16>>(band, first, end);
}
ALPHAHILL_AVX2 void chase_with_avx2(SymmetricBand& band, std::int64_t first, std::int64_t end) {
  chase_together<Register<32>>(band, first, end);
}
ALPHAHILL_AVX512 void chase_with_avx512(SymmetricBand& band, std::int64_t first, std::int64_t end) {
  chase_together<Register<64>>(band, first, end);
}

constexpr std::array chase_with{chase_with_baseline, chase_with_avx2, chase_with_avx512};

}  // namespace

Tridiagonal SymmetricBand::tridiagonal(VectorLevel level) {
  const auto chase = chase_with[static_cast<std::size_t>(level)];
  for (std::int64_t col = 0; col < order_; ++col) {
    for (std::int64_t off = 1; off < width; ++off) *block(col, col + off) = *block(col + off, col);
  }
  for (std::int64_t col = 0; col < order_ - 2; col += sweeps_together) {
    chase(*this, col, std::min(col + sweeps_together, order_ - 2));
  }
  Tridiagonal result;
  for (std::int64_t col = 0; col < order_; ++col) {
    result.diagonal.push_back(at(col, col));
    result.off_diagonal.push_back(at(col + 1, col));
  }
  return result;
}

std::vector<double> SymmetricBand::eigenvalues(VectorLevel level) {
  const Tridiagonal reduced = tridiagonal(level);
  std::vector<double> eigenvalues = tridiagonal_eigenvalues(reduced);
  check_sturm_counts(reduced, eigenvalues);
  return eigenvalues;
}

}  // namespace alphahill
