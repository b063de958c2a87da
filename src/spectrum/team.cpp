#include "alphahill/spectrum/team.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>

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

}  // namespace

void throw_together(Team& team, const std::exception_ptr& exception) {
  if (!team.any(exception != nullptr)) return;
  int member = 0;
  while (!team.any(exception != nullptr && team.rank() == member)) ++member;
  Failure failure = exception ? describe(exception) : Failure{};
  team.broadcast(std::as_writable_bytes(std::span(&failure, 1)), member);
  if (exception) std::rethrow_exception(exception);
  throw Error(failure.fault, "another rank of the team", failure.text.data());
}

std::unique_ptr<TeamMatrix> SingleRank::make_matrix(std::int64_t, std::int64_t) {
  throw Error(Fault::internal, "matrix of a team", "expected a team of several ranks, found one");
}

}  // namespace alphahill
