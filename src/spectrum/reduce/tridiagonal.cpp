#include "spectrum/reduce/tridiagonal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

/// Rows first ... last of a matrix, its off-diagonal entries squared.
struct TridiagonalBlock {
  double* diagonal;
  double* squares;
  std::int64_t first;
  std::int64_t last;
};

/// A QL sweep with one shift, from the last row of its block to the first. With c and s the squared cosine
/// and sine of the rotation of a row and the next, and gamma the diagonal entry that is not rotated yet, less
/// the shift, p = gamma^2 / c.
///
/// A sweep goes over couplings that the one before it may have cleared. Where the shift has cleared gamma
/// too, c = p / (p + square) would be 0 / 0, so that p is kept above zero: that moves gamma, consistently in
/// all that follows, by less than 1e-150 |T|.
class QlSweep {
 public:
  void start(const TridiagonalBlock& block, double shift) {
    shift_ = shift;
    gamma_ = block.diagonal[block.last] - shift;
    p_ = std::max(gamma_ * gamma_, smallest_p);
  }

  [[gnu::always_inline]] void step(const TridiagonalBlock& block, std::int64_t row) {
    const double square = block.squares[row];
    const double r = p_ + square;
    if (row != block.last - 1) block.squares[row + 1] = s_ * r;
    const double old_c = c_;
    const double old_gamma = gamma_;
    const double entry = block.diagonal[row];
    const double reciprocal = 1 / r;
    const double secant = r / p_;
    c_ = p_ * reciprocal;
    s_ = square * reciprocal;
    gamma_ = c_ * (entry - shift_) - s_ * old_gamma;
    block.diagonal[row + 1] = old_gamma + (entry - gamma_);
    p_ = std::max(c_ < smallest_c ? old_c * square : gamma_ * gamma_ * secant, smallest_p);
  }

  void finish(const TridiagonalBlock& block) const {
    block.squares[block.first] = s_ * p_;
    block.diagonal[block.first] = shift_ + gamma_;
  }

 private:
  static constexpr double smallest_p = 1e-300;
  /// Below it gamma^2 may underflow, and old_c square is what is left of p.
  static constexpr double smallest_c = 1e-150;

  double shift_ = 0;
  double c_ = 1;
  double s_ = 0;
  double gamma_ = 0;
  double p_ = 0;
};

constexpr std::int64_t sweeps_together = 4;

/// One sweep for each shift, each two rows behind the one before.
template <std::size_t Count>
void sweep_together(const TridiagonalBlock& block, const std::array<double, Count>& shifts) {
  constexpr std::int64_t lag = 2;
  constexpr auto count = static_cast<std::int64_t>(Count);
  const std::int64_t steps = block.last - block.first;
  std::array<QlSweep, Count> sweeps;
  const auto step_of_the_running = [&](std::int64_t turn) {
    for (std::int64_t i = 0; i < count; ++i) {
      QlSweep& sweep = sweeps[static_cast<std::size_t>(i)];
      const std::int64_t done = turn - lag * i;
      if (done < 0 || done >= steps) continue;
      if (done == 0) sweep.start(block, shifts[static_cast<std::size_t>(i)]);
      sweep.step(block, block.last - 1 - done);
      if (done == steps - 1) sweep.finish(block);
    }
  };
  std::int64_t turn = 0;
  for (; turn < std::min(steps, lag * (count - 1) + 1); ++turn) step_of_the_running(turn);
  for (; turn < steps - 1; ++turn) {
#pragma GCC unroll 16
    for (std::int64_t i = 0; i < count; ++i) {
      sweeps[static_cast<std::size_t>(i)].step(block, block.last - 1 - turn + lag * i);
    }
  }
  for (; turn < steps + lag * (count - 1); ++turn) step_of_the_running(turn);
}

/// The eigenvalue of the leading 2 x 2 block that is nearer to its first entry. No square overflows or
/// vanishes: the coupling is above eps^2 |T|, and the matrix is scaled.
double wilkinson_shift(const TridiagonalBlock& block) {
  const double first = block.diagonal[block.first];
  const double off_diagonal = std::sqrt(block.squares[block.first]);
  const double ratio = (block.diagonal[block.first + 1] - first) / (2 * off_diagonal);
  return first - off_diagonal / (ratio + std::copysign(std::sqrt(ratio * ratio + 1), ratio));
}

/// Replaces a block of order two by its eigenvalues.
void diagonalize(const TridiagonalBlock& block) {
  double& a = block.diagonal[block.first];
  double& b = block.diagonal[block.last];
  const double mean = (a + b) / 2;
  const double half = (a - b) / 2;
  const double radius = std::sqrt(half * half + block.squares[block.first]);
  a = mean - radius;
  b = mean + radius;
  block.squares[block.first] = 0;
}

class QlIteration {
 public:
  QlIteration(std::span<double> diagonal, std::span<double> squares)
      : diagonal_(diagonal), squares_(squares) {}

  /// Leaves the eigenvalues on the diagonal, in no order.
  void run() {
    const std::int64_t order = std::ssize(diagonal_);
    const std::int64_t most_turns = 30 * order;
    std::int64_t turns = 0;
    for (std::int64_t first = 0; first < order;) {
      const TridiagonalBlock block{diagonal_.data(), squares_.data(), first, end_of_block(first)};
      const std::int64_t size = block.last - first + 1;
      if (size <= 2) {
        if (size == 2) diagonalize(block);
        first += size;
      } else {
        if (++turns > most_turns) throw Error(Fault::internal, "QL iteration", "did not converge");
        put_small_end_first(block);
        sweep(block, size);
      }
    }
  }

 private:
  /// The row whose coupling to the next is negligible: against their diagonal entries, as for dsterf, or
  /// against eps^2 |T|.
  std::int64_t end_of_block(std::int64_t first) {
    constexpr double eps = std::numeric_limits<double>::epsilon() / 2;
    constexpr double square_of_eps = eps * eps;
    const auto negligible = [&](std::size_t row) {
      const double scale = std::max(std::abs(diagonal_[row] * diagonal_[row + 1]), square_of_eps);
      return squares_[row] <= square_of_eps * scale;
    };
    std::size_t row = static_cast<std::size_t>(first);
    while (row + 1 < diagonal_.size() && !negligible(row)) ++row;
    if (row + 1 < diagonal_.size()) squares_[row] = 0;
    return static_cast<std::int64_t>(row);
  }

  /// QL iteration finds the eigenvalues at the first end of a graded matrix soonest where those are small.
  static void put_small_end_first(const TridiagonalBlock& block) {
    if (std::abs(block.diagonal[block.first]) <= std::abs(block.diagonal[block.last])) return;
    std::reverse(block.diagonal + block.first, block.diagonal + block.last + 1);
    std::reverse(block.squares + block.first, block.squares + block.last);
  }

  static void sweep(const TridiagonalBlock& block, std::int64_t size) {
    if (size < 3 * sweeps_together) return sweep_together<1>(block, {wilkinson_shift(block)});
    std::array<double, sweeps_together> shifts;
    std::array<double, sweeps_together> squares;
    std::copy_n(block.diagonal + block.first, sweeps_together, shifts.begin());
    std::copy_n(block.squares + block.first, sweeps_together - 1, squares.begin());
    QlIteration(shifts, squares).run();
    sweep_together(block, shifts);
  }

  std::span<double> diagonal_;
  std::span<double> squares_;
};

/// Calls use(value) for each entry of one of the triangles.
template <class Use>
void for_each_entry(const Tridiagonal& matrix, Use use) {
  std::ranges::for_each(matrix.diagonal, use);
  for (std::size_t i = 0; i + 1 < matrix.diagonal.size(); ++i) use(matrix.off_diagonal[i]);
}

}  // namespace

bool is_finite(const Tridiagonal& matrix) {
  bool finite = true;
  for_each_entry(matrix, [&](double value) { finite = finite && std::isfinite(value); });
  return finite;
}

std::vector<double> tridiagonal_eigenvalues(Tridiagonal matrix) {
  auto& [diagonal, off_diagonal] = matrix;
  if (!is_finite(matrix)) throw Error(Fault::internal, "tridiagonal matrix", "an entry is NaN or Inf");
  double largest = 0;
  for_each_entry(matrix, [&](double value) { largest = std::max(largest, std::abs(value)); });
  if (largest == 0) return diagonal;
  // The squares of entries of any size then neither overflow nor vanish where they count.
  for (double& value : diagonal) value /= largest;
  for (double& value : off_diagonal) value = value / largest * (value / largest);
  QlIteration(diagonal, off_diagonal).run();
  for (double& value : diagonal) value *= largest;
  std::ranges::sort(diagonal);
  return std::move(diagonal);
}

}  // namespace alphahill
