#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>

#include "alphahill/results/results_file.hpp"
#include "results/example_run.hpp"
#include "support/temporary_folder.hpp"

/// Of the sanitizers, which count in place of the C library; null without them.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace alphahill {
namespace {

std::size_t bytes_in_use() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

/// The most memory in use at a record while so many of them are written, above what was in use before.
std::size_t peak_of_writing(std::size_t layers) {
  const TemporaryFolder folder;
  RunDescription run = example_run();
  run.layers.resize(layers, run.layers[0]);
  LayerRecord record = example_record(1);
  record.eigenvalues.assign(1024, 1.5);
  for (ResultRow& row : record.results) row.reason.assign(200, 'r');
  const std::size_t before = bytes_in_use();
  std::size_t peak = 0;
  write_results(folder.path() / "run.h5", run, everything_in(run), [&](std::int64_t) {
    peak = std::max(peak, bytes_in_use() - std::min(before, bytes_in_use()));
    return record;
  });
  return peak;
}

TEST(ResultsMemory, OfWritingIsBoundedHoweverLongTheRun) {
  const std::size_t peak = peak_of_writing(16'000);
  EXPECT_GT(peak, 1U << 20) << "it is counted";
  EXPECT_LT(peak, 14U << 20) << "against 130 MB of eigenvalues and 24 MB of rows";
}

}  // namespace
}  // namespace alphahill
