/// The figures of one layer: its casts, the distinct spectra among them, and the Hill exponent of each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alphahill/metrics/hill.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

struct AnalysisSettings {
  ElementFormat load;
  std::vector<Precision> precisions;  ///< of which spectra are computed, in the order asked for
  double k_fraction;                  ///< in (0, 1]
  double share_tolerance;             ///< of alpha's relative change, in [0, 1); 0: only equal bits share
  /// Bytes that a rank may use for a layer: what a team's leader does alone, where the others are not needed,
  /// may not fit.
  std::int64_t memory = std::numeric_limits<std::int64_t>::max();
  std::vector<Precision> survey = {};  ///< of which only the errors of rounding are computed
  bool fuse_scales = false;            ///< scales of the tensor are those of the layer and its partners

  /// Those with spectra, then the others.
  std::vector<Precision> all_precisions() const {
    std::vector<Precision> all = precisions;
    all.insert(all.end(), survey.begin(), survey.end());
    return all;
  }
  /// Do figures of a layer depend on its partners' weights?
  bool observes_partners() const {
    return fuse_scales && (std::ranges::any_of(precisions, &Precision::has_tensor_scale) ||
                           std::ranges::any_of(survey, &Precision::has_tensor_scale));
  }
};

/// The spectrum of the weights at one precision, and what follows from it.
struct Spectrum {
  std::vector<double> eigenvalues;  ///< ascending
  HillEstimate hill;
  Method method;
  double error_bound;  ///< bound on the relative error of lambda_{k+1} by the method used
  double seconds;
};

/// The spectrum of an earlier precision that serves as a later one's.
struct Share {
  std::size_t precision;  ///< index of the earlier one
  double bound;           ///< on alpha's relative change by that; 0 for the same cast bits
};

struct PrecisionFigures {
  std::optional<Share> shares;       ///< the spectrum of another precision that serves as this one's too
  std::optional<Spectrum> spectrum;  ///< nothing where shared, failed, or where a cast weight is NaN or Inf
  std::string failed_methods;  ///< why, where one or more methods did not serve; all, without a spectrum
  std::int64_t nonfinite;      ///< cast weights that are NaN or Inf
  double cast_error;           ///< |W_p - W|_F / |W|_F against the stored weights
  double squared_norm;         ///< |W_p|_F^2
  /// Of a pass for the survey alone, where this is the first precision without a spectrum.
  double survey_seconds = 0;
  double largest_error;   ///< |w_p - w| of the weight that it is largest of
  std::int64_t zeroed;    ///< weights other than 0 that are cast to 0
  std::int64_t clipped;   ///< weights beyond the range of their group, as GroupCast says it
  bool stored = false;    ///< the spectrum is known from an earlier run: it is not here
  bool surveyed = false;  ///< no spectrum is asked for
};

/// Figures of a layer at each precision, in the order asked for, those that are only surveyed last. A precision
/// shares the decomposition of the first one before it whose cast weights agree bit for bit, or differ so little
/// that `alpha_change_bound` is at most the share tolerance. The layer is read once for each decomposition, and
/// once more for each further method: where the backend fails, or what it finds does not add up, LAPACK's dsyevd on
/// a Gram matrix that is summed again, then an SVD; where the eigenvalues of a Gram matrix are too inexact, an SVD.
/// A precision that all of them fail leaves the others alone.
///
/// Collective; all members of a team take the same steps. The spectra and shares are the leader's alone. The
/// members are free when the last decomposition is down to what one core does; but where the layer is too
/// large for one rank, an SVD is all members', who wait until it is known whether one is needed.
class Analysis {
 public:
  /// @param matrix, settings, backend, team  outlive this
  /// @param stored  how many of the precisions, the first ones, have their figures from an earlier run. They are
  /// computed again where a later one shares a spectrum of theirs, or might: figures do not depend on what was there.
  Analysis(const WeightSource& matrix, const AnalysisSettings& settings, Backend& backend, Team& team,
           std::size_t stored = 0);

  /// Finishes the current decomposition, and reduces the Gram matrix of the next. The weights are surveyed
  /// in the pass of the first; where it is not known which that is, or there is none, in a pass of its own before.
  /// @return whether there is more to do
  /// @throws Error(input, system)  where the layer cannot be read; Error(internal), std::bad_alloc  where not
  /// even the survey can be had
  bool step();
  /// When there is no more to do.
  std::vector<PrecisionFigures> figures() &&;

 private:
  bool leads() const { return team_.rank() == 0; }
  std::size_t decompositions() const { return settings_.precisions.size(); }
  /// Of no precision: the load cast alone.
  CastChain chain(std::size_t p) const {
    return {settings_.load, p < decompositions() ? settings_.precisions[p] : Precision(settings_.load)};
  }

  // The phases of a decomposition, in the order in which they run.

  /// @return whether the precision shares no other's spectrum, and may have one
  bool needs_decomposition(std::size_t p);
  bool needs_stored_spectra() const;
  void survey_first();
  void reduce(std::size_t p);
  void survey_only();
  void finish();
  bool finish_by_leader();
  void finish_by_team();

  template <class Compute>
  void attempt(Method method, Compute compute);
  void keep(std::vector<double> eigenvalues, Method method);
  void end_decomposition();

  /// A decomposition that is begun.
  struct Decomposition {
    std::size_t precision;
    std::unique_ptr<Reduction> reduction;  ///< on the leader; null where the backend has failed
    double seconds = 0;                    ///< so far
    std::vector<double> inexact;           ///< eigenvalues of the Gram matrix that are too inexact
  };

  const WeightSource& matrix_;
  const AnalysisSettings& settings_;
  Backend& backend_;
  Team& team_;
  /// Has one rank the memory for any method? An SVD takes no more than a Gram matrix. Where it has not, the
  /// members of a team wait for what the leader finds.
  bool leader_suffices_;
  CastSurvey survey_;
  bool surveyed_ = false;
  std::vector<PrecisionFigures> figures_;
  std::size_t stored_;  ///< precisions that are not computed here
  std::size_t next_;    ///< precision
  std::optional<Decomposition> current_;
};

/// All steps of an analysis. Collective.
std::vector<PrecisionFigures> analyse(const WeightSource& matrix, const AnalysisSettings& settings,
                                      Backend& backend, Team& team);

}  // namespace alphahill
