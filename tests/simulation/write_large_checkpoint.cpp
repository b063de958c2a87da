/// alpha-hill-large-checkpoint: a large model's checkpoint without weights, for tests of what reads headers.
#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "simulation/large_models.hpp"

int main(int argc, char** argv) {
  using namespace alphahill;
  for (const auto make : {deepseek_v3, kimi_k2, gpt_oss_120b}) {
    const LargeModel model = make();
    if (argc != 3 || model.name != argv[1]) continue;
    std::filesystem::create_directories(argv[2]);
    write_header_only(model, argv[2]);
    return 0;
  }
  fmt::print(stderr, "alpha-hill-large-checkpoint DeepSeek-V3|Kimi-K2|gpt-oss-120b FOLDER\n");
  return 2;
}
