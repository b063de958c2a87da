/// What stands for the CUDA backend in a build without CUDA.
#include "alphahill/base/error.hpp"
#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

std::unique_ptr<Backend> make_cuda_backend(int) {
  throw Error(Fault::system, "--device cuda", "this alphahill was built without CUDA; use --device cpu");
}

}  // namespace alphahill
