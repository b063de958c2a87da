/// How many directions the weights of a layer use, by their eigenvalues.
#pragma once

#include <span>

namespace alphahill {

/// exp(H) / N with H = -sum p_i ln p_i and p_i = lambda_i / sum lambda: 1 where all N eigenvalues are equal, 1/N
/// where one is not zero. Roy and Vetterli, The effective rank (EUSIPCO 2007), over N.
/// @param eigenvalues  >= 0, finite
/// @return NaN where all are zero, there is none, or their sum overflows
double effective_rank(std::span<const double> eigenvalues);

}  // namespace alphahill
