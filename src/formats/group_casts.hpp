/// The casts of weights that share a scale, as the libraries that write such checkpoints do them, in fp32: the order
/// of operations, ties (to even), clamps, and what becomes of groups of zeros.
///
/// compressed-tensors 0.20 (calculate_qparams, _quantize, _dequantize) unless something else is said.
#pragma once

#include <span>

#include "alphahill/formats/precision.hpp"

namespace alphahill {

/// Scale amax/448, or amax/57344.
GroupCast cast_to_fp8_e4m3();
GroupCast cast_to_fp8_e5m2();

/// Integers of 2 to 8 bits. Symmetric: scale amax/((2^bits - 1)/2), codes -2^(bits-1) ... 2^(bits-1) - 1. Asymmetric:
/// scale (max - min)/(2^bits - 1), 0 among them, and a rounded zero point.
GroupCast cast_to_integer(int bits, bool symmetric);

/// Which power of two an MX scale is, of amax.
enum class MxRule {
  rounded,  ///< floor(log2 amax) - emax, one more where amax would round past the largest element
  floor,    ///< floor(log2 amax) - emax: OCP Microscaling Formats 1.0, section 6.3; clips
  ceiling,  ///< ceil(log2(amax/6)): NVIDIA's ModelOpt
};
GroupCast cast_to_mxfp8();
GroupCast cast_to_mxfp6_e2m3();
GroupCast cast_to_mxfp6_e3m2();  ///< by the rule `floor`: compressed-tensors has no E3M2
GroupCast cast_to_mxfp4(MxRule rule);

/// A scale of the tensor G = 448 6/amax, and in E4M3 one of the group, G amax/6.
GroupCast cast_to_nvfp4();

/// The 16 quantiles of bitsandbytes, times amax.
GroupCast cast_to_nf4();

}  // namespace alphahill
