/// Where spectra are computed: on the CPU, or on a GPU where that is built in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alphahill/spectrum/cast_survey.hpp"
#include "alphahill/spectrum/method.hpp"
#include "alphahill/spectrum/panels.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// The eigenvalues of a Gram matrix, ascending.
struct GramSpectrum {
  std::vector<double> eigenvalues;
  Method method = Method::gram_eigen;
  double seconds = 0;        ///< that finishing took; of a call for several matrices this one's share
  std::string failure = {};  ///< why gram_eigen did not serve, where another method did
};

/// A Gram matrix that is reduced as far as a team is of use. It is for the leader alone.
class Reduction {
 public:
  virtual ~Reduction() = default;

  /// The eigenvalues, ascending, >= 0 (what rounding leaves below is set to 0), on one CPU core; to be called
  /// once. Absolute error of each: N eps lambda_1 (Weyl; Golub and Van Loan, section 8.1).
  /// @throws Error(internal) where the sum of their squares is not |Gram|_F^2, by whatever method computes them
  virtual GramSpectrum finish() = 0;

  double seconds = 0;  ///< that the reduction took
};

class Backend {
 public:
  virtual ~Backend() = default;
  /// The smaller Gram matrix of the cast weights, summed in fp64 while the layer is read once, and reduced.
  /// Collective.
  /// @param matrix  outlives what is returned
  /// @param survey  fed with the weights in passing; may be null
  /// @return null when a cast weight is NaN or Inf
  /// @throws Error(internal) on all members where the Gram matrix does not agree with the weights
  virtual std::unique_ptr<Reduction> reduce(const WeightSource& matrix, CastChain chain, CastSurvey* survey,
                                            Team& team) = 0;
};

std::unique_ptr<Backend> make_cpu_backend();

/// The same eigenvalues by LAPACK's dsyevd alone, on one rank that reads the layer once more: for where the
/// backend has failed. Weights must be finite.
/// @throws Error(internal) where these fail the same checks
std::vector<double> gram_eigenvalues_by_lapack(const WeightSource& matrix, CastChain chain);

/// The same eigenvalues as squared singular values of the weights, on the CPU: a QR factorization updated
/// panel by panel (so that the layer is never whole in memory), then an SVD of its triangle. Relative error
/// of lambda_i: 2 N eps sqrt(lambda_1 / lambda_i). Weights must be finite.
std::vector<double> squared_singular_values(const WeightSource& matrix, CastChain chain);

/// Bytes that each member of a team of `members` needs for a layer at its peak on the CPU, for the Gram
/// matrix or for an SVD.
std::int64_t peak_bytes(const WeightShape& shape, int members = 1);

}  // namespace alphahill
