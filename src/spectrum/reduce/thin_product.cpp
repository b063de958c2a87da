#include "spectrum/reduce/thin_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

namespace alphahill {

namespace {

/// Rows and columns of A that stay in the first-level cache for both products.
constexpr std::int64_t block_rows = 64;
constexpr std::int64_t block_cols = 32;

/// The part of a product in `Registers` of vectors and `Cols` columns: the sums stay in registers.
template <class Vector, int Registers, int Cols>
[[gnu::always_inline]] inline void multiply_tile(const ThinProduct& p, std::int64_t first, std::int64_t col) {
  constexpr std::int64_t lanes = lanes_of<Vector>;
  const double* a = p.a.values + col * p.a.col_stride;
  Vector sums[Cols][Registers] = {};
  for (std::int64_t k = 0; k < p.depth; ++k) {
    Vector row[Registers];
#pragma GCC unroll 16
    for (int r = 0; r < Registers; ++r) load(row[r], p.v.values + k * p.v.stride + first + r * lanes);
#pragma GCC unroll 16
    for (int c = 0; c < Cols; ++c) {
      const double entry = a[k * p.a.row_stride + c * p.a.col_stride];
#pragma GCC unroll 16
      for (int r = 0; r < Registers; ++r) sums[c][r] += row[r] * entry;
    }
  }
#pragma GCC unroll 16
  for (int c = 0; c < Cols; ++c) {
#pragma GCC unroll 16
    for (int r = 0; r < Registers; ++r) {
      double* y = p.y.values + (col + c) * p.y.stride + first + r * lanes;
      Vector kept{};
      if (p.keep != 0) load(kept, y);
      store(kept * p.keep + sums[c][r] * p.factor, y);
    }
  }
}

template <class Vector, int Registers, int Cols>
[[gnu::always_inline]] inline void multiply_strip(const ThinProduct& p, std::int64_t first) {
  std::int64_t col = 0;
  for (; col + Cols <= p.cols; col += Cols) multiply_tile<Vector, Registers, Cols>(p, first, col);
  for (; col < p.cols; ++col) multiply_tile<Vector, Registers, 1>(p, first, col);
}

/// Three registers of vectors by `Cols` columns; what is left over of the vectors one by one.
template <class Vector, int Cols>
[[gnu::always_inline]] inline void multiply_in_tiles(const ThinProduct& p) {
  constexpr std::int64_t strip = 3 * lanes_of<Vector>;
  std::int64_t first = 0;
  for (; first + strip <= p.vectors; first += strip) multiply_strip<Vector, 3, Cols>(p, first);
  for (; first < p.vectors; ++first) multiply_strip<double, 1, Cols>(p, first);
}

void multiply_with_baseline(const ThinProduct& p) {
  multiply_in_tiles<Register<16>, 4>(p);
}
ALPHAHILL_AVX2 void multiply_with_avx2(const ThinProduct& p) {
  multiply_in_tiles<Register<32>, 4>(p);
}
ALPHAHILL_AVX512 void multiply_with_avx512(const ThinProduct& p) {
  multiply_in_tiles<Register<64>, 8>(p);
}

constexpr std::array multiply_with{multiply_with_baseline, multiply_with_avx2, multiply_with_avx512};
using Multiply = void (*)(const ThinProduct&);

/// The square block on the diagonal, of order n <= block_cols: its upper triangle is that of the lower one.
void add_diagonal_block(const BlockColumn& a, std::int64_t vectors, SideBySide<const double> v,
                        SideBySide<double> y, Multiply multiply) {
  const std::int64_t n = a.cols;
  std::array<double, block_cols * block_cols> full;
  for (std::int64_t col = 0; col < n; ++col) {
    for (std::int64_t row = col; row < n; ++row) {
      const double entry = a.values[col * a.leading_dimension + row];
      full[static_cast<std::size_t>(col * n + row)] = entry;
      full[static_cast<std::size_t>(row * n + col)] = entry;
    }
  }
  multiply({vectors, n, n, 1, v, {full.data(), 1, n}, 1, y});
}

/// The columns of a block column, cut into parts of about the same number of entries.
std::vector<std::int64_t> equal_cuts(const BlockColumn& a, int parts) {
  const auto rows = static_cast<double>(a.rows);
  const auto cols = static_cast<double>(a.cols);
  std::vector<std::int64_t> cuts{0};
  for (int part = 1; part < parts; ++part) {
    const double entries = (rows - cols / 2) * cols * part / parts;
    cuts.push_back(static_cast<std::int64_t>(rows - std::sqrt(rows * rows - 2 * entries)));
  }
  cuts.push_back(a.cols);
  return cuts;
}

/// What lies from column `col` and its diagonal on.
BlockColumn from_column(const BlockColumn& a, std::int64_t col, std::int64_t cols) {
  return {a.rows - col, cols, a.values + col * (a.leading_dimension + 1), a.leading_dimension};
}

void add_on_one_thread(const BlockColumn& a, std::int64_t vectors, SideBySide<const double> v,
                       SideBySide<double> y, Multiply multiply) {
  for (std::int64_t col = 0; col < a.cols; col += block_cols) {
    const std::int64_t cols = std::min(block_cols, a.cols - col);
    add_diagonal_block(from_column(a, col, cols), vectors, v.from_row(col), y.from_row(col), multiply);
    for (std::int64_t row = col + cols; row < a.rows; row += block_rows) {
      const std::int64_t rows = std::min(block_rows, a.rows - row);
      const double* block = a.values + col * a.leading_dimension + row;
      const Strided plain{block, 1, a.leading_dimension};
      const Strided transposed{block, a.leading_dimension, 1};
      multiply({vectors, rows, cols, 1, v.from_row(row), plain, 1, y.from_row(col)});
      multiply({vectors, cols, rows, 1, v.from_row(col), transposed, 1, y.from_row(row)});
    }
  }
}

}  // namespace

void multiply_thin(const ThinProduct& product, VectorLevel level) {
  multiply_with[static_cast<std::size_t>(level)](product);
}

void add_symmetric_product(const BlockColumn& a, std::int64_t vectors, SideBySide<const double> v,
                           SideBySide<double> y, int threads, VectorLevel level) {
  const Multiply multiply = multiply_with[static_cast<std::size_t>(level)];
  if (threads == 1) return add_on_one_thread(a, vectors, v, y, multiply);
  const std::vector<std::int64_t> cuts = equal_cuts(a, threads);
  std::vector<std::unique_ptr<double[]>> sums;
  for (int part = 0; part < threads; ++part) {
    sums.push_back(std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(a.rows * vectors)));
  }
  {
    std::vector<std::jthread> running;
    for (std::size_t part = 0; part < sums.size(); ++part) {
      running.emplace_back([&, part] {
        std::fill_n(sums[part].get(), a.rows * vectors, 0.0);
        const SideBySide<double> sum{sums[part].get(), vectors};
        const std::int64_t col = cuts[part];
        add_on_one_thread(from_column(a, col, cuts[part + 1] - col), vectors, v.from_row(col),
                          sum.from_row(col), multiply);
      });
    }
  }
  for (const auto& sum : sums) {
    for (std::int64_t row = 0; row < a.rows; ++row) {
      for (std::int64_t i = 0; i < vectors; ++i) {
        y.values[row * y.stride + i] += sum[static_cast<std::size_t>(row * vectors + i)];
      }
    }
  }
}

}  // namespace alphahill
