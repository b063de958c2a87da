/// Orthogonal reduction of a symmetric matrix to a band: on the host, by one member of a team or by all of
/// them, or on a device.
#pragma once

#include "alphahill/spectrum/team.hpp"
#include "spectrum/reduce/reduction_space.hpp"
#include "spectrum/reduce/symmetric_band.hpp"
#include "spectrum/reduce/symmetric_share.hpp"

namespace alphahill {

/// The band of Q^T A Q for the matrix A of the space, which is overwritten; where processes share the space,
/// this one's part of the band, to be added up.
///
/// Panel by panel: the rows below the diagonal block are factored, Q_j = I - V T V^T, and
///
///   Q_j^T A Q_j = A - V W^T - W V^T,   W = X - V (T^T V^T X) / 2,   X = A V T
///
/// (Dongarra, Sorensen and Hammarling 1989; Bischof, Lang and Sun 2000). The updates of several panels are
/// held back and put into A together; until then the next panel and X are corrected by them. So the products
/// with A are the only ones that are as thin as the band, and the update is a multiplication of thick ones.
/// 4/3 n^3 flops; backward error of order n eps |A|.
SymmetricBand reduce_to_band(ReductionSpace& space);

/// The same for what a team holds on the host: the whole band, for every member; collective.
SymmetricBand reduce_to_band(SymmetricShare& a, Team& team);

/// From this order on, one rank is faster in two stages, by way of a band, than in one.
inline constexpr std::int64_t two_stages_from = 640;

/// Values that a reduction of this order needs besides A, the band included.
std::int64_t reduction_values(std::int64_t order);

}  // namespace alphahill
