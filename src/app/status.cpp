#include "alphahill/app/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "alphahill/base/text.hpp"
#include "alphahill/store/results_file.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_shown = 5;

double work_of(const LayerRow& layer) {
  const auto m = static_cast<double>(std::max(layer.out_features, layer.in_features));
  const auto n = static_cast<double>(std::min(layer.out_features, layer.in_features));
  return m * n * n + 4.0 / 3.0 * n * n * n;
}

/// What the records add up to.
struct Tally {
  std::int64_t computed = 0;  ///< layers done that took time: not those set aside at once
  double work_done = 0;       ///< of these
  std::int64_t left = 0;      ///< layers not done
  double work_left = 0;
  double seconds = 0;  ///< all ranks together
  std::set<std::int32_t> ranks;
  std::vector<std::string> without_figure;  ///< "NAME: STATUS: REASON"

  double ranks_at_work() const { return static_cast<double>(ranks.size()); }
  double seconds_left() const { return work_left * seconds / work_done / ranks_at_work(); }
  double layers_a_minute() const { return 60 * static_cast<double>(computed) * ranks_at_work() / seconds; }
};

void add(Tally& tally, const LayerRow& layer, const LayerRecord& record) {
  double seconds = 0;
  for (const ResultRow& row : record.results) seconds += row.seconds;
  if (seconds > 0) {
    ++tally.computed;
    tally.work_done += work_of(layer);
    tally.seconds += seconds;
    tally.ranks.insert(record.results.front().rank);
  }
  const auto bad = std::ranges::find_if(record.results, [](const auto& r) { return r.status != Status::ok; });
  if (bad == record.results.end()) return;
  tally.without_figure.push_back(
      fmt::format("{} at {}: {}: {}", layer.name, bad->precision, name_of(bad->status), bad->reason));
}

Tally tally_of(const Journal& journal) {
  Tally tally;
  std::int64_t number = 0;
  for (const LayerRow& layer : journal.run().layers) {
    if (journal.has(++number)) {
      add(tally, layer, journal.read(number));
    } else {
      ++tally.left;
      tally.work_left += work_of(layer);
    }
  }
  return tally;
}

std::string pace_text(const Tally& tally) {
  if (tally.left == 0) return "complete\n";
  if (tally.computed == 0) return "time left  unknown: no layer is computed yet\n";
  const double rate = tally.layers_a_minute();
  return fmt::format("rate       {:.{}f} layers a minute on {} rank{}\ntime left  about {}\n", rate,
                     rate < 10 ? 1 : 0, tally.ranks.size(), tally.ranks.size() == 1 ? "" : "s",
                     human_seconds(tally.seconds_left()));
}

std::string missing_text(const std::vector<std::string>& without_figure) {
  if (without_figure.empty()) return {};
  std::string text =
      fmt::format("no figure  {} layer{}\n", without_figure.size(), without_figure.size() == 1 ? "" : "s");
  for (std::size_t i = 0; i < std::min(without_figure.size(), most_shown); ++i) {
    text += fmt::format("           {}\n", without_figure[i]);
  }
  if (without_figure.size() > most_shown) {
    text += fmt::format("           and {} more\n", without_figure.size() - most_shown);
  }
  return text;
}

}  // namespace

std::filesystem::path journal_at(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? path / journal_name : path;
}

std::string status_text(const Journal& journal) {
  const RunDescription& run = journal.run();
  const Tally tally = tally_of(journal);
  const double work = tally.work_done + tally.work_left;
  return fmt::format("model      {} at {}\nlayers     {} of {} done, {:.0f}% of the work\n{}{}",
                     printable(run.model), joined(run.precisions), journal.finished(), run.layers.size(),
                     work > 0 ? std::floor(100 * tally.work_done / work) : 100, pace_text(tally),
                     missing_text(tally.without_figure));
}

std::filesystem::path write_results_beside(const std::filesystem::path& journal) {
  const RunLock lock = RunLock::take_beside(journal);
  auto results = journal;
  results.replace_extension(".h5");
  write_results(results, Journal::open_for_reading(journal));
  return results;
}

}  // namespace alphahill
