/// The casts of weights that share a scale, as the libraries that write such checkpoints do them, in fp32: the order
/// of operations, ties (to even), clamps, and what becomes of groups of zeros.
///
/// compressed-tensors 0.20 (calculate_qparams, _quantize, _dequantize) unless something else is said. All are GroupCasts;
/// amax is the largest magnitude of the group.
#pragma once

#include <span>

#include "alphahill/formats/precision.hpp"

namespace alphahill {

/// Scale amax/448.
std::int64_t cast_to_fp8_e4m3(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);
/// Scale amax/57344.
std::int64_t cast_to_fp8_e5m2(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

/// Integers of 2 to 8 bits. Symmetric: scale amax/((2^bits - 1)/2), codes -2^(bits-1) ... 2^(bits-1) - 1. Asymmetric:
/// scale (max - min)/(2^bits - 1), 0 among them, and a rounded zero point.
GroupCast cast_to_integer(int bits, bool symmetric);

/// Scale 2^(floor(log2 amax) - emax), emax that of the largest element; one more where amax would round past it.
std::int64_t cast_to_mxfp8(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);
std::int64_t cast_to_mxfp6_e2m3(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);
std::int64_t cast_to_mxfp4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

/// Never one more, so that they clip: OCP Microscaling Formats 1.0, section 6.3.
std::int64_t cast_to_mxfp6_e3m2(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);
std::int64_t cast_to_mxfp4_ocp(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

/// Scale 2^ceil(log2(amax/6)): NVIDIA's ModelOpt.
std::int64_t cast_to_mxfp4_ceil(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

/// A scale of the tensor G = 448 6/amax of all weights, by way of 1/amax as torch divides, and in E4M3 one of the
/// group, G amax/6.
std::int64_t cast_to_nvfp4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

/// The 16 quantiles of bitsandbytes, times amax.
std::int64_t cast_to_nf4(std::span<const float> from, const ScaleInputs& inputs, std::span<float> to);

}  // namespace alphahill
