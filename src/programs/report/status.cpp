#include "programs/report/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "alphahill/base/error.hpp"
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
  std::int64_t scaled;  ///< of these and of those that are surveyed only, the ones whose weights share scales
  bool share_small_changes;
};

Casts casts_of(const RunDescription& run, const Asked& asked) {
  Casts casts{parse_precision(run.load_dtype, "load_dtype").element, {}, 0, run.share_tolerance > 0};
  for (const std::string& precision : asked.precisions) {
    casts.precisions.push_back(parse_precision(precision, "precisions"));
  }
  casts.scaled = std::ranges::count_if(asked.all_precisions(), [](const std::string& precision) {
    return parse_precision(precision, "precisions").scaled();
  });
  return casts;
}

/// Of a layer whose values are computed from what is stored, or whose dtype is none of ours, no format is known: they
/// take any cast for a change, as those of the widest format do.
ElementFormat values_of(const LayerRow& layer) {
  return layer.dequantized ? ElementFormat::fp64
                           : format_of(layer.stored_dtype).value_or(ElementFormat::fp64);
}

/// Rows of earlier versions do not say it of codes.
double bits_of(const LayerRow& layer) {
  constexpr double likely_of_codes = 8;
  if (!std::isnan(layer.bits_per_weight)) return layer.bits_per_weight;
  const auto stored = format_of(layer.stored_dtype);
  return stored ? 8.0 * static_cast<double>(bytes_of(*stored)) : likely_of_codes;
}

/// What the records add up to, as the last run asked for them, and what the cost model makes of it. Of a
/// team's layer the leader's seconds count. Rate and time left are those of the last run, which may have fewer ranks
/// than those that it goes on from.
class Tally {
 public:
  explicit Tally(const Journal& journal)
      : precisions_(journal.asked().all_precisions()),
        depths_(depths_text(journal.asked())),
        casts_(casts_of(journal.run(), journal.asked())) {
    const RunDescription& run = journal.run();
    const std::vector<bool> asked = asked_layers(run, journal.asked());
    for (std::size_t i = 0; i < run.layers.size(); ++i) {
      const auto number = static_cast<std::int64_t>(i) + 1;
      if (!asked[i]) continue;
      names_.push_back(run.layers[i].name);
      if (journal.has(number, precisions_)) {
        add(run.layers[i], journal.read(number), journal.is_of_last_run(number));
      } else {
        left_.push_back(shape_of(run.layers[i]));
      }
    }
  }

  const std::vector<std::string>& precisions() const { return precisions_; }
  const std::string& depths() const { return depths_; }
  bool complete() const { return left_.empty(); }
  std::int64_t done() const { return done_; }
  std::int64_t layers() const { return done_ + std::ssize(left_); }
  /// Names of those that are asked for.
  const std::vector<std::string>& names() const { return names_; }
  /// Layers that took the last run time: not those set aside at once.
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
    return 60 * static_cast<double>(computed_) * static_cast<double>(leaders()) / seconds_of_last_run_;
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
    return {std::max(layer.out_features, layer.in_features),
            std::min(layer.out_features, layer.in_features),
            std::llround(static_cast<double>(layer.numel) * bits_of(layer) / 8),
            distinct_casts(values_of(layer), casts_.load, casts_.precisions, casts_.share_small_changes),
            casts_.scaled,
            casts_.precisions.empty()};
  }
  double work_left() const {
    double work = 0;
    for (const LayerShape& shape : left_) work += cost_.work(shape, 1);
    return work;
  }
  void add(const LayerRow& layer, const LayerRecord& record, bool of_last_run);
  void add_pace(const ResultRow& leader, double seconds);

  std::vector<std::string> precisions_;  ///< that the last run asked for
  std::string depths_;                   ///< the same, in words
  std::vector<std::string> names_;
  Casts casts_;
  CostModel cost_{usual_rates()};
  std::vector<LayerShape> left_;
  std::int64_t done_ = 0;
  double seconds_ = 0;  ///< that they took, all ranks together
  std::int64_t computed_ = 0;
  double seconds_of_last_run_ = 0;
  std::map<std::int32_t, std::int32_t>
      team_sizes_;  ///< in the last run, by the leader's rank; 1 for a rank that computes alone
  std::vector<std::string> without_figure_;
};

void Tally::add_pace(const ResultRow& leader, double seconds) {
  ++computed_;
  seconds_of_last_run_ += seconds;
  std::int32_t& team_size = team_sizes_[leader.rank];
  team_size = std::max(team_size, leader.team_size);
}

void Tally::add(const LayerRow& layer, const LayerRecord& record, bool of_last_run) {
  ++done_;
  const double seconds = seconds_of(record);
  if (seconds > 0) {
    cost_.learn(shape_of(layer), 1, seconds);
    seconds_ += seconds;
    if (of_last_run) add_pace(record.results.front(), seconds);
  }
  const auto bad = std::ranges::find_if(record.results, [&](const ResultRow& row) {
    return row.status != Status::ok && row.status != Status::surveyed &&
           std::ranges::find(precisions_, row.precision) != precisions_.end();
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
  if (tally.computed() == 0)
    return fmt::format("{}  unknown: the last run has computed no layer yet\n", title);
  const std::string left = human_seconds(tally.seconds_left());
  if (!running) return fmt::format("work left  about {} on {}\n", left, leaders_text(tally));
  const double rate = tally.layers_a_minute();
  return fmt::format("rate       {:.{}f} layers a minute on {}\ntime left  about {}\n", rate,
                     rate < 10 ? 1 : 0, leaders_text(tally), left);
}

/// Whether a results file has the layers that are asked for at these precisions; not where it cannot be read.
bool has_results(const std::filesystem::path& file, const Tally& tally) {
  std::set<std::pair<std::string, std::string>> there;
  try {
    const ResultsFile results = ResultsFile::open(file);
    const std::vector<LayerRow>& layers = results.run().layers;
    for (const ResultRow& row : results.results()) {
      there.emplace(layers.at(static_cast<std::size_t>(row.layer - 1)).name, row.precision);
    }
  } catch (const std::exception&) {
    return false;
  }
  return std::ranges::all_of(tally.names(), [&](const std::string& name) {
    return std::ranges::all_of(tally.precisions(), [&](const std::string& precision) {
      return there.contains({name, precision});
    });
  });
}

std::string progress_text(const Tally& tally, const std::optional<Ending>& ending, const RunSigns& signs) {
  const RunState state =
      run_state(signs, ending,
                {.longest_layer = tally.longest_layer_left(),
                 .all_done = tally.complete(),
                 .has_results = tally.complete() && has_results(signs.results_file, tally)});
  if (state.complete) return state.text + "\n";
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
  if (path.extension() == ".h5") {
    throw Error(
        Fault::usage, "--status",
        fmt::format(
            "expected an output folder or its journal, found '{}': results are opened without --status",
            path.string()));
  }
  return std::filesystem::is_directory(path) ? path / journal_name : path;
}

std::string status_text(const Journal& journal, const RunSigns& signs) {
  const Tally tally(journal);
  return fmt::format("model      {} at {}\nlayers     {} of {} done, {:.0f}% of the work\n{}{}",
                     printable(journal.run().model), tally.depths(), tally.done(), tally.layers(),
                     std::floor(100 * tally.part_done()), progress_text(tally, journal.ending(), signs),
                     missing_text(tally.without_figure()));
}

std::filesystem::path write_results_beside(const std::filesystem::path& journal) {
  const RunLock lock = RunLock::take_beside(journal);
  auto results = journal;
  results.replace_extension(".h5");
  write_results(results, Journal::open_for_reading(journal));
  return results;
}

}  // namespace alphahill
