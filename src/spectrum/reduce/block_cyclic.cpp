#include "alphahill/spectrum/block_cyclic.hpp"

namespace alphahill {

ProcessGrid grid_of(int members) {
  int rows = 1;
  for (int divisor = 1; divisor * divisor <= members; ++divisor) {
    if (members % divisor == 0) rows = divisor;
  }
  return {rows, members / rows};
}

std::int64_t DistributedSide::held() const {
  const std::int64_t round = block * processes_;
  return length_ / round * block + std::clamp(length_ % round - process_ * block, std::int64_t{0}, block);
}

std::int64_t block_cyclic_bytes(std::int64_t rows, std::int64_t cols, int members) {
  // A workspace of one block column and one block row, and PBLAS and BLACS a few buffers of that size.
  constexpr std::int64_t buffers = 4;
  const ProcessGrid grid = grid_of(members);
  const std::int64_t held_rows = DistributedSide(rows, grid.rows, 0).held();
  const std::int64_t held_cols = DistributedSide(cols, grid.cols, 0).held();
  const std::int64_t buffer = DistributedSide::block * (held_rows + held_cols + DistributedSide::block);
  return (held_rows * held_cols + buffers * buffer) * 8;
}

}  // namespace alphahill
