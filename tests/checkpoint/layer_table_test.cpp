#include "alphahill/checkpoint/layer_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphahill {
namespace {

using testing::HasSubstr;

Layer layer(const std::string& name, const std::string& category, std::int64_t out, std::int64_t in) {
  Layer made;
  made.name = name;
  made.category = category;
  made.out_features = out;
  made.in_features = in;
  made.stored_dtype = "BF16";
  return made;
}

TEST(LayerTable, ColumnsAreAligned) {
  Catalog catalog{"", "", "", {{"model.safetensors", 0, 0}}, {}};
  catalog.layers = {layer("h.0.attn.q_proj", "attn_q", 4096, 128), layer("lm_head", "other_linear", 9, 4096)};
  catalog.layers[1].stored_dtype = "U8";
  catalog.layers[1].layout = Unsupported{"in codes", {}};
  EXPECT_EQ(layer_table(catalog), R"(#  layer            category        out x in  stored  file
1  h.0.attn.q_proj  attn_q        4096 x 128  BF16    model.safetensors
2  lm_head          other_linear    9 x 4096  U8      model.safetensors  in codes
)");
}

TEST(LayerTable, AVeryLongNameSpoilsItsOwnLineOnly) {
  Catalog catalog{"", "", "", {{"model.safetensors", 0, 0}}, {}};
  catalog.layers = {layer(std::string(1000, 'n'), "attn_q", 1, 1), layer("a", "attn_q", 1, 1)};
  EXPECT_THAT(layer_table(catalog), HasSubstr("\n2  a      attn_q"));
}

}  // namespace
}  // namespace alphahill
