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
  Catalog catalog{"", "", {{"model.safetensors", 0, 0}}, {}};
  catalog.layers = {layer("h.0.attn.q_proj", "attn_q", 4096, 128), layer("lm_head", "other_linear", 9, 4096),
                    layer("head", "other_linear", 8, 4096)};
  for (Layer& made : catalog.layers) {
    Plain plain;
    plain.format = ElementFormat::bf16;
    plain.weights.rows = made.out_features;
    plain.weights.cols = made.in_features;
    made.layout = plain;
  }
  catalog.layers[1].stored_dtype = "U8";
  catalog.layers[1].layout = Unsupported{"in codes", {}};
  ScaledCodes fp8;
  fp8.rows = fp8.codes.rows = fp8.scales.values.rows = 8;
  fp8.cols = fp8.codes.cols = fp8.scales.block_cols = 4096;
  fp8.scales.values.cols = fp8.scales.block_rows = 1;
  catalog.layers[2].layout = fp8;
  EXPECT_EQ(layer_table(catalog),
            R"(#  layer            category        out x in  stored            bits  file
1  h.0.attn.q_proj  attn_q        4096 x 128  BF16                16  model.safetensors
2  lm_head          other_linear    9 x 4096  U8                      model.safetensors  in codes
3  head             other_linear    8 x 4096  F8_E4M3 per row  8.008  model.safetensors
)");
}

TEST(LayerTable, AVeryLongNameSpoilsItsOwnLineOnly) {
  Catalog catalog{"", "", {{"model.safetensors", 0, 0}}, {}};
  catalog.layers = {layer(std::string(1000, 'n'), "attn_q", 1, 1), layer("a", "attn_q", 1, 1)};
  EXPECT_THAT(layer_table(catalog), HasSubstr("\n2  a      attn_q"));
}

}  // namespace
}  // namespace alphahill
