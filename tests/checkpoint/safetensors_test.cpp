#include "checkpoint/headers/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "header_json.hpp"
#include "support/checkpoint_builder.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using namespace std::string_literals;
using testing::StartsWith;
using enum HeaderDefect;

std::size_t tensors_in(const std::string& json, std::int64_t values_bytes) {
  const SafetensorsHeader header = parse(json, values_bytes);
  return header.tensors().size();
}

TEST(Safetensors, ATensorHasItsTypeShapeAndPlaceInTheFile) {
  const std::string json = R"({"b": {"dtype": "U8", "shape": [3], "data_offsets": [24, 27]},)"
                           R"( "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})";
  const SafetensorsHeader header = parse(json, 27);
  ASSERT_EQ(header.tensors().size(), 2U);
  const TensorEntry* b = header.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, "U8");
  EXPECT_EQ(b->shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(b->offset, 8 + std::ssize(json) + 24) << "the values begin behind the header";
  EXPECT_EQ(b->bytes, 3);
  EXPECT_EQ(header.find("c"), nullptr);
}

TEST(Safetensors, WhiteSpaceAroundTheHeaderIsAccepted) {
  EXPECT_EQ(tensors_in("  \n{\"a\": {\"dtype\": \"U8\", \"shape\": [], \"data_offsets\": [0, 1]}}   ", 1),
            1U);
}

TEST(Safetensors, AFileWithoutTensorsIsAccepted) {
  EXPECT_EQ(tensors_in("{}", 0), 0U);
}

TEST(Safetensors, UnknownFieldsAndAnyMetadataAreAccepted) {
  EXPECT_EQ(tensors_in(R"({"__metadata__": null})", 0), 0U);
  EXPECT_EQ(tensors_in(R"({"__metadata__": {"format": "pt", "n": [1, -2.5e3, true, {}]}})", 0), 0U);
  EXPECT_EQ(tensors_in(nested(128), 0), 0U);
  EXPECT_EQ(
      tensors_in(R"({"a": {"dtype": "U8", "by": {"x": [null]}, "shape": [], "data_offsets": [0, 1]}})", 1),
      1U);
}

TEST(Safetensors, StrangeNamesAreAcceptedAsTheyAre) {
  const auto header = parse(R"({"": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},)"
                            R"( "../x": {"dtype": "U8", "shape": [], "data_offsets": [1, 2]},)"
                            R"( "\u0000": {"dtype": "U8", "shape": [], "data_offsets": [2, 3]},)"
                            R"( "\u001b[2J": {"dtype": "U8", "shape": [], "data_offsets": [3, 4]},)"
                            R"( "X": {"dtype": "U8", "shape": [], "data_offsets": [4, 5]},)"
                            R"( "x": {"dtype": "U8", "shape": [], "data_offsets": [5, 6]}})",
                            6);
  for (const std::string& name : {""s, "../x"s, "\0"s, "\x1b[2J"s, "X"s, "x"s}) {
    EXPECT_NE(header.find(name), nullptr) << testing::PrintToString(name);
  }
  EXPECT_NE(parse(named(65536), 1).find(std::string(65536, 'n')), nullptr);
}

TEST(Safetensors, ScalarsAndZeroSizeTensorsAreAccepted) {
  const auto header =
      parse(R"({"a": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]},)"
            R"( "b": {"dtype": "F32", "shape": [4, 0], "data_offsets": [8, 8]},)"
            R"( "c": {"dtype": "F32", "shape": [0, 9223372036854775807], "data_offsets": [0, 0]}})",
            8);
  EXPECT_EQ(header.find("a")->bytes, 8);
  EXPECT_EQ(header.find("b")->bytes, 0);
  EXPECT_EQ(header.find("c")->bytes, 0);
}

TEST(Safetensors, EveryDtypeHasItsSize) {
  const std::vector<std::pair<std::string, int>> bits{
      {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
      {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
      {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};
  for (const auto& [dtype, size] : bits) {
    const auto json =
        fmt::format(R"({{"a": {{"dtype": "{}", "shape": [2, 4], "data_offsets": [0, {}]}}}})", dtype, size);
    EXPECT_EQ(parse(json, size).find("a")->bytes, size) << dtype;
  }
}

TEST(Safetensors, AnyOneChangedByteGivesARefusalOrTensorsInsideTheFile) {
  const std::string json =
      R"({"__metadata__": {"f": "pt"}, "a": {"dtype": "F32", "shape": [2, 3], )"
      R"("data_offsets": [0, 24]}, "b\n": {"dtype": "U8", "shape": [], "data_offsets": [24, 25]}})";
  int accepted = 0;
  for (std::size_t at = 0; at < json.size(); ++at) {
    for (const char replacement : "\0\x80 0129-.eE\"\\/[]{},:nft"s) {
      std::string changed = json;
      changed[at] = replacement;
      try {
        const SafetensorsHeader header = parse(changed, 25);
        for (const TensorEntry& tensor : header.tensors()) {
          EXPECT_GE(tensor.offset, 8 + std::ssize(json)) << changed;
          EXPECT_LE(tensor.offset + tensor.bytes, 8 + std::ssize(json) + 25) << changed;
        }
        ++accepted;
      } catch (const SafetensorsError&) {
      }
    }
  }
  EXPECT_GT(accepted, 100) << "names, metadata and white space may change";
}

TEST(Safetensors, EveryCutHeaderIsRefused) {
  const std::string json = R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})";
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_TRUE(refusal_of(json.substr(0, size), 24)) << json.substr(0, size);
  }
}

std::string with_size(std::uint64_t size, std::string_view rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes.append(rest);
}

struct BadFile {
  std::string name;
  std::string bytes;
  HeaderDefect defect;
  std::string what;
};

void PrintTo(const BadFile& bad, std::ostream* out) {
  *out << bad.name;
}

class RefusedFile : public testing::TestWithParam<BadFile> {};

TEST_P(RefusedFile, SaysWhatIsWrongWithTheSizeOfItsHeader) {
  const TemporaryFolder folder;
  const File file = File::open_for_reading(folder.write("f", GetParam().bytes));
  try {
    read_header_json(file);
    FAIL() << "was accepted";
  } catch (const SafetensorsError& error) {
    EXPECT_EQ(error.defect(), GetParam().defect);
    EXPECT_EQ(error.what(), (folder.path() / "f").string() + ": " + GetParam().what);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, RefusedFile,
    testing::Values(BadFile{"EmptyFile", "", file_too_short, "expected at least 8 bytes, found 0"},
                    BadFile{"SevenBytes", "\2\0\0\0\0\0\0"s, file_too_short,
                            "expected at least 8 bytes, found 7"},
                    BadFile{"HeaderBeyondTheFile", with_size(3, "{}"), header_beyond_file,
                            "a header of 3 bytes in a file of 10 bytes: was it cut?"},
                    BadFile{"HeaderOverTheLimit", with_size(100'000'001, "{}"), header_too_large,
                            "expected a header of at most 100000000 bytes, found 100000001"},
                    BadFile{"HeaderOf2To63Bytes", with_size(1ULL << 63, "{}"), header_too_large,
                            "expected a header of at most 100000000 bytes, found 9223372036854775808"},
                    BadFile{"HeaderOf2To64Minus1Bytes", with_size(~0ULL, "{}"), header_too_large,
                            "expected a header of at most 100000000 bytes, found 18446744073709551615"}),
    [](const auto& test) { return test.param.name; });

TEST(Safetensors, TheHeaderIsReadWithoutWhatFollows) {
  const TemporaryFolder folder;
  const File file = File::open_for_reading(folder.write("f", safetensors_bytes("{}", "values")));
  EXPECT_EQ(read_header_json(file), "{}");
}

TEST(Safetensors, AnErrorShowsLongAndControlCharactersOfANameSafely) {
  const auto refusal = refusal_of("{\"\\u001b[2J" + std::string(5000, 'n') + "\": 3}", 0);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->what(), StartsWith("f, tensor '\\x1b[2Jnnn"));
  EXPECT_LT(std::strlen(refusal->what()), 300U);
  EXPECT_EQ(refusal->tensor().size(), 5004U);
}

}  // namespace
}  // namespace alphahill
