/// Where spectra are computed: on the CPU, or on a GPU where that is built in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
  double seconds_together = 0;  ///< its share of a call for several matrices
  std::string failure = {};     ///< why gram_eigen did not serve, where another method did
};

/// The last part of a decomposition, to be called once.
using Eigenvalues = std::function<GramSpectrum()>;

class Backend {
 public:
  virtual ~Backend() = default;

  /// Eigenvalues of the smaller Gram matrix of the cast weights: it is summed in fp64 while the layer is read
  /// once, and reduced as far as a team is of use.
  ///
  /// Collective. What is returned does the rest on one CPU core, is for the leader alone, and gives the
  /// eigenvalues, ascending, >= 0 (what rounding leaves below is set to 0). Absolute error of each: N eps
  /// lambda_1 (Weyl; Golub and Van Loan, section 8.1). It throws Error(internal) where the sum of their
  /// squares is not |Gram|_F^2, by whatever method computes them.
  ///
  /// @param matrix  outlives what is returned
  /// @param survey  fed with the weights in passing; may be null
  /// @return nothing when a cast weight is NaN or Inf
  /// @throws Error(internal) on all members where the Gram matrix does not agree with the weights
  virtual std::optional<Eigenvalues> gram_eigenvalues(const WeightSource& matrix, CastChain chain,
                                                      CastSurvey* survey, Team& team) = 0;

  /// Seconds that calls for several matrices have taken so far, whichever layer made them.
  virtual double seconds_together() const { return 0; }
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
