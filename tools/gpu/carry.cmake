# Archives of what tools/check-gpu runs, for a machine that has libc, python3 and CUDA's libraries and no network:
#   gpu-carry       the checks of the GPU backend alone
#   gpu-carry-runs  alpha-hill too, for whole runs on the GPU and the CPU

# gpu_archive(TARGET MIB PROGRAMS...): the target packs these of this build; more than so many MiB are an error.
function(gpu_archive target mebibytes)
  set(archive ${PROJECT_BINARY_DIR}/alphahill-${target}.tar.xz)
  add_custom_target(${target}
    COMMAND ${PROJECT_SOURCE_DIR}/tools/gpu/carry.py --bin ${CMAKE_RUNTIME_OUTPUT_DIRECTORY} --largest-mib ${mebibytes}
      ${archive} ${ARGN}
    VERBATIM)
  add_dependencies(${target} alphahill-cuda ${ARGN})
endfunction()

set(checks test_gpu alpha-hill-gpu-benchmark alpha-hill-gpu-probe alpha-hill-gpu-planted-faults)
gpu_archive(gpu-carry 16 ${checks})
if(NOT ALPHAHILL_GPU_CHECK_ONLY)
  gpu_archive(gpu-carry-runs 64 ${checks} alpha-hill alpha-hill-sample)
endif()
