/// Where spectra are computed: on the CPU, or on a GPU where that is built in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "alphahill/spectrum/cast_survey.hpp"
#include "alphahill/spectrum/panels.hpp"

namespace alphahill {

class Backend {
 public:
  virtual ~Backend() = default;

  /// Eigenvalues of the smaller Gram matrix of the cast weights, ascending, >= 0 (what rounding leaves below
  /// is set to 0): the Gram matrix is summed in fp64 while the layer is read once. Absolute error of each: N
  /// eps lambda_1 (Weyl; Golub and Van Loan, section 8.1).
  /// @param survey  fed with the weights in passing; may be null
  /// @return nothing when a cast weight is NaN or Inf
  virtual std::optional<std::vector<double>> gram_eigenvalues(const StoredMatrix& matrix, CastChain chain,
                                                              CastSurvey* survey) = 0;
};

std::unique_ptr<Backend> make_cpu_backend();

/// @param device  number of the GPU on this node
/// @throws Error(system) when CUDA is not built in or there is no such device
std::unique_ptr<Backend> make_cuda_backend(int device);

/// The same eigenvalues as squared singular values of the weights, on the CPU: a QR factorization updated
/// panel by panel (so that the layer is never whole in memory), then an SVD of its triangle. Relative error
/// of lambda_i: 2 N eps sqrt(lambda_1 / lambda_i). Weights must be finite.
std::vector<double> squared_singular_values(const StoredMatrix& matrix, CastChain chain);

/// Bytes that a layer needs at its peak on the CPU, by either way: an n x n matrix and one panel, raw, cast,
/// and transposed for the SVD.
std::int64_t peak_bytes(const StoredMatrix& matrix);

/// Flops a second of this core on a layer of middle size, Gram matrix and reduction together; takes a tenth
/// of a second.
double measured_flops_per_second();

/// BLAS threads of this process; the ranks of a node share its cores.
void set_blas_threads(int threads);

}  // namespace alphahill
