"""Prints the checksums in cast_test.cpp, from numpy and ml_dtypes (both from PyPI)."""

import zlib

import ml_dtypes
import numpy as np


def checksum(values):
    """CRC-32 of the values as fp32, every NaN as the same one."""
    values = values.astype(np.float32)
    values[np.isnan(values)] = np.float32(np.nan)
    return f"0x{zlib.crc32(values.tobytes()):08X}"


codes = np.arange(1 << 16, dtype=np.uint16)
floats = (np.arange(1 << 20, dtype=np.uint64) * 4099 % (1 << 32)).astype(np.uint32).view(np.float32)
bits = np.arange(1 << 20, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
# Exponents around the fp16 range, so that most values neither vanish nor overflow.
exponents = np.uint64(1023 - 30) + bits % np.uint64(50)
doubles = ((bits & np.uint64(0x800FFFFFFFFFFFFF)) | (exponents << np.uint64(52))).view(np.float64)

with np.errstate(all="ignore"):
    print("decode fp16", checksum(codes.view(np.float16)))
    print("decode bf16", checksum(codes.view(ml_dtypes.bfloat16)))
    print("fp32 to fp16", checksum(floats.astype(np.float16)))
    print("fp32 to bf16", checksum(floats.astype(ml_dtypes.bfloat16)))
    print("fp64 to fp32", checksum(doubles.astype(np.float32)))
    print("fp64 to fp16", checksum(doubles.astype(np.float16)))
