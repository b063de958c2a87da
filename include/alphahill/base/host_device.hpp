/// A word for functions that CUDA compiles for the device too; to every other compiler it says nothing.
#pragma once

#ifdef __CUDACC__
#define ALPHAHILL_HOST_DEVICE __host__ __device__
#else
#define ALPHAHILL_HOST_DEVICE
#endif
