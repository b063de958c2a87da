/// How long a layer takes: from its shape and the rates of a core, corrected by what has been measured.
///
/// Seconds of one decomposition of an m x n matrix, n the smaller side, stage by stage:
///
///   read    m n bytes a value / read rate
///   cast    m n / cast rate
///   Gram    m n^2 flops / Gram rate at n
///   reduce  4/3 n^3 flops / reduction rate at n, to a band
///   survey  m n / cast rate for each format whose weights share scales, once; and one more read where no
///           decomposition is made in the same pass
///   partners  bytes / read rate and weights / cast rate, once, where scales are shared with other layers
///   finish  n^2 / finish rate at n: bulge chase and eigenvalues, on one rank; a team shares the rest.
///           All of the reduction of small layers is in this part
///
/// Golub and Van Loan, Matrix Computations, section 8.3.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace alphahill {

/// What the time of a layer depends on.
struct LayerShape {
  std::int64_t longer_side;
  std::int64_t order;                ///< the shorter side
  std::int64_t stored_bytes;         ///< to read for each decomposition
  std::int64_t decompositions;       ///< that are expected
  std::int64_t scaled_casts = 0;     ///< to formats whose weights share scales, in the survey
  bool survey_alone = false;         ///< the survey has a pass of its own
  std::int64_t partner_bytes = 0;    ///< to read of other layers that share its scales, once
  std::int64_t partner_weights = 0;  ///< in these bytes

  auto operator<=>(const LayerShape& other) const = default;
};

/// Times that the layer is read.
constexpr std::int64_t passes(const LayerShape& shape) {
  return shape.decompositions + (shape.survey_alone ? 1 : 0);
}

/// What a core does in a second on matrices of one order.
struct RatesAtOrder {
  std::int64_t order;
  double gram;       ///< flops
  double reduction;  ///< flops
  double finish;     ///< entries
};

/// What a core and the network between cores can do.
struct Rates {
  double read_bytes;                 ///< a second
  double cast_weights;               ///< a second
  std::vector<RatesAtOrder> orders;  ///< ascending, one at least
  double network_bytes;              ///< a second, between two ranks
};

/// @throws Error(internal) naming one that is not a positive number
void require_positive(const Rates& rates);

/// Of an AVX-512 core; where only proportions matter.
Rates usual_rates();

/// Seconds of a layer on a team of ranks.
struct LayerSeconds {
  double leader;  ///< until the figures are there
  double member;  ///< until the other members are free
};

class CostModel {
 public:
  /// @throws Error(internal) where a rate is not a positive number
  explicit CostModel(Rates rates);

  LayerSeconds seconds(const LayerShape& shape, int team_size) const;
  /// Seconds of all ranks of the team together.
  double work(const LayerShape& shape, int team_size) const;
  /// Seconds that layers took, against what the rates say of them.
  double slowdown() const;
  /// A layer took its leader so long. The mean of layers of the same shape on as many ranks replaces what the
  /// rates say; other layers are corrected by all of them together. What is not a positive number of seconds
  /// changes nothing.
  void learn(const LayerShape& shape, int team_size, double seconds);

 private:
  using Kind = std::pair<LayerShape, int>;
  struct Seen {
    double expected = 0;  ///< seconds by the rates alone
    double measured = 0;
  };
  LayerSeconds by_rates(const Kind& kind) const;
  double correction(const Kind& kind) const;

  Rates rates_;
  mutable std::map<Kind, LayerSeconds> by_rates_;  ///< computed once
  std::map<Kind, Seen> seen_;
  Seen all_seen_;
};

}  // namespace alphahill
