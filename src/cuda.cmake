# The CUDA language and libraries, for those of our architectures that the toolkit knows; CMAKE_CUDA_ARCHITECTURES or
# CUDAARCHS names others. They are set before the language is enabled, which would else put another into the cache.
find_package(CUDAToolkit 12.4 REQUIRED)
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  execute_process(COMMAND ${CUDAToolkit_NVCC_EXECUTABLE} --list-gpu-arch OUTPUT_VARIABLE known
    COMMAND_ERROR_IS_FATAL ANY)
  set(architectures "")
  foreach(architecture 80 90 100) # A100, H100 and H200, B200
    if(known MATCHES "compute_${architecture}\n")
      list(APPEND architectures ${architecture})
    endif()
  endforeach()
  set(CMAKE_CUDA_ARCHITECTURES "${architectures}" CACHE STRING "GPU architectures that are compiled for")
endif()
enable_language(CUDA)
# CMake before 3.26 does not know that nvcc has C++20.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared) # so that tests/emulated_gpu can take its place
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra,-Wshadow>")

# Not in every toolkit from 12.4 on.
include(CheckCXXSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES CUDA::cusolver CUDA::cudart)
check_cxx_symbol_exists(cusolverDnXsyevBatched cusolverDn.h ALPHAHILL_HAS_SYEV_BATCHED)
check_cxx_symbol_exists(cusolverDnSetMathMode cusolverDn.h ALPHAHILL_HAS_SOLVER_MATH_MODE)
unset(CMAKE_REQUIRED_LIBRARIES)
foreach(function SYEV_BATCHED SOLVER_MATH_MODE)
  if(ALPHAHILL_HAS_${function})
    list(APPEND ALPHAHILL_CUDA_DEFINITIONS ALPHAHILL_HAS_${function})
  endif()
endforeach()
