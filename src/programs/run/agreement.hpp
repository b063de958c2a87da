/// What every rank does for itself at the start of a run, and none may go on without.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "alphahill/base/error.hpp"
#include "alphahill/runtime/mpi_session.hpp"

namespace alphahill {

/// Throws on every rank where one of them has failed: that one's own error, which it logs where rank 0 does
/// not print it, and on the others one that names it. Collective.
/// @param where, what  of the error on the others: "rank 3 {what}"
void agree(const std::optional<Error>& failure, std::string_view where, std::string_view what,
           MpiSession& mpi);

/// What the ranks find, each for itself. Collective. @throws Error as agree() does
template <class Find>
auto found_by_all(std::string_view where, std::string_view what, MpiSession& mpi, const Find& find) {
  std::optional<decltype(find())> found;
  std::optional<Error> failure;
  try {
    found = find();
  } catch (const Error& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = Error(Fault::internal, std::string(where), error.what());
  }
  agree(failure, where, what, mpi);
  return std::move(*found);
}

}  // namespace alphahill
