/// What the eigenvalues of a Gram matrix must add up to: checked on every layer, whatever computed them.
#pragma once

#include <cstdint>
#include <span>

namespace alphahill {

/// The sum of the eigenvalues is |W|_F^2.
/// @param rows, cols  of W: as many terms are added up for an entry of the Gram matrix and for the sum of the
///                    eigenvalues, and a thousandth of all weights for the norm
/// @throws Error(internal) where rounding does not explain the difference
void check_trace(std::span<const double> eigenvalues, double squared_norm_of_weights, std::int64_t rows,
                 std::int64_t cols);

/// The sum of their squares is |Gram|_F^2.
/// @throws Error(internal) where rounding does not explain the difference: a backward error of n eps |Gram|_F
/// changes the sum by 2 n eps |Gram|_F^2, and no backend comes near it
void check_squares(std::span<const double> eigenvalues, double squared_norm_of_gram);

/// Squared singular values are the eigenvalues of the Gram matrix, however inexact the small ones of those
/// are: rounding moves each by (rows + cols) eps lambda_1 at most (Weyl; Golub and Van Loan, section 8.1).
/// @param by_svd, by_gram  ascending, equally many
/// @throws Error(internal) where two differ by ten times as much
void check_against_gram(std::span<const double> by_svd, std::span<const double> by_gram, std::int64_t rows,
                        std::int64_t cols);

}  // namespace alphahill
