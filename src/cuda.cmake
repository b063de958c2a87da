# The CUDA language and libraries, for those of our architectures that the toolkit knows; CMAKE_CUDA_ARCHITECTURES or
# CUDAARCHS names others.
set(architectures_asked "${CMAKE_CUDA_ARCHITECTURES}$ENV{CUDAARCHS}")
enable_language(CUDA)
find_package(CUDAToolkit 12.4 REQUIRED)
# CMake before 3.26 does not know that nvcc has C++20.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared) # so that tests/emulated_gpu can take its place
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;-Xcompiler=-Wall,-Wextra,-Wshadow>")

if(architectures_asked STREQUAL "")
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-arch OUTPUT_VARIABLE known COMMAND_ERROR_IS_FATAL ANY)
  set(CMAKE_CUDA_ARCHITECTURES "")
  foreach(architecture 80 90 100) # A100, H100 and H200, B200
    if(known MATCHES "compute_${architecture}\n")
      list(APPEND CMAKE_CUDA_ARCHITECTURES ${architecture})
    endif()
  endforeach()
endif()

# Not in every toolkit from 12.4 on.
include(CheckCXXSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES CUDA::cusolver CUDA::cudart)
check_cxx_symbol_exists(cusolverDnXsyevBatched cusolverDn.h ALPHAHILL_HAS_SYEV_BATCHED)
unset(CMAKE_REQUIRED_LIBRARIES)
