/// Does this processor compute right? Vector units, kernels of OpenBLAS and our own are chosen by the
/// processor at run time, and a machine that has never been tested may get wrong ones: kernels of old versions of
/// OpenBLAS are known to be wrong on processors that came after them.
#pragma once

namespace alphahill {

/// Casts values by vectors and one by one, every code of the 16-bit formats among them, and decomposes three
/// matrices of known spectrum, each by another method (Gram matrix in one stage and in two, SVD), from
/// weights whose casts are known. Takes some 20 ms.
/// @throws Error(system) where a figure is wrong, with the environment variable to set
void check_arithmetic();

}  // namespace alphahill
