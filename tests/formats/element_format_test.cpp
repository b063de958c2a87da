#include "alphahill/formats/element_format.hpp"

#include <gtest/gtest.h>

#include "alphahill/base/error.hpp"

namespace alphahill {
namespace {

TEST(ElementFormat, NamesComeBackAsFormats) {
  const std::vector<ElementFormat> all{ElementFormat::fp64, ElementFormat::fp32, ElementFormat::fp16,
                                       ElementFormat::bf16};
  for (const ElementFormat format : all)
    EXPECT_EQ(parse_format(name_of(format), "--precisions", all), format);
}

TEST(ElementFormat, AnUnknownNameIsToldWhatIsAllowed) {
  try {
    parse_format("fp8", "--load-dtype", {ElementFormat::fp32, ElementFormat::bf16});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_STREQ(error.what(), "--load-dtype: expected one of fp32, bf16, found 'fp8'");
  }
}

}  // namespace
}  // namespace alphahill
