#include "alphahill/cluster/worker.hpp"

#include "alphahill/cluster/crash_note.hpp"
#include "alphahill/cluster/layer_record.hpp"

namespace alphahill {

namespace {

Report run_failure(Fault fault, std::string where, std::string reason) {
  return {.record = {},
          .run_failed = true,
          .fault = fault,
          .where = std::move(where),
          .reason = std::move(reason)};
}

/// The report of a layer, whatever happens.
Report reported(int rank, const std::function<LayerRecord()>& compute) {
  try {
    Report report;
    report.record = compute();
    return report;
  } catch (const Error& error) {
    return run_failure(error.fault(), error.where(), error.reason());
  } catch (const std::exception& error) {
    return run_failure(Fault::internal, "rank " + std::to_string(rank), error.what());
  }
}

}  // namespace

void work(const Catalog& catalog, const AnalysisSettings& settings,
          const std::function<std::unique_ptr<Backend>()>& make_backend, int rank,
          const CoordinatorLine& line) {
  std::unique_ptr<Backend> backend;
  for (Assignment next = line.receive(); next.layer != Assignment::no_more; next = line.receive()) {
    computing_layer(next.layer);
    line.send(reported(rank, [&] {
      if (!backend) backend = make_backend();
      return compute_record(catalog, next.layer, settings, *backend, rank);
    }));
    computing_layer(0);
  }
}

}  // namespace alphahill
