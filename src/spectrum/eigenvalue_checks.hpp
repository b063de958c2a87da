/// What the eigenvalues of a Gram matrix must add up to: checked on every layer, whatever computed them.
#pragma once

#include <span>

namespace alphahill {

/// The sum of the eigenvalues is |W|_F^2.
/// @throws Error(internal) where rounding does not explain the difference
void check_trace(std::span<const double> eigenvalues, double squared_norm_of_weights);

/// The sum of their squares is |Gram|_F^2.
/// @throws Error(internal) where rounding does not explain the difference: a backward error of n eps |Gram|_F
/// changes the sum by 2 n eps |Gram|_F^2, and no backend comes near it
void check_squares(std::span<const double> eigenvalues, double squared_norm_of_gram);

}  // namespace alphahill
