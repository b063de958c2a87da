#include "spectrum/backends/device/cuda_library.hpp"

#include <dlfcn.h>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

[[noreturn]] void throw_not_loaded() {
  throw Error(
      Fault::system, "--device cuda",
      std::string(::dlerror()) + "; it is part of a build with ALPHAHILL_WITH_CUDA; use --device cpu");
}

const CudaLibrary& load() {
  // Stays loaded to the end of the process: CUDA's libraries may not be taken away from their threads.
  void* const library = ::dlopen("libalphahill-cuda.so", RTLD_NOW | RTLD_NODELETE);
  if (library == nullptr) throw_not_loaded();
  auto* const entry = reinterpret_cast<CudaLibraryEntry*>(::dlsym(library, cuda_library_entry));
  if (entry == nullptr) throw_not_loaded();
  return *entry();
}

}  // namespace

const CudaLibrary& cuda_library() {
  static const CudaLibrary& library = load();
  return library;
}

}  // namespace alphahill
