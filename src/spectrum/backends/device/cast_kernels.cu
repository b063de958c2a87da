#include <algorithm>

#include "spectrum/backends/device/cast_kernels.hpp"

namespace alphahill {

namespace {

constexpr int lanes = 256;
constexpr int warp = 32;
constexpr unsigned whole_warp = 0xFFFFFFFFU;

/// Value number `index` of all lanes of the group together, in lane 0.
__device__ double of_group(int index, double value) {
  __shared__ double of_warps[lanes / warp];
  for (int distance = warp / 2; distance > 0; distance /= 2) {
    value = combined(index, value, __shfl_down_sync(whole_warp, value, distance));
  }
  const int lane = static_cast<int>(threadIdx.x);
  if (lane % warp == 0) of_warps[lane / warp] = value;
  __syncthreads();
  double sum = 0;
  if (lane == 0) {
    for (double part : of_warps) sum = combined(index, sum, part);
  }
  __syncthreads();
  return sum;
}

/// @pre gridDim.x <= survey_groups, blockDim.x == lanes
template <bool surveyed>
__global__ void cast_rows(BlockCast block, BlockSurvey survey) {
  const int lane = static_cast<int>(threadIdx.x);
  SurveySums sums{};
  for (std::int64_t row = blockIdx.x; row < block.rows; row += gridDim.x) {
    double differences[most_pairs] = {};
    cast_row<surveyed>(block, survey, row, lane, lanes, sums, differences);
#pragma unroll
    for (int pair = 0; pair < most_pairs; ++pair) {
      if (!surveyed || pair >= pair_of(survey.precisions, 0)) continue;
      const double sum = of_group(0, differences[pair]);
      if (lane == 0) survey.row_sums[pair * survey.rows + survey.row + row] += sum;
    }
  }
  const auto* mine = reinterpret_cast<const double*>(&sums);
  auto* stored = reinterpret_cast<double*>(survey.groups + blockIdx.x);
#pragma unroll
  for (int i = 0; i < (surveyed ? survey_values : 1); ++i) {
    const double value = of_group(i, mine[i]);
    if (lane == 0) stored[i] = combined(i, stored[i], value);
  }
}

/// A part of as many columns as there are lanes for. @pre gridDim.y == column_parts, blockDim.x == lanes
__global__ void survey_columns(BlockCast block, BlockSurvey survey) {
  __shared__ double of_lanes[lanes];
  const int lane = static_cast<int>(threadIdx.x);
  const int part = static_cast<int>(blockIdx.y);
  const int sharing = lanes_of_column(block.rows);
  const int cols = lanes / sharing;
  const std::int64_t col = static_cast<std::int64_t>(blockIdx.x) * cols + lane % cols;
  double differences[most_pairs] = {};
  if (col < block.cols) {
    survey_column(block, survey, col, part + column_parts * (lane / cols), column_parts * sharing,
                  differences);
  }
#pragma unroll
  for (int pair = 0; pair < most_pairs; ++pair) {
    if (pair >= pair_of(survey.precisions, 0)) continue;
    of_lanes[lane] = differences[pair];
    __syncthreads();
    if (lane < cols && col < block.cols) {
      double sum = 0;
      for (int other = lane; other < lanes; other += cols) sum += of_lanes[other];
      column_sum(survey, pair, part, col) += sum;
    }
    __syncthreads();
  }
}

}  // namespace

cudaError_t launch_cast(const BlockCast& block, const BlockSurvey& survey, cudaStream_t stream) {
  cudaLaunchConfig_t launch{};
  launch.gridDim = static_cast<unsigned>(std::min<std::int64_t>(block.rows, survey_groups));
  launch.blockDim = lanes;
  launch.stream = stream;
  if (survey.precisions == 0) return cudaLaunchKernelEx(&launch, cast_rows<false>, block, survey);
  const cudaError_t code = cudaLaunchKernelEx(&launch, cast_rows<true>, block, survey);
  if (code != cudaSuccess || survey.precisions < 2) return code;
  const int cols = lanes / lanes_of_column(block.rows);
  launch.gridDim = dim3(static_cast<unsigned>((block.cols + cols - 1) / cols), column_parts);
  return cudaLaunchKernelEx(&launch, survey_columns, block, survey);
}

}  // namespace alphahill
