/// The survey of a layer's casts in the memory of a device.
#pragma once

#include <optional>

#include "alphahill/spectrum/panels.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill {

class DeviceSurvey {
 public:
  /// @param survey  that the weights are wanted for; null: only the squares of the chain are taken
  /// @pre of `most_precisions` at most, none with scales
  DeviceSurvey(DeviceQueue& queue, const WeightShape& shape, const CastSurvey* survey);

  /// Where the block at this place puts its sums.
  BlockSurvey at(const PanelPlace& place) const;

  /// To be called when all blocks are cast; waits.
  struct Found {
    double chain_squares;  ///< of the weights after the chain
    std::optional<SurveyTotals> totals;
  };
  Found found() const;

  /// Bytes on the device, with every precision surveyed.
  static std::int64_t most_bytes(const WeightShape& shape);

 private:
  int precisions() const { return layout_.precisions; }
  int pairs() const { return pair_of(precisions(), 0); }
  SurveyTotals totals(const SurveySums& sums) const;

  BlockSurvey layout_;
  DeviceArray<SurveySums> groups_;
  DeviceArray<double> row_sums_;
  DeviceArray<double> col_sums_;
};

}  // namespace alphahill
