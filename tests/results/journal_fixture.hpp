/// What the tests of the journal share: a folder, a file of three records, and its bytes.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/bytes.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/results/journal.hpp"
#include "results/example_run.hpp"
#include "results/journal_frames.hpp"
#include "support/captured_log.hpp"
#include "support/temporary_folder.hpp"

namespace alphahill {

/// What the action's Error says.
inline std::string reason_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class JournalTest : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "run.journal"; }
  std::string bytes() const { return read_text(path(), 1 << 26); }
  void set_bytes(std::string_view bytes) const { folder_.write("run.journal", bytes); }

  Journal open() const { return Journal::open_or_resume(path(), run_); }
  /// What that writes at once, where a run goes on.
  std::string asked_frame() const {
    std::vector<std::byte> frame;
    append_record(frame, FrameKind::asked, Asked{run_.precisions, ""});
    return {reinterpret_cast<const char*>(frame.data()), frame.size()};
  }
  std::string reason_of_open() const {
    return reason_of([&] { open(); });
  }

  /// Appends the records to the journal one by one. @return the sizes of the file before and after each
  std::vector<std::size_t> fill(const std::vector<LayerRecord>& records) const {
    Journal journal = open();
    std::vector<std::size_t> ends{std::filesystem::file_size(path())};
    for (const LayerRecord& record : records) {
      journal.append(std::span(&record, 1));
      ends.push_back(std::filesystem::file_size(path()));
    }
    return ends;
  }

  static void expect_same(const LayerRecord& found, const LayerRecord& expected) {
    EXPECT_EQ(to_bytes(found), to_bytes(expected));
  }

  const CapturedLog log_;
  const TemporaryFolder folder_;
  const RunDescription run_ = example_run();
};

}  // namespace alphahill
