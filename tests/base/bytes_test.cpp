#include "alphahill/base/bytes.hpp"

#include <gtest/gtest.h>

namespace alphahill {
namespace {

struct Point {
  std::string name;
  std::vector<double> at;
  std::int32_t weight = 0;
  bool fixed = false;

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.name, self.at, self.weight, self.fixed);
  }
};

const Point point{"p", {1.5, -2.0}, 7, true};

TEST(Bytes, AStructComesBackFieldByField) {
  const Point back = from_bytes<Point>(to_bytes(point), "test");
  EXPECT_EQ(back.name, "p");
  EXPECT_EQ(back.at, (std::vector<double>{1.5, -2.0}));
  EXPECT_EQ(back.weight, 7);
  EXPECT_TRUE(back.fixed);
}

TEST(Bytes, EveryProperPrefixIsRefused) {
  const auto bytes = to_bytes(point);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(from_bytes<Point>(std::span(bytes).first(size), "test"), Error) << size;
  }
}

TEST(Bytes, BytesLeftOverAreRefused) {
  auto bytes = to_bytes(point);
  bytes.push_back(std::byte{0});
  EXPECT_THROW(from_bytes<Point>(bytes, "test"), Error);
}

TEST(Bytes, AnAbsurdCountIsRefusedWithoutAllocating) {
  const auto bytes = to_bytes(std::uint64_t{1} << 62);
  EXPECT_THROW(from_bytes<std::vector<double>>(bytes, "test"), Error);
  EXPECT_THROW(from_bytes<std::string>(bytes, "test"), Error);
}

enum class Colour : std::uint8_t { red, green };
constexpr Colour last_of(Colour) {
  return Colour::green;
}

TEST(Bytes, AByteThatIsNoValueOfItsEnumIsRefused) {
  EXPECT_EQ(from_bytes<Colour>(to_bytes(std::uint8_t{1}), "test"), Colour::green);
  EXPECT_THROW(from_bytes<Colour>(to_bytes(std::uint8_t{2}), "test"), Error);
  EXPECT_THROW(from_bytes<bool>(to_bytes(std::uint8_t{2}), "test"), Error);
}

struct Page {
  static inline int made = 0;
  std::int64_t first = 0;
  std::int64_t second = 0;
  Page() { ++made; }

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.first, self.second);
  }
};

TEST(Bytes, ItemsAreMadeOnlyWhileTheirBytesLast) {
  std::vector<std::byte> bytes(sizeof(std::uint64_t) + 100);
  bytes[0] = std::byte{100};  // items claimed; the 100 bytes behind hold 6 of them
  EXPECT_THROW(from_bytes<std::vector<Page>>(bytes, "test"), Error);
  EXPECT_EQ(Page::made, 7);
}

}  // namespace
}  // namespace alphahill
