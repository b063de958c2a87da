#include "spectrum/backends/device/gram_pool.hpp"

#include <chrono>
#include <utility>

namespace alphahill {

Eigenvalues GramPool::add(std::unique_ptr<DeviceGram> gram, std::unique_ptr<DeviceBudget::Claim> claim) {
  if (!waiting_.empty() && waiting_.front().gram->order != gram->order) decompose();
  auto outcome = std::make_shared<Outcome>();
  waiting_.push_back({std::move(claim), std::move(gram), outcome});
  return [this, outcome] {
    if (outcome->spectrum.eigenvalues.empty() && !outcome->error) decompose();
    if (outcome->error) std::rethrow_exception(outcome->error);
    return std::move(outcome->spectrum);
  };
}

void GramPool::decompose() {
  const std::vector<Waiting> grams = std::exchange(waiting_, {});
  if (grams.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  try {
    const std::vector<double> all = eigenvalues_of(grams);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    seconds_ += taken.count();
    auto first = all.begin();
    for (const Waiting& waiting : grams) {
      waiting.outcome->spectrum = {{first, first + waiting.gram->order},
                                   Method::gram_eigen_gpu,
                                   taken.count() / static_cast<double>(grams.size())};
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
