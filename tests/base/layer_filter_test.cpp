#include "alphahill/base/layer_filter.hpp"

#include <gmock/gmock.h>

#include "support/thrown_error.hpp"

namespace alphahill {
namespace {

using testing::EndsWith;

const std::vector<std::string> names{"layers.0.q_proj", "layers.0.k_proj"};

std::string refusal_of(const std::string& expression) {
  const auto error = thrown_by([&] { layers_kept(names, expression); });
  return error ? error->what() : "nothing was thrown";
}

TEST(LayerFilter, KeepsTheNamesThatContainAMatch) {
  EXPECT_EQ(layers_kept(names, "q|v"), std::vector({true, false}));
}

TEST(LayerFilter, AListWithCommasIsToldHowAlternativesAreWritten) {
  EXPECT_THAT(refusal_of("q_proj,v_proj"), EndsWith("; between alternatives stands | and no comma"));
  EXPECT_THAT(refusal_of("v{1,2}"), EndsWith("; the first is layers.0.q_proj"));
}

}  // namespace
}  // namespace alphahill
