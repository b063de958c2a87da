#include "kernels.hpp"

#include <cstdlib>

#include "lanes.hpp"
// The kernels themselves, compiled for the host.
#include "spectrum/backends/device/cast_kernels.cu"

namespace emulated {

namespace {

using alphahill::BlockCast;
using alphahill::BlockSurvey;
using CastKernel = void (*)(BlockCast, BlockSurvey);

std::map<const void*, CastKernel>& kernels() {
  static std::map<const void*, CastKernel> kernels;
  return kernels;
}

std::size_t stored_bytes(alphahill::ElementFormat format) {
  if (format == alphahill::ElementFormat::fp64) return 8;
  return format == alphahill::ElementFormat::fp32 ? 4 : 2;
}

void touch_all(const BlockCast& block, const BlockSurvey& survey) {
  const auto bytes = [](std::int64_t count, std::size_t size) {
    return static_cast<std::size_t>(count) * size;
  };
  const int pairs = alphahill::pair_of(survey.precisions, 0);
  const Gpu& gpu = Gpu::the();
  gpu.touch(block.bytes, bytes(block.rows * block.cols, stored_bytes(block.stored)));
  gpu.touch(block.values, bytes(block.rows * block.cols, sizeof(double)));
  gpu.touch(survey.groups, alphahill::survey_groups * sizeof(alphahill::SurveySums));
  gpu.touch(survey.row_sums, bytes(pairs * survey.rows, sizeof(double)));
  gpu.touch(survey.col_sums, bytes(pairs * alphahill::column_parts * survey.cols, sizeof(double)));
}

}  // namespace

void register_kernel(const void* host_function, const std::string& name) {
  const auto is = [&](const char* word) { return name.find(word) != std::string::npos; };
  kernels()[host_function] = is("cast_rowsILb0E")   ? alphahill::cast_rows<false>
                             : is("cast_rowsILb1E") ? alphahill::cast_rows<true>
                             : is("survey_columns") ? alphahill::survey_columns
                                                    : nullptr;
}

Work work_of(const void* host_function, dim3 grid, dim3 block, void** arguments) {
  const CastKernel kernel = kernels().at(host_function);
  if (kernel == nullptr) std::abort();
  return [=, cast = *static_cast<const BlockCast*>(arguments[0]),
          survey = *static_cast<const BlockSurvey*>(arguments[1])] {
    touch_all(cast, survey);
    run_blocks(grid, block, [&] { kernel(cast, survey); });
  };
}

}  // namespace emulated
