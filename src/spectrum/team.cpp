#include "alphahill/spectrum/team.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <vector>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

/// A failure as bytes that can be broadcast.
struct Failure {
  Fault fault = Fault::internal;
  std::array<char, 1000> text{};

  Failure() = default;
  Failure(Fault whose, std::string_view reason) : fault(whose) {
    std::ranges::copy(reason.substr(0, text.size() - 1), text.begin());
  }
};

Failure describe(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return {error.fault(), error.what()};
  } catch (const std::bad_alloc&) {
    return {Fault::internal, "not enough memory"};
  } catch (const std::exception& error) {
    return {Fault::internal, error.what()};
  }
}

int first_to_fail(Team& team, bool mine) {
  std::vector<double> failed(static_cast<std::size_t>(team.size()));
  failed[static_cast<std::size_t>(team.rank())] = mine ? 1 : 0;
  team.sum(failed);
  return static_cast<int>(std::ranges::find(failed, 1.0) - failed.begin());
}

}  // namespace

void do_together(Team& team, const std::function<void()>& step) {
  std::exception_ptr exception;
  try {
    step();
  } catch (const std::exception&) {
    exception = std::current_exception();
  }
  if (!team.any(exception != nullptr)) return;
  const int member = first_to_fail(team, exception != nullptr);
  Failure failure = exception ? describe(exception) : Failure{};
  team.broadcast(std::as_writable_bytes(std::span(&failure, 1)), member);
  if (exception) std::rethrow_exception(exception);
  throw Error(failure.fault, "another rank of the team", failure.text.data());
}

}  // namespace alphahill
