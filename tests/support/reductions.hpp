/// Reductions whose rest is a function.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "alphahill/spectrum/backend.hpp"

namespace alphahill {

class FunctionReduction final : public Reduction {
 public:
  explicit FunctionReduction(std::function<GramSpectrum()> rest) : rest_(std::move(rest)) {}
  GramSpectrum finish() override { return rest_(); }

 private:
  std::function<GramSpectrum()> rest_;
};

inline std::unique_ptr<Reduction> reduction_by(std::function<GramSpectrum()> rest) {
  return std::make_unique<FunctionReduction>(std::move(rest));
}

}  // namespace alphahill
