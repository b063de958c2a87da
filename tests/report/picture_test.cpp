#include "alphahill/report/picture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alphahill {
namespace {

using testing::HasSubstr;
using testing::Not;

Picture picture_of(std::string_view text) {
  Picture picture(600);
  picture.set_height(400);
  picture.text({10, 20}, TextStyle::left, text);
  return picture;
}

TEST(Picture, TextNeverEntersTheScript) {
  for (const PlotFormat format : {PlotFormat::png, PlotFormat::pdf, PlotFormat::svg}) {
    EXPECT_EQ(picture_of("`touch x`").script(3, format),
              picture_of("\"; system \"touch x").script(3, format));
  }
}

TEST(Picture, TextLiesInTheTableAsItIs) {
  EXPECT_EQ(picture_of("`touch x` \"{/Symbol a}_b^c").table(),
            "10.00\t20.00\t2236962\t`touch x` \"{/Symbol a}_b^c\n\n\n");
}

TEST(Picture, BackslashesAreDoubledBecauseGnuplotTakesThemForEscapes) {
  EXPECT_THAT(picture_of("\\x1b]0;x\\x07").table(), HasSubstr("\t\\\\x1b]0;x\\\\x07\n"));
}

TEST(Picture, TextCannotEndARowOrTheTextsOfAnSvg) {
  EXPECT_THAT(picture_of("a\tb\n\n\nc").table(), HasSubstr("\ta?b???c\n"));
  EXPECT_THAT(picture_of("a]]><script>").table(), Not(HasSubstr("]]>")));
}

TEST(Picture, TheScriptDrawsOnlyWhatThereIs) {
  EXPECT_THAT(picture_of("a").script(3, PlotFormat::png), Not(HasSubstr("with points")));
  Picture picture = picture_of("a");
  picture.mark({1, 2}, {7, 1, ink});
  EXPECT_THAT(picture.script(3, PlotFormat::png), HasSubstr("'table_3' index 0 using 1:2:3:4:5 with points"));
  EXPECT_THAT(picture.script(3, PlotFormat::png), HasSubstr("'table_3' index 1 using 1:2:4:3 with labels"));
}

}  // namespace
}  // namespace alphahill
