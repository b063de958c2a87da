#include "alphahill/base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "alphahill/base/error.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {
namespace {

using testing::HasSubstr;

std::string reason_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(File, AReadBeyondTheEndSaysWhatWasExpected) {
  const TemporaryFolder folder;
  const File file = File::open_for_reading(folder.write("f", "12345"));
  std::array<std::byte, 4> bytes{};
  file.read_at(bytes, 1);
  EXPECT_EQ(std::to_integer<char>(bytes[3]), '5');
  EXPECT_THAT(reason_of([&] { file.read_at(bytes, 2); }),
              HasSubstr("expected 4 bytes at offset 2, the file ends after 3"));
}

TEST(File, FoldersFifosAndDevicesAreRefusedWithoutBlocking) {
  const TemporaryFolder folder;
  const auto fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const std::filesystem::path& path : {fifo, folder.path(), std::filesystem::path("/dev/zero")}) {
    EXPECT_THAT(reason_of([&] { File::open_for_reading(path); }), HasSubstr("expected a regular file"))
        << path;
  }
}

TEST(File, AMissingFileIsNamed) {
  EXPECT_EQ(reason_of([] { File::open_for_reading("/nowhere/f"); }),
            "/nowhere/f: open failed: No such file or directory");
}

TEST(File, ALockKeepsASecondOpenerOut) {
  const TemporaryFolder folder;
  File first = File::open_or_create(folder.path() / "f");
  EXPECT_EQ(first.try_lock(), LockAttempt::taken);
  EXPECT_EQ(File::open_or_create(folder.path() / "f").try_lock(), LockAttempt::held);
}

TEST(File, AFileIsCreatedOnceOnly) {
  const TemporaryFolder folder;
  EXPECT_TRUE(File::create_new(folder.path() / "f"));
  EXPECT_FALSE(File::create_new(folder.path() / "f"));
  EXPECT_THAT(reason_of([&] { File::create_new(folder.path() / "none" / "f"); }),
              HasSubstr("open failed: No such file or directory"));
}

TEST(File, AFileThatIsRemovedOrReplacedIsNoLongerAtItsPath) {
  const TemporaryFolder folder;
  const File file = File::open_or_create(folder.path() / "f");
  EXPECT_TRUE(file.is_at_its_path());
  std::filesystem::remove(file.path());
  EXPECT_FALSE(file.is_at_its_path());
  folder.write("f", "another");
  EXPECT_FALSE(file.is_at_its_path());
}

TEST(File, TextOverTheLimitIsRefused) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "12345");
  EXPECT_EQ(read_text(path, 5), "12345");
  EXPECT_THAT(reason_of([&] { read_text(path, 4); }), HasSubstr("5 bytes, expected at most 4"));
}

TEST(File, AFailedReplacementLeavesTheOldFileAndNoTemporary) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  EXPECT_THROW(replace_file(path,
                            [&](const std::filesystem::path& temporary) {
                              folder.write(temporary.filename(), "half");
                              throw Error(Fault::system, "test", "disk full");
                            }),
               Error);
  EXPECT_EQ(read_text(path, 10), "old");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(File, AReplacementIsWhole) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  replace_file(path,
               [&](const std::filesystem::path& temporary) { folder.write(temporary.filename(), "new"); });
  EXPECT_EQ(read_text(path, 10), "new");
}

}  // namespace
}  // namespace alphahill
