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
