/// A check of the eigenvalues of a symmetric tridiagonal matrix, each of them on its own.
#pragma once

#include <span>

#include "spectrum/reduce/tridiagonal.hpp"

namespace alphahill {

/// Compares each eigenvalue with the numbers of eigenvalues below it and above it, which the signs of the
/// pivots of T - x I tell (Sturm; Parlett, The Symmetric Eigenvalue Problem, section 3.3): so does bisection
/// find them. Takes a tenth of the time of the QL iteration. Sums of the eigenvalues and of their squares,
/// which must be right too, hardly notice two close ones that are wrong in opposite directions.
/// @param eigenvalues  ascending
/// @throws Error(internal) where one of them is off by more than 10 n eps |T|
void check_sturm_counts(const Tridiagonal& matrix, std::span<const double> eigenvalues);

}  // namespace alphahill
