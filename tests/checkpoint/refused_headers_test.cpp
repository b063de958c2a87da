/// Every bad header of a safetensors file beside the error that it must give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "header_json.hpp"

namespace alphahill {
namespace {

using namespace std::string_literals;
using testing::EndsWith;
using testing::StartsWith;
using enum HeaderDefect;

struct BadHeader {
  std::string name;
  std::string json;
  std::int64_t values_bytes;
  HeaderDefect defect;
  std::string what;  // the end of the message
};

void PrintTo(const BadHeader& bad, std::ostream* out) {
  *out << bad.json.substr(0, 200);
}

class RefusedHeader : public testing::TestWithParam<BadHeader> {};

TEST_P(RefusedHeader, NamesFileTensorAndReason) {
  const auto refusal = refusal_of(GetParam().json, GetParam().values_bytes);
  ASSERT_TRUE(refusal) << "was accepted";
  EXPECT_EQ(refusal->defect(), GetParam().defect);
  EXPECT_THAT(refusal->what(), StartsWith("f"));
  EXPECT_THAT(refusal->what(), EndsWith(GetParam().what));
}

const std::vector<BadHeader> bad_headers{
    {"Empty", "", 0, not_json, "f: header: not valid JSON: Empty: no JSON found"},
    {"WhiteSpaceAlone", "   ", 0, not_json, "f: header: not valid JSON: Empty: no JSON found"},
    {"InvalidUtf8", "{\"\xff\": {}}", 0, not_utf8, "The input is not valid UTF-8"},
    {"OverlongUtf8", "{\"\xc0\xaf\": {}}", 0, not_utf8, "The input is not valid UTF-8"},
    {"NotJson", "weights", 0, not_json, "f: header: expected a JSON object"},
    {"AList", "[]", 0, not_json, "f: header: expected a JSON object"},
    {"Text", "\"a\"", 0, not_json, "f: header: expected a JSON object"},
    {"CutOff", R"({"a": {"dtype": "F32")", 0, not_json, ""},
    {"SomethingBehindIt", "{} {}", 0, not_json, ""},
    {"ZeroBehindIt", "{}\0"s, 0, not_json, ""},
    {"TrailingComma", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},})", 1, not_json, ""},
    {"MissingComma", R"({"a": {"dtype": "U8" "shape": [], "data_offsets": [0, 1]}})", 1, not_json, ""},
    {"ControlCharacterInText", "{\"a\n\": {}}", 0, not_json, ""},
    {"LoneSurrogate", R"({"\ud800": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}})", 1, not_json, ""},
    {"BrokenMetadata", R"({"__metadata__": {"a": tru}})", 0, not_json, ""},
    {"BrokenNumberInMetadata", R"({"__metadata__": [1x]})", 0, not_json, ""},
    {"BrokenExtraField", R"({"a": {"b": [1,], "dtype": "U8", "shape": [], "data_offsets": [0, 1]}})", 1,
     not_json, ""},
    {"TooDeep", nested(129), 0, too_deep,
     "f: header: expected JSON of at most 128 nested arrays and objects"},
    {"FarTooDeep", nested(1'000'000), 0, too_deep, "at most 128 nested arrays and objects"},
    {"DuplicateName",
     R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}, "\u0061": {"dtype": "U8", "shape": [], "data_offsets": [1, 2]}})",
     2, duplicate_name, "f, tensor 'a': the name is there twice"},
    {"NameTooLong", named(65537), 1, name_too_long, "expected a name of at most 65536 bytes, found 65537"},
    {"EntryIsANumber", R"({"a": 3})", 0, malformed_entry,
     "f, tensor 'a': entry: expected an object, found 3"},
    {"EntryIsNull", R"({"a": null})", 0, malformed_entry,
     "f, tensor 'a': entry: expected an object, found null"},
    {"NoDtype", R"({"a": {"shape": [], "data_offsets": [0, 1]}})", 1, malformed_entry,
     "tensor 'a': dtype is missing"},
    {"NoShape", R"({"a": {"dtype": "U8", "data_offsets": [0, 1]}})", 1, malformed_entry,
     "tensor 'a': shape is missing"},
    {"NoOffsets", R"({"a": {"dtype": "U8", "shape": []}})", 1, malformed_entry,
     "tensor 'a': data_offsets is missing"},
    {"DtypeTwice", R"({"a": {"dtype": "U8", "dtype": "U8", "shape": [], "data_offsets": [0, 1]}})", 1,
     malformed_entry, "tensor 'a': dtype is there twice"},
    {"ShapeTwice", R"({"a": {"dtype": "U8", "shape": [], "shape": [1], "data_offsets": [0, 1]}})", 1,
     malformed_entry, "tensor 'a': shape is there twice"},
    {"OffsetsTwice", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1], "data_offsets": [0, 1]}})",
     1, malformed_entry, "tensor 'a': data_offsets is there twice"},
    {"UnknownDtype", R"({"a": {"dtype": "F99", "shape": [], "data_offsets": [0, 1]}})", 1, unknown_dtype,
     "tensor 'a': dtype 'F99' is unknown"},
    {"LowerCaseDtype", R"({"a": {"dtype": "f32", "shape": [], "data_offsets": [0, 4]}})", 4, unknown_dtype,
     "tensor 'a': dtype 'f32' is unknown"},
    {"DtypeIsANumber", R"({"a": {"dtype": 32, "shape": [], "data_offsets": [0, 1]}})", 1, malformed_entry,
     "tensor 'a': dtype: expected text, found 32"},
    {"ShapeIsText", R"({"a": {"dtype": "U8", "shape": "1", "data_offsets": [0, 1]}})", 1, malformed_entry,
     "tensor 'a': shape: expected an array, found \"1\""},
    {"NegativeDimension", R"({"a": {"dtype": "U8", "shape": [-1], "data_offsets": [0, 1]}})", 1, bad_shape,
     "tensor 'a': shape: expected integers from 0 to 2^63 - 1, found -1"},
    {"FractionalDimension", R"({"a": {"dtype": "U8", "shape": [1.5], "data_offsets": [0, 1]}})", 1, bad_shape,
     "tensor 'a': shape: expected integers from 0 to 2^63 - 1, found 1.5"},
    {"WholeFraction", R"({"a": {"dtype": "U8", "shape": [1.0], "data_offsets": [0, 1]}})", 1, bad_shape,
     "found 1.0"},
    {"ExponentDimension", R"({"a": {"dtype": "U8", "shape": [1e0], "data_offsets": [0, 1]}})", 1, bad_shape,
     "found 1e0"},
    {"DimensionOf2To64", R"({"a": {"dtype": "U8", "shape": [18446744073709551616], "data_offsets": [0, 1]}})",
     1, bad_shape, "found 18446744073709551616"},
    {"DimensionOf2To63",
     R"({"a": {"dtype": "U8", "shape": [9223372036854775808, 0], "data_offsets": [0, 0]}})", 0, bad_shape,
     "found 9223372036854775808"},
    {"TextDimension", R"({"a": {"dtype": "U8", "shape": ["1"], "data_offsets": [0, 1]}})", 1, bad_shape,
     "found \"1\""},
    {"NestedDimension", R"({"a": {"dtype": "U8", "shape": [[1]], "data_offsets": [0, 1]}})", 1, bad_shape,
     "found ["},
    {"NullDimension", R"({"a": {"dtype": "U8", "shape": [null], "data_offsets": [0, 1]}})", 1, bad_shape,
     "found null"},
    {"ThreeOffsets", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1, 1]}})", 1, bad_offsets,
     "tensor 'a': data_offsets: expected two integers, found 3"},
    {"OneOffset", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [1]}})", 1, bad_offsets,
     "tensor 'a': data_offsets: expected two integers, found 1"},
    {"NegativeOffset", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [-1, 0]}})", 1, bad_offsets,
     "found -1"},
    {"FractionalOffset", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1.5]}})", 1, bad_offsets,
     "found 1.5"},
    {"OffsetsThatAreAnObject", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": {"0": 1}}})", 1,
     malformed_entry, "tensor 'a': data_offsets: expected an array, found {"},
    {"ReversedOffsets", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [1, 0]}})", 1, bad_offsets,
     "tensor 'a': data_offsets: the end 0 lies before the begin 1"},
    {"ProductThatWrapsTo0",
     R"({"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", 0,
     size_overflow, "tensor 'a': the size of shape [4294967296, 4294967296] overflows"},
    {"ProductThatWrapsTo4",
     R"({"a": {"dtype": "U8", "shape": [4194305, 4194305, 211106198978564], "data_offsets": [0, 4]}})", 4,
     size_overflow, "tensor 'a': the size of shape [4194305, 4194305, 211106198978564] overflows"},
    {"ProductThatOverflowsBeforeA0",
     R"({"a": {"dtype": "U8", "shape": [4294967296, 4294967296, 0], "data_offsets": [0, 0]}})", 0,
     size_overflow, "overflows"},
    {"BytesThatWrap", R"({"a": {"dtype": "F64", "shape": [2305843009213693952], "data_offsets": [0, 0]}})", 0,
     size_overflow, "overflows"},
    {"TooFewBytes", R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]}})", 20, size_mismatch,
     "tensor 'a': F32 [2, 3] takes 24 bytes, data_offsets span 20"},
    {"ZeroSizeWithBytes", R"({"a": {"dtype": "F32", "shape": [2, 0], "data_offsets": [0, 4]}})", 4,
     size_mismatch, "tensor 'a': F32 [2, 0] takes 0 bytes, data_offsets span 4"},
    {"HalfAByte", R"({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}})", 2, size_mismatch,
     "tensor 'a': F4 [3] takes no whole number of bytes"},
    {"HoleAtTheBegin", R"({"a": {"dtype": "U8", "shape": [], "data_offsets": [1, 2]}})", 2, hole,
     "tensor 'a': data_offsets: expected to begin at 0, where the tensor before it ends, found 1"},
    {"HoleBetweenTensors",
     R"({"b": {"dtype": "U8", "shape": [], "data_offsets": [2, 3]}, "a": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}})",
     3, hole, "tensor 'b': data_offsets: expected to begin at 1, where the tensor before it ends, found 2"},
    {"Overlap",
     R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
     3, overlap,
     "tensor 'b': data_offsets: expected to begin at 2, where the tensor before it ends, found 1"},
    {"TwoTensorsInOnePlace",
     R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "b": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})",
     2, overlap, "expected to begin at 2, where the tensor before it ends, found 0"},
    {"TruncatedFile", R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})", 23,
     truncated_file, "tensor 'a': ends at byte 24 of the values, the file holds 23: was it cut?"},
    {"TrailingBytes", R"({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})", 25,
     trailing_bytes, "f: expected 24 bytes of values, where the last tensor ends, found 25"},
    {"ValuesWithoutATensor", "{}", 1, trailing_bytes,
     "f: expected 0 bytes of values, where the last tensor ends, found 1"},
};

INSTANTIATE_TEST_SUITE_P(Safetensors, RefusedHeader, testing::ValuesIn(bad_headers),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace alphahill
