/// alpha-hill-gpu-planted-faults: kernels with one fault each, which a tool of compute-sanitizer must find before its word
/// on alphahill's own kernels counts. Their names match the filter that those kernels are checked with.
#include <cstdio>
#include <cstring>

namespace alphahill {

namespace {

constexpr int lanes = 64;

/// memcheck: all lanes read behind the allocation.
__global__ void read_out_of_bounds(double* values, int) {
  values[threadIdx.x] = values[threadIdx.x + lanes];
}

/// racecheck: a lane reads what another writes, and nothing is between them.
__global__ void race(double* values, int) {
  __shared__ volatile double shared[lanes];  // else the read could come first
  shared[threadIdx.x] = threadIdx.x;
  values[threadIdx.x] = shared[lanes - 1 - threadIdx.x];
}

/// initcheck: reads what was never written.
__global__ void read_uninitialized(double* values, int) {
  values[threadIdx.x] += 1;
}

/// synccheck: half of the lanes wait at a barrier that the others never reach.
__global__ void diverge_at_barrier(double* values, int half) {
  if (static_cast<int>(threadIdx.x) % 2 < half) __syncthreads();
  values[threadIdx.x] = 1;
}

struct Fault {
  const char* name;
  void (*kernel)(double*, int);
};
constexpr Fault faults[] = {{"out_of_bounds", read_out_of_bounds},
                            {"race", race},
                            {"uninitialized", read_uninitialized},
                            {"barrier", diverge_at_barrier}};

/// @return what the device says; without a tool, most faults go unseen
cudaError_t run(const Fault& fault) {
  double* values = nullptr;
  if (const cudaError_t code = cudaMalloc(&values, lanes * sizeof(double)); code != cudaSuccess) return code;
  fault.kernel<<<1, lanes>>>(values, 1);
  const cudaError_t code = cudaDeviceSynchronize();
  cudaFree(values);
  return code;
}

}  // namespace

}  // namespace alphahill

int main(int argc, char** argv) {
  for (const auto& fault : alphahill::faults) {
    if (argc == 2 && std::strcmp(argv[1], fault.name) == 0) {
      const cudaError_t code = alphahill::run(fault);
      std::printf("{\"part\": \"planted_fault\", \"fault\": \"%s\", \"device_says\": \"%s\"}\n", fault.name,
                  cudaGetErrorName(code));
      return 0;
    }
  }
  std::fprintf(stderr, "usage: alpha-hill-gpu-planted-faults out_of_bounds|race|uninitialized|barrier\n");
  return 2;
}
