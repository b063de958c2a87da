#include "report/plots/picture_text.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

TEST(PictureText, HasOnlyCharactersThatLatinFontsHave) {
  EXPECT_EQ(drawable("a ä × … \\x1b"), "a ä × … \\x1b");
  EXPECT_EQ(drawable("層.q 🦙 ə"), "?.q ? ?");
}

TEST(PictureText, IsNotCutInsideACharacter) {
  EXPECT_EQ(shortened("ääääää", 5), "ää…ää");
  EXPECT_EQ(shortened("äääää", 5), "äääää");
}

TEST(PictureText, WidthCountsCharactersAndNotBytes) {
  EXPECT_EQ(text_width("ä…"), text_width("ab"));
}

}  // namespace
}  // namespace alphahill
