#include "report/plots/picture_file.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <set>
#include <span>
#include <thread>

#include "alphahill/base/file.hpp"
#include "alphahill/base/progress.hpp"
#include "report/plots/all_cores.hpp"

namespace alphahill {

namespace {

void save(const Plot& plot, PlotFormat format) {
  const std::string bytes = plot.draw().file(format);
  replace_file_unsynced(plot.file, [&](const std::filesystem::path& temporary) {
    File file = File::open_or_create(temporary);
    file.truncate(0);
    file.write_at(std::as_bytes(std::span(bytes)), 0);
  });
}

/// The plots that threads share: each takes the next one.
class PlotQueue {
 public:
  PlotQueue(const std::vector<Plot>& plots, PlotFormat format)
      : plots_(plots),
        format_(format),
        progress_("plots", std::ssize(plots), static_cast<double>(plots.size())) {}

  /// Draws plots until there are no more, here or, after a failure, on any thread.
  void work() {
    try {
      while (const Plot* plot = next()) {
        save(*plot, format_);
        done(*plot);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  /// @throws what the first thread that failed threw
  void check() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const Plot* next() {
    const std::lock_guard lock(mutex_);
    return failure_ || next_ == plots_.size() ? nullptr : &plots_[next_++];
  }
  void done(const Plot& plot) {
    const std::lock_guard lock(mutex_);
    progress_.advance(1, plot.file.stem().string());
  }

  const std::vector<Plot>& plots_;
  PlotFormat format_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  Progress progress_;
  std::exception_ptr failure_;
};

}  // namespace

void draw_plots(const std::vector<Plot>& plots, PlotFormat format) {
  std::set<std::filesystem::path> folders;
  for (const Plot& plot : plots) folders.insert(plot.file.parent_path());
  for (const std::filesystem::path& folder : folders) create_folders(folder);
  const AllCores cores;
  PlotQueue queue(plots, format);
  {
    std::vector<std::jthread> others;
    const auto threads = std::min(static_cast<std::size_t>(cores.count()), plots.size());
    while (others.size() + 1 < threads) others.emplace_back([&] { queue.work(); });
    queue.work();
  }
  queue.check();
}

}  // namespace alphahill
