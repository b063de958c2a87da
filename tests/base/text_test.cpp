#include "alphahill/base/text.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

using namespace std::string_view_literals;

TEST(Text, PlainAndInternationalNamesStayAsTheyAre) {
  EXPECT_EQ(printable("model.layers.0 Schicht-ä 層 🦙"), "model.layers.0 Schicht-ä 層 🦙");
}

TEST(Text, ControlCharactersBecomeEscapes) {
  EXPECT_EQ(printable("\x1b]0;x\a\n\0end\x7f"sv), "\\x1b]0;x\\x07\\x0a\\x00end\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "the C1 control sequence introducer";
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae") << "right-to-left override";
}

TEST(Text, InvalidUtf8BecomesEscapes) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("a\xc3"), "a\\xc3") << "cut off";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

TEST(Text, DifferentNamesStayDifferent) {
  EXPECT_NE(printable("a\\x0a"), printable("a\n"));
}

TEST(Text, MessagesKeepTheBackslashesOfExpressions) {
  EXPECT_EQ(printable_message("layers\\.\\d+\x1b"), "layers\\.\\d+\\x1b");
}

TEST(Text, OneOfAKindIsNotCountedInThePlural) {
  EXPECT_EQ(counted(0, "layer"), "0 layers");
  EXPECT_EQ(counted(1, "layer"), "1 layer");
  EXPECT_EQ(counted(2, "layer"), "2 layers");
}

TEST(Text, OfALongListTheFirstItemsAreShownAndTheOthersCounted) {
  const std::vector<std::string> items{"a", "b", "c"};
  EXPECT_EQ(some_of(items, 3), items);
  EXPECT_EQ(some_of(items, 1), (std::vector<std::string>{"a", "and 2 more"}));
  EXPECT_TRUE(some_of({}, 1).empty());
}

TEST(Text, SizesAndDurationsAreForPeople) {
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1.5 * 1024 * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(human_seconds(12.34), "12.3s");
  EXPECT_EQ(human_seconds(59.99), "1m 00s");
  EXPECT_EQ(human_seconds(7380), "2h 03m");
  EXPECT_EQ(human_seconds(3 * 86400 + 7200), "3d 02h");
}

TEST(Text, CountsLettersInsertedRemovedAndReplaced) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("k-frac", "k-frac"), 0U);
  EXPECT_EQ(edit_distance("modle", "model"), 2U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Text, TheNearestNamesAreThoseOfFewestLettersAndThoseThatContainIt) {
  const std::vector<std::string_view> names{"norm", "log_norm", "entropy", "log_alpha_norm",
                                            "log_spectral_norm"};
  EXPECT_EQ(nearest_to("entorpy", names), std::vector<std::string_view>{"entropy"});
  EXPECT_EQ(nearest_to("_norm", names), (std::vector<std::string_view>{"norm", "log_norm", "log_alpha_norm"}))
      << "at most three";
}

}  // namespace
}  // namespace alphahill
