"""Number formats in numpy, written apart from the C++ ones: rounding and stored bytes. Values are float64 arrays."""

import numpy as np

STORED_NAMES = {"fp64": "F64", "fp32": "F32", "fp16": "F16", "bf16": "BF16"}


def round_to(values, precision):
    """The nearest values of a format, ties to even, as float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        if precision == "bf16":
            return _round_to_bf16(np.asarray(values, np.float64))
        types = {"fp64": np.float64, "fp32": np.float32, "fp16": np.float16}
        return np.asarray(values, np.float64).astype(types[precision]).astype(np.float64)


def _round_to_bf16(values):
    _, exponents = np.frexp(values)
    steps = np.ldexp(1.0, np.maximum(exponents, -125) - 8)  # 8 significant bits; subnormals are multiples of 2^-133
    rounded = np.rint(values / steps) * steps
    return np.where(np.abs(rounded) >= 2.0**128, np.copysign(np.inf, values), rounded)


def nvfp4(weights, largest):
    """fp32 weights [out, in] in NVFP4, the scale of whose tensor is chosen by `largest`: code, then scales, in fp32."""
    one = np.float32
    of_tensor = one(1) / one(largest) * one(448 * 6)
    rounded = np.empty(weights.shape, np.float32)
    for start in range(0, weights.shape[1], 16):
        group = weights[:, start:start + 16].astype(np.float32)
        chosen = of_tensor * (np.abs(group).max(axis=1, keepdims=True) / one(6))
        stored = _round_to_minifloat(np.minimum(chosen, one(448)), mantissa_bits=3, least_exponent=-6)
        stored = np.where(stored == 0, one(0.125), stored)
        codes = _round_to_minifloat(np.clip(group / (stored / of_tensor), -6, 6), mantissa_bits=1, least_exponent=0)
        rounded[:, start:start + 16] = codes * stored / of_tensor
    return rounded.astype(np.float64)


def _round_to_minifloat(values, mantissa_bits, least_exponent):
    _, exponents = np.frexp(values)
    steps = np.ldexp(np.float32(1), np.maximum(exponents - 1, least_exponent) - mantissa_bits)
    return np.rint(values / steps) * steps


def encode(values, precision):
    """The little-endian bytes of values that the format holds exactly."""
    values = np.ascontiguousarray(values, np.float64)
    if precision == "bf16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype({"fp64": "<f8", "fp32": "<f4", "fp16": "<f2"}[precision]).tobytes()


def decode(stored, precision):
    if precision == "bf16":
        return (np.frombuffer(stored, "<u2").astype("<u4") << 16).view("<f4").astype(np.float64)
    return np.frombuffer(stored, {"fp64": "<f8", "fp32": "<f4", "fp16": "<f2"}[precision]).astype(np.float64)
