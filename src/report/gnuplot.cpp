#include "alphahill/report/gnuplot.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <span>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/progress.hpp"
#include "alphahill/base/text.hpp"
#include "alphahill/report/child_processes.hpp"

namespace alphahill {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t largest_batch = 16;  // gnuplot's start costs as much as drawing a plot or two
constexpr std::int64_t batches_per_job = 4;
constexpr std::int64_t longest_messages = 1 << 20;

/// A new folder, removed with all that is in it.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& parent) {
    create_folders(parent);
    std::string name = (parent / ".drawing-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(Fault::system, name, fmt::format("mkdtemp failed: {}", std::strerror(errno)));
    }
    path_ = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write_file(const fs::path& path, std::string_view text) {
  File::open_or_create(path).write_at(std::as_bytes(std::span(text)), 0);
}

/// Whether a picture has its end: gnuplot says nothing when the disk is full.
bool is_whole(const fs::path& picture, PlotFormat format) {
  constexpr std::array<std::string_view, 3> ends{"IEND", "%%EOF", "</svg>"};
  const File file = File::open_for_reading(picture);
  std::string tail(static_cast<std::size_t>(std::min<std::int64_t>(file.size(), 16)), ' ');
  file.read_at(std::as_writable_bytes(std::span(tail)), file.size() - std::ssize(tail));
  return tail.find(ends.at(static_cast<std::size_t>(format))) != std::string::npos;
}

/// Plots first, first + 1, ... before last, drawn by one gnuplot process.
struct Batch {
  std::int64_t first;
  std::int64_t last;
};

class Drawing {
 public:
  Drawing(const std::vector<Plot>& plots, const fs::path& folder, PlotFormat format)
      : plots_(plots),
        format_(format),
        work_(folder),
        progress_("plots", std::ssize(plots), static_cast<double>(plots.size())) {}

  void start(const Batch& batch) {
    std::string script(picture_preamble());
    for (std::int64_t i = batch.first; i < batch.last; ++i) {
      const Picture picture = plots_[static_cast<std::size_t>(i)].draw();
      script += picture.script(i, format_);
      write_file(work_ / fmt::format("table_{}", i), picture.table());
    }
    const std::string script_name = fmt::format("script_{}", batch.first);
    write_file(work_ / script_name, script);
    // -d and GNUTERM: the user's own settings of gnuplot do not count here.
    processes_.start(batch.first, {"gnuplot", "-d", script_name}, work_.path(), messages(batch.first),
                     "GNUTERM");
    batches_[batch.first] = batch;
  }

  /// Waits for a batch and puts its plots where they belong. @return the number of plots in it
  std::int64_t finish_one() {
    const auto [number, failure] = processes_.wait();
    const std::string said = read_text(messages(number), longest_messages);
    if (!failure.empty()) {
      const std::string why = said.empty() ? "without a message; is the disk full?" : said;
      throw Error(Fault::system, "gnuplot", fmt::format("{}: {}", failure, why));
    }
    if (!said.empty()) spdlog::warn("gnuplot: {}", printable(said));
    const Batch batch = batches_.at(number);
    for (std::int64_t i = batch.first; i < batch.last; ++i) {
      const fs::path& file = plots_[static_cast<std::size_t>(i)].file;
      const fs::path picture = work_ / fmt::format("plot_{}", i);
      if (!is_whole(picture, format_)) {
        throw Error(Fault::system, "gnuplot", fmt::format("{} is cut off; is the disk full?", file.string()));
      }
      create_folders(file.parent_path());
      rename_file(picture, file);
      fs::remove(work_ / fmt::format("table_{}", i));
      progress_.advance(1, file.stem().string());
    }
    return batch.last - batch.first;
  }

  std::int64_t running() const { return processes_.running(); }

 private:
  fs::path messages(std::int64_t number) const { return work_ / fmt::format("messages_{}", number); }

  const std::vector<Plot>& plots_;
  PlotFormat format_;
  WorkFolder work_;
  std::map<std::int64_t, Batch> batches_;
  Progress progress_;
  ChildProcesses processes_;  // after work_: the children end before their folder goes
};

}  // namespace

void draw_plots(const std::vector<Plot>& plots, const fs::path& folder, PlotFormat format, int jobs) {
  const AllCores cores;
  const std::int64_t most_running = jobs > 0 ? jobs : cores.count();
  const std::int64_t size =
      std::clamp(std::ssize(plots) / (most_running * batches_per_job), std::int64_t{1}, largest_batch);
  Drawing drawing(plots, folder, format);
  std::int64_t started = 0;
  std::int64_t done = 0;
  while (done < std::ssize(plots)) {
    while (started < std::ssize(plots) && drawing.running() < most_running) {
      const Batch batch{started, std::min(started + size, std::ssize(plots))};
      drawing.start(batch);
      started = batch.last;
    }
    done += drawing.finish_one();
  }
}

}  // namespace alphahill
