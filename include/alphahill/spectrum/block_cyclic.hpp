/// How a dense matrix is dealt out to a team: ScaLAPACK's two-dimensional block-cyclic distribution, as
/// arithmetic.
///
///   members         a grid of processes, row by row: member r is process (r / grid.cols, r mod grid.cols)
///   block (i, j)    block x block entries, of process (i mod grid.rows, j mod grid.cols)
///   one process     its blocks side by side in the same order, column-major
///
/// Blackford et al., ScaLAPACK Users' Guide (1997), section 4.3.
#pragma once

#include <algorithm>
#include <cstdint>

namespace alphahill {

struct ProcessGrid {
  int rows;
  int cols;
};

/// As near to a square as the number of members allows, and no taller than wide.
ProcessGrid grid_of(int members);

/// Consecutive indices of one side of the matrix that one process holds.
struct HeldRange {
  std::int64_t first;  ///< in the matrix
  std::int64_t local;  ///< the same one among those that the process holds
  std::int64_t count;
};

/// One side of the matrix, as one of the processes that share it sees it.
class DistributedSide {
 public:
  static constexpr std::int64_t block = 64;

  DistributedSide(std::int64_t length, int processes, int process)
      : length_(length), processes_(processes), process_(process) {}

  /// Indices that this process holds (ScaLAPACK's NUMROC).
  std::int64_t held() const;
  bool holds(std::int64_t index) const { return index / block % processes_ == process_; }
  /// @pre holds(index)
  std::int64_t local(std::int64_t index) const { return index / block / processes_ * block + index % block; }

  /// Calls use(HeldRange) for what this process holds of [first, end), block by block.
  template <class Use>
  void for_each_held(std::int64_t first, std::int64_t end, Use use) const {
    for (std::int64_t index = first; index < end; index = (index / block + 1) * block) {
      if (!holds(index)) continue;
      use(HeldRange{index, local(index), std::min((index / block + 1) * block, end) - index});
    }
  }

 private:
  std::int64_t length_;
  std::int64_t processes_;
  std::int64_t process_;
};

/// Bytes that a member of a team of `members` needs at most for a rows x cols matrix, and to factor it or to
/// reduce it to bidiagonal form: its part of the matrix and what ScaLAPACK uses beside it.
std::int64_t block_cyclic_bytes(std::int64_t rows, std::int64_t cols, int members);

}  // namespace alphahill
