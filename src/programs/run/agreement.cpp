#include "programs/run/agreement.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>

namespace alphahill {

void agree(const std::optional<Error>& failure, std::string_view where, std::string_view what,
           MpiSession& mpi) {
  const std::int64_t first = mpi.least(failure ? mpi.rank() : mpi.size());
  if (first == mpi.size()) return;
  if (failure && mpi.rank() == first && first > 0) spdlog::error("{}", failure->what());
  if (failure) throw *failure;
  throw Error(Fault::system, std::string(where), fmt::format("rank {} {}", first, what));
}

}  // namespace alphahill
