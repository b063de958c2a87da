#include "symmetric_product.hpp"

#include <algorithm>
#include <array>

#include "vector_kernels.hpp"

namespace alphahill {

namespace {

/// Rows and columns of A that stay in the first-level cache for both products.
constexpr std::int64_t block_rows = 64;
constexpr std::int64_t block_cols = 32;

/// An operand a(k, c) of a product, at values[k * k_stride + c * c_stride]: a block of A or its transpose.
struct Strided {
  const double* values;
  std::int64_t k_stride;
  std::int64_t c_stride;

  Strided at_column(std::int64_t c) const { return {values + c * c_stride, k_stride, c_stride}; }
};

/// Y(:, c) += sum over k < depth of V(:, k) a(k, c), for all vectors and `cols` columns.
struct Product {
  std::int64_t vectors;
  std::int64_t depth;
  std::int64_t cols;
  Strided a;
  const double* v;
  double* y;
};

/// The part of a product in `Vectors` vector registers and `Cols` columns: the sums stay in registers.
template <class Vector, int Vectors, int Cols>
[[gnu::always_inline]] inline void add_tile(const Product& p, std::int64_t first, std::int64_t col) {
  constexpr std::int64_t lanes = lanes_of<Vector>;
  const double* v = p.v + first;
  const Strided a = p.a.at_column(col);
  double* y = p.y + col * p.vectors + first;
  Vector sums[Cols][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Cols; ++c) {
#pragma GCC unroll 16
    for (int r = 0; r < Vectors; ++r) load(sums[c][r], y + c * p.vectors + r * lanes);
  }
  for (std::int64_t k = 0; k < p.depth; ++k) {
    Vector row[Vectors];
#pragma GCC unroll 16
    for (int r = 0; r < Vectors; ++r) load(row[r], v + k * p.vectors + r * lanes);
#pragma GCC unroll 16
    for (int c = 0; c < Cols; ++c) {
      const double factor = a.values[k * a.k_stride + c * a.c_stride];
#pragma GCC unroll 16
      for (int r = 0; r < Vectors; ++r) sums[c][r] += row[r] * factor;
    }
  }
#pragma GCC unroll 16
  for (int c = 0; c < Cols; ++c) {
#pragma GCC unroll 16
    for (int r = 0; r < Vectors; ++r) store(sums[c][r], y + c * p.vectors + r * lanes);
  }
}

template <class Vector, int Vectors, int Cols>
[[gnu::always_inline]] inline void add_strip(const Product& p, std::int64_t first) {
  std::int64_t col = 0;
  for (; col + Cols <= p.cols; col += Cols) add_tile<Vector, Vectors, Cols>(p, first, col);
  for (; col < p.cols; ++col) add_tile<Vector, Vectors, 1>(p, first, col);
}

/// Three registers of vectors by `Cols` columns; what is left over of the vectors one by one.
template <class Vector, int Cols>
[[gnu::always_inline]] inline void add_in_tiles(const Product& p) {
  constexpr std::int64_t strip = 3 * lanes_of<Vector>;
  std::int64_t first = 0;
  for (; first + strip <= p.vectors; first += strip) add_strip<Vector, 3, Cols>(p, first);
  for (; first < p.vectors; ++first) add_strip<double, 1, Cols>(p, first);
}

void add_with_any(const Product& p) {
  add_in_tiles<Register<16>, 4>(p);
}
ALPHAHILL_AVX2 void add_with_avx2(const Product& p) {
  add_in_tiles<Register<32>, 4>(p);
}
ALPHAHILL_AVX512 void add_with_avx512(const Product& p) {
  add_in_tiles<Register<64>, 8>(p);
}

constexpr std::array add_with{add_with_any, add_with_avx2, add_with_avx512};
using AddProduct = void (*)(const Product&);

/// The square block on the diagonal, of order n <= block_cols: its upper triangle is that of the lower one.
void add_diagonal_block(const double* a, std::int64_t leading_dimension, std::int64_t n, std::int64_t vectors,
                        const double* v, double* y, AddProduct add) {
  std::array<double, block_cols * block_cols> full;
  for (std::int64_t col = 0; col < n; ++col) {
    for (std::int64_t row = col; row < n; ++row) {
      const double entry = a[col * leading_dimension + row];
      full[static_cast<std::size_t>(col * n + row)] = entry;
      full[static_cast<std::size_t>(row * n + col)] = entry;
    }
  }
  add({vectors, n, n, {full.data(), n, 1}, v, y});
}

}  // namespace

void add_symmetric_product(const BlockColumn& a, std::int64_t vectors, const double* v, double* y,
                           VectorLevel level) {
  const AddProduct add = add_with[static_cast<std::size_t>(level)];
  for (std::int64_t col = 0; col < a.cols; col += block_cols) {
    const std::int64_t cols = std::min(block_cols, a.cols - col);
    const double* column = a.values + col * a.leading_dimension;
    const double* v_col = v + col * vectors;
    double* y_col = y + col * vectors;
    add_diagonal_block(column + col, a.leading_dimension, cols, vectors, v_col, y_col, add);
    for (std::int64_t row = col + cols; row < a.rows; row += block_rows) {
      const std::int64_t rows = std::min(block_rows, a.rows - row);
      const Strided transposed{column + row, 1, a.leading_dimension};
      const Strided plain{column + row, a.leading_dimension, 1};
      add({vectors, rows, cols, transposed, v + row * vectors, y_col});
      add({vectors, cols, rows, plain, v_col, y + row * vectors});
    }
  }
}

}  // namespace alphahill
