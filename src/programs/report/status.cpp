#include "programs/report/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "alphahill/base/text.hpp"
#include "alphahill/formats/distinct_casts.hpp"
#include "alphahill/results/results_file.hpp"
#include "alphahill/schedule/cost_model.hpp"

namespace alphahill {

namespace {

constexpr std::size_t most_shown = 5;

/// What a run casts its layers to.
struct Casts {
  ElementFormat load;
  std::vector<Precision> precisions;
  bool share_small_changes;
};

Casts casts_of(const RunDescription& run, const Asked& asked) {
  Casts casts{parse_precision(run.load_dtype, "load_dtype").element, {}, run.share_tolerance > 0};
  for (const std::string& precision : asked.precisions) {
    casts.precisions.push_back(parse_precision(precision, "precisions"));
  }
  return casts;
}

/// What the records add up to, as the last run asked for them, and what the cost model makes of it. Of a
/// team's layer the leader's seconds count.
class Tally {
 public:
  explicit Tally(const Journal& journal)
      : precisions_(journal.asked().precisions), casts_(casts_of(journal.run(), journal.asked())) {
    const RunDescription& run = journal.run();
    const std::vector<bool> asked = asked_layers(run, journal.asked());
    for (std::size_t i = 0; i < run.layers.size(); ++i) {
      const auto number = static_cast<std::int64_t>(i) + 1;
      if (!asked[i]) continue;
      if (journal.has(number, precisions_)) {
        add(run.layers[i], journal.read(number));
      } else {
        left_.push_back(shape_of(run.layers[i]));
      }
    }
  }

  bool complete() const { return left_.empty(); }
  std::int64_t done() const { return done_; }
  std::int64_t layers() const { return done_ + std::ssize(left_); }
  std::int64_t computed() const { return computed_; }
  /// That compute layers side by side: ranks, and teams of them.
  std::size_t leaders() const { return team_sizes_.size(); }
  /// Those of them that are teams.
  std::int64_t teams() const {
    return std::ranges::count_if(team_sizes_, [](const auto& leader) { return leader.second > 1; });
  }
  /// "NAME: STATUS: REASON" of layers without a figure.
  const std::vector<std::string>& without_figure() const { return without_figure_; }

  double layers_a_minute() const {
    return 60 * static_cast<double>(computed_) * static_cast<double>(leaders()) / seconds_;
  }
  double part_done() const {
    const double work = seconds_ + work_left();
    return work > 0 ? seconds_ / work : 1;
  }
  double longest_layer_left() const {
    double longest = 0;
    for (const LayerShape& shape : left_) longest = std::max(longest, cost_.work(shape, 1));
    return longest;
  }
  double seconds_left() const {
    return std::max(longest_layer_left(), work_left() / static_cast<double>(leaders()));
  }

 private:
  LayerShape shape_of(const LayerRow& layer) const {
    const ElementFormat stored = format_of(layer.stored_dtype).value_or(ElementFormat::bf16);
    return {std::max(layer.out_features, layer.in_features), std::min(layer.out_features, layer.in_features),
            layer.numel * bytes_of(stored),
            distinct_casts(stored, casts_.load, casts_.precisions, casts_.share_small_changes)};
  }
  double work_left() const {
    double work = 0;
    for (const LayerShape& shape : left_) work += cost_.work(shape, 1);
    return work;
  }
  void add(const LayerRow& layer, const LayerRecord& record);

  std::vector<std::string> precisions_;  ///< that the last run asked for
  Casts casts_;
  CostModel cost_{usual_rates()};
  std::vector<LayerShape> left_;
  std::int64_t done_ = 0;
  std::int64_t computed_ = 0;  ///< layers done that took time: not those set aside at once
  double seconds_ = 0;         ///< that they took, all ranks together
  std::map<std::int32_t, std::int32_t>
      team_sizes_;  ///< by the leader's rank; 1 for a rank that computes alone
  std::vector<std::string> without_figure_;
};

void Tally::add(const LayerRow& layer, const LayerRecord& record) {
  ++done_;
  const double seconds = seconds_of(record);
  if (seconds > 0) {
    ++computed_;
    cost_.learn(shape_of(layer), 1, seconds);
    seconds_ += seconds;
    std::int32_t& team_size = team_sizes_[record.results.front().rank];
    team_size = std::max(team_size, record.results.front().team_size);
  }
  const auto bad = std::ranges::find_if(record.results, [&](const ResultRow& row) {
    return row.status != Status::ok && std::ranges::find(precisions_, row.precision) != precisions_.end();
  });
  if (bad == record.results.end()) return;
  without_figure_.push_back(
      fmt::format("{} at {}: {}: {}", layer.name, bad->precision, name_of(bad->status), bad->reason));
}

std::string leaders_text(const Tally& tally) {
  std::vector<std::string> parts;
  const std::int64_t ranks = static_cast<std::int64_t>(tally.leaders()) - tally.teams();
  if (ranks > 0) parts.push_back(counted(ranks, "rank"));
  if (tally.teams() > 0) parts.push_back(counted(tally.teams(), "team"));
  return joined(parts, " and ");
}

std::string pace_text(const Tally& tally, bool running) {
  const char* title = running ? "time left" : "work left";
  if (tally.computed() == 0) return fmt::format("{}  unknown: no layer is computed yet\n", title);
  const std::string left = human_seconds(tally.seconds_left());
  if (!running) return fmt::format("work left  about {} on {}\n", left, leaders_text(tally));
  const double rate = tally.layers_a_minute();
  return fmt::format("rate       {:.{}f} layers a minute on {}\ntime left  about {}\n", rate,
                     rate < 10 ? 1 : 0, leaders_text(tally), left);
}

std::string progress_text(const Tally& tally, const std::optional<Ending>& ending, const RunSigns& signs) {
  if (tally.complete() && !ending) return "complete\n";
  const RunState state = run_state(signs, ending, tally.longest_layer_left());
  return fmt::format("state      {}\n{}", state.text,
                     tally.complete() ? "" : pace_text(tally, state.running));
}

std::string missing_text(const std::vector<std::string>& without_figure) {
  if (without_figure.empty()) return {};
  std::string text = fmt::format("no figure  {}\n", counted(std::ssize(without_figure), "layer"));
  for (const std::string& line : some_of(without_figure, most_shown))
    text += fmt::format("           {}\n", line);
  return text;
}

}  // namespace

std::filesystem::path journal_at(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? path / journal_name : path;
}

std::string status_text(const Journal& journal, const RunSigns& signs) {
  const Tally tally(journal);
  return fmt::format("model      {} at {}\nlayers     {} of {} done, {:.0f}% of the work\n{}{}",
                     printable(journal.run().model), joined(journal.asked().precisions), tally.done(),
                     tally.layers(), std::floor(100 * tally.part_done()),
                     progress_text(tally, journal.ending(), signs), missing_text(tally.without_figure()));
}

std::filesystem::path write_results_beside(const std::filesystem::path& journal) {
  const RunLock lock = RunLock::take_beside(journal);
  auto results = journal;
  results.replace_extension(".h5");
  write_results(results, Journal::open_for_reading(journal));
  return results;
}

}  // namespace alphahill
