/// The coordinator of a run, on rank 0: hands out layers longest first as workers become free, and keeps
/// their records.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/progress.hpp"
#include "alphahill/cluster/crew.hpp"
#include "alphahill/cluster/plan.hpp"

namespace alphahill {

class Coordinator {
 public:
  /// @param keep         puts records on disk; when it throws, the run fails
  /// @param interrupted  asked often; once true, no more layers are handed out
  Coordinator(const Plan& plan, const Catalog& catalog, const AnalysisSettings& settings, Crew& crew,
              std::function<void(std::span<const LayerRecord>)> keep, std::function<bool()> interrupted);

  /// Runs the plan to its end: returns when every worker has been told that there is no more and every record
  /// is kept. After a failure or an interruption the layers under way are still finished and kept.
  /// @return the first failure of the run, if there was one
  std::optional<Error> run();

 private:
  void hand_out(int rank);
  void take_in(std::vector<Arrival> arrivals);
  void keep_records(std::span<const LayerRecord> records);
  void fail(const Error& error);
  bool stopping() const;

  const Plan& plan_;
  const Catalog& catalog_;
  const AnalysisSettings& settings_;
  Crew& crew_;
  std::function<void(std::span<const LayerRecord>)> keep_;
  std::function<bool()> interrupted_;
  Progress progress_;
  std::size_t next_ = 0;
  std::int64_t under_way_ = 0;
  bool stop_announced_ = false;
  std::optional<Error> failure_;
};

}  // namespace alphahill
