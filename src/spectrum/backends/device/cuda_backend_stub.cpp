/// What stands for the CUDA backend in a build without CUDA.
#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/cuda.hpp"

namespace alphahill {

int cuda_devices() {
  throw Error(Fault::system, "--device cuda", "this alphahill was built without CUDA; use --device cpu");
}

CudaDevice find_cuda_device(int number) {
  return {number, "", std::to_string(cuda_devices())};
}

std::function<std::unique_ptr<Backend>()> cuda_backends(const CudaDevice&, int) {
  return make_cpu_backend;
}

}  // namespace alphahill
