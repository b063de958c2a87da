/// Products of the band reduction and of Gram matrices, each by the two routines that can do it.
#include "gpu/probes/device.hpp"
#include "gpu/probes/finding.hpp"
#include "gpu/probes/probes.hpp"
#include "spectrum/reduce/symmetric_band.hpp"

namespace alphahill::probes {

namespace {

constexpr double one = 1;
constexpr double zero = 0;
constexpr double minus_one = -1;
const std::vector<std::int64_t> orders{1024, 2048, 4096, 8192, 16384};

/// Seconds of two ways to one product, and their rates by the flops that the first needs.
void report(const char* part, std::int64_t n, std::int64_t depth, double flops, const char* first,
            double first_seconds, const char* second, double second_seconds) {
  Finding(part)
      .with("n", n)
      .with("depth", depth)
      .with(first, first_seconds)
      .with(second, second_seconds)
      .with("first_tflops", flops / first_seconds / 1e12)
      .with("second_tflops", flops / second_seconds / 1e12)
      .with("first_over_second", first_seconds / second_seconds)
      .print();
}

}  // namespace

/// Y := V A for a symmetric A, as the band reduction needs it for each panel: V and Y are 24 x n.
void probe_symmetric_product(std::int64_t largest) {
  constexpr std::int64_t vectors = SymmetricBand::width;
  const Lane lane;
  for (const std::int64_t n : orders_up_to(largest, orders)) {
    const Array<double> a(n * n);
    const Array<double> v(vectors * n);
    const Array<double> y(vectors * n);
    a.fill(uniform_values(n * n));
    v.fill(uniform_values(vectors * n));
    const double symm = least_seconds(lane, [&] {
      check("cublasDsymm", cublasDsymm_64(lane.blas.get(), CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_LOWER, vectors,
                                          n, &one, a.get(), n, v.get(), vectors, &zero, y.get(), vectors));
    });
    const double gemm = least_seconds(lane, [&] {
      check("cublasDgemm", cublasDgemm_64(lane.blas.get(), CUBLAS_OP_N, CUBLAS_OP_N, vectors, n, n, &one,
                                          v.get(), vectors, a.get(), n, &zero, y.get(), vectors));
    });
    report("symmetric_product", n, vectors, 2.0 * static_cast<double>(n * n * vectors), "symm_seconds", symm,
           "gemm_seconds", gemm);
  }
}

/// C := C - V^T W - W^T V by its lower triangle, or all of it by two products.
void probe_rank_2k(std::int64_t largest) {
  constexpr std::int64_t held = 4 * SymmetricBand::width;
  const Lane lane;
  for (const std::int64_t n : orders_up_to(largest, orders)) {
    const Array<double> c(n * n);
    const Array<double> v(held * n);
    const Array<double> w(held * n);
    v.fill(uniform_values(held * n));
    w.fill(uniform_values(held * n));
    const double syr2k = least_seconds(lane, [&] {
      check("cublasDsyr2k", cublasDsyr2k_64(lane.blas.get(), CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T, n, held,
                                            &minus_one, v.get(), held, w.get(), held, &one, c.get(), n));
    });
    const auto subtract = [&](const Array<double>& left, const Array<double>& right) {
      check("cublasDgemm", cublasDgemm_64(lane.blas.get(), CUBLAS_OP_T, CUBLAS_OP_N, n, n, held, &minus_one,
                                          left.get(), held, right.get(), held, &one, c.get(), n));
    };
    const double gemm = least_seconds(lane, [&] {
      subtract(v, w);
      subtract(w, v);
    });
    report("rank_2k", n, held, 2.0 * static_cast<double>(n * n * held), "syr2k_seconds", syr2k,
           "two_gemms_seconds", gemm);
  }
}

/// G := G + A A^T with panels of 512, stored as those of tall matrices and as those of wide ones.
void probe_gram(std::int64_t largest) {
  constexpr std::int64_t depth = 512;
  const Lane lane;
  for (const std::int64_t n : orders_up_to(largest, orders)) {
    const Array<double> g(n * n);
    const Array<double> a(n * depth);
    a.fill(uniform_values(n * depth));
    for (const bool wide : {false, true}) {
      const cublasOperation_t op = wide ? CUBLAS_OP_T : CUBLAS_OP_N;
      const cublasOperation_t transposed = wide ? CUBLAS_OP_N : CUBLAS_OP_T;
      const std::int64_t leading_dimension = wide ? depth : n;
      const double syrk = least_seconds(lane, [&] {
        check("cublasDsyrk", cublasDsyrk_64(lane.blas.get(), CUBLAS_FILL_MODE_LOWER, op, n, depth, &one,
                                            a.get(), leading_dimension, &one, g.get(), n));
      });
      const double gemm = least_seconds(lane, [&] {
        check("cublasDgemm", cublasDgemm_64(lane.blas.get(), op, transposed, n, n, depth, &one, a.get(),
                                            leading_dimension, a.get(), leading_dimension, &one, g.get(), n));
      });
      report(wide ? "gram_of_wide" : "gram_of_tall", n, depth, static_cast<double>(n * n * depth),
             "syrk_seconds", syrk, "gemm_seconds", gemm);
    }
  }
}

}  // namespace alphahill::probes
