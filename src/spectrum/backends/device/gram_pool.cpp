#include "spectrum/backends/device/gram_pool.hpp"

#include <utility>

#include "alphahill/base/stopwatch.hpp"

namespace alphahill {

class GramPool::Pooled final : public Reduction {
 public:
  Pooled(GramPool& pool, std::shared_ptr<Outcome> outcome) : pool_(pool), outcome_(std::move(outcome)) {}

  GramSpectrum finish() override {
    if (outcome_->spectrum.eigenvalues.empty() && !outcome_->error) pool_.decompose();
    if (outcome_->error) std::rethrow_exception(outcome_->error);
    return std::move(outcome_->spectrum);
  }

 private:
  GramPool& pool_;
  std::shared_ptr<Outcome> outcome_;
};

std::unique_ptr<Reduction> GramPool::add(std::unique_ptr<DeviceGram> gram,
                                         std::unique_ptr<DeviceBudget::Claim> claim) {
  if (!waiting_.empty() && waiting_.front().gram->order != gram->order) decompose();
  auto outcome = std::make_shared<Outcome>();
  waiting_.push_back({std::move(claim), std::move(gram), outcome});
  return std::make_unique<Pooled>(*this, outcome);
}

void GramPool::decompose() {
  const std::vector<Waiting> grams = std::exchange(waiting_, {});
  if (grams.empty()) return;
  const Stopwatch watch;
  try {
    const std::vector<double> all = eigenvalues_of(grams);
    const double share = watch.seconds() / static_cast<double>(grams.size());
    auto first = all.begin();
    for (const Waiting& waiting : grams) {
      waiting.outcome->spectrum = {{first, first + waiting.gram->order}, Method::gram_eigen_gpu, share};
      first += waiting.gram->order;
    }
  } catch (...) {
    for (const Waiting& waiting : grams) waiting.outcome->error = std::current_exception();
  }
}

std::vector<double> GramPool::eigenvalues_of(const std::vector<Waiting>& grams) {
  const std::int64_t order = grams.front().gram->order;
  const DeviceArray<double> matrices(queue_, order * order * std::ssize(grams));
  double* next = matrices.get();
  for (const Waiting& waiting : grams) {
    queue_.copy(order, order, {waiting.gram->values.get(), order}, {next, order});
    next += order * order;
  }
  return queue_.eigenvalues_of_all(order, std::ssize(grams), matrices.get());
}

}  // namespace alphahill
