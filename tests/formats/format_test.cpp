#include "alphahill/formats/format.hpp"

#include <gtest/gtest.h>

#include "alphahill/base/error.hpp"

namespace alphahill {
namespace {

TEST(Format, NamesComeBackAsFormats) {
  const std::vector<Format> all{Format::fp64, Format::fp32, Format::fp16, Format::bf16};
  for (const Format format : all) EXPECT_EQ(parse_format(name_of(format), "--precisions", all), format);
}

TEST(Format, AnUnknownNameIsToldWhatIsAllowed) {
  try {
    parse_format("fp8", "--load-dtype", {Format::fp32, Format::bf16});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_STREQ(error.what(), "--load-dtype: expected one of fp32, bf16, found 'fp8'");
  }
}

}  // namespace
}  // namespace alphahill
