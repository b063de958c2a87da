#include "kernels.hpp"

#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "lanes.hpp"
// The kernels themselves, compiled for the host.
#include "gpu/probes/copy_kernel.cu"
#include "spectrum/backends/device/cast_kernels.cu"

namespace emulated {

namespace {

using alphahill::BlockCast;
using alphahill::BlockSurvey;
/// The work that a launch asks for.
using Launch = std::function<Work(dim3 grid, dim3 block, void** arguments)>;

std::map<const void*, Launch>& kernels() {
  static std::map<const void*, Launch> kernels;
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

void touch_all(const alphahill::MatrixCopy& copy) {
  Gpu::the().touch(copy.from, copy.rows, copy.cols, copy.leading_dimension);
  Gpu::the().touch(copy.to, copy.rows, copy.cols, copy.rows);
}

template <class... Arguments, std::size_t... places>
std::tuple<Arguments...> copied(void** arguments, std::index_sequence<places...>) {
  return {*static_cast<const Arguments*>(arguments[places])...};
}

/// @tparam Arguments  by value, as the kernel has them
template <class... Arguments>
Launch launch_of(void (*kernel)(Arguments...)) {
  return [kernel](dim3 grid, dim3 block, void** arguments) {
    const auto copies = copied<Arguments...>(arguments, std::index_sequence_for<Arguments...>());
    return Work([=] {
      std::apply([](const auto&... all) { touch_all(all...); }, copies);
      run_blocks(grid, block, [&] { std::apply(kernel, copies); });
    });
  };
}

}  // namespace

void register_kernel(const void* host_function, const std::string& name) {
  const std::pair<const char*, Launch> known[] = {{"cast_rowsILb0E", launch_of(alphahill::cast_rows<false>)},
                                                  {"cast_rowsILb1E", launch_of(alphahill::cast_rows<true>)},
                                                  {"survey_columns", launch_of(alphahill::survey_columns)},
                                                  {"copy_columns", launch_of(alphahill::copy_columns)}};
  for (const auto& [word, launch] : known) {
    if (name.find(word) != std::string::npos) kernels()[host_function] = launch;
  }
}

Work work_of(const void* host_function, dim3 grid, dim3 block, void** arguments) {
  const auto launch = kernels().find(host_function);
  if (launch == kernels().end()) std::abort();
  return launch->second(grid, block, arguments);
}

}  // namespace emulated
