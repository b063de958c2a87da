/// The singular values of a layer, computed by all members of a team: where the Gram matrix is too inexact
/// and no member has the memory for an SVD on its own.
///
///   member's memory:   capacity x n, dealt out in blocks      n = order, n < capacity <= longer side
///   rows 0 ... n - 1:  R of all rows so far                   the other rows: those that came after it
///
/// The slices of the longer side come panel by panel and are appended as rows; when the matrix is full, it is
/// replaced by the R of its QR factorization, which has the same singular values. What is held in the end is
/// reduced to bidiagonal form, and the leader computes the singular values of that.
#pragma once

#include <cstdint>
#include <vector>

#include "alphahill/spectrum/panels.hpp"
#include "alphahill/spectrum/team.hpp"

namespace alphahill {

/// Squared singular values of the cast weights, ascending, for the leader; the other members get none. The
/// layer is read once. Error of each singular value: of order n eps sigma_1. Weights must be finite.
/// Collective.
/// @param memory  bytes that each member may use for it, the same for all; more of them than the least save
///                operations
/// @throws Error(internal) on all members, where they do not suffice before anything is allocated
std::vector<double> squared_singular_values(const WeightSource& matrix, CastChain chain, Team& team,
                                            std::int64_t memory);

/// Bytes that each member of a team needs for that at least.
std::int64_t least_team_svd_bytes(const WeightShape& shape, int members);

}  // namespace alphahill
