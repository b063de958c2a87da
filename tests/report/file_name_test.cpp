#include "report/file_name.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

TEST(FileName, DotsBecomeUnderscores) {
  EXPECT_EQ(FileNames().make("layer_001_", "model.layers.0.self_attn.q_proj"),
            "layer_001_model_layers_0_self_attn_q_proj");
}

TEST(FileName, NothingButSafeCharactersIsLeft) {
  EXPECT_EQ(FileNames().make("category_", "../../etc/a b`x`\"\\\xc3\xa4"), "category_______etc_a_b_x_____");
}

TEST(FileName, NamesThatDifferOnlyInCaseOrUnsafeCharactersStayApart) {
  FileNames names;
  EXPECT_EQ(names.make("category_", "Attn"), "category_Attn");
  EXPECT_EQ(names.make("category_", "attn"), "category_attn_2");
  EXPECT_EQ(names.make("category_", "a/b"), "category_a_b");
  EXPECT_EQ(names.make("category_", "a.b"), "category_a_b_2");
  EXPECT_EQ(names.make("category_", "a_b_2"), "category_a_b_2_2");
}

TEST(FileName, LongNamesFitAFileSystem) {
  FileNames names;
  const std::string long_name(300, 'n');
  const std::string first = names.make("layer_001_", long_name);
  const std::string second = names.make("layer_001_", long_name);
  EXPECT_NE(first, second);
  EXPECT_LE((second + ".png").size(), 255U);
}

}  // namespace
}  // namespace alphahill
