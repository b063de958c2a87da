/// The one exception type of alphahill: who has to act, where it happened, what was expected and found.
#pragma once

#include <stdexcept>
#include <string>

namespace alphahill {

/// Who has to act on a failure; decides the exit code of the programs.
enum class Fault {
  usage,     ///< a wrong option or value: exit code 2
  input,     ///< a file of the user's is not what it should be
  system,    ///< the operating system, MPI or a device said no
  internal,  ///< a numerical library or our own code broke its contract
};
constexpr Fault last_of(Fault) {
  return Fault::internal;
}

/// A failure with its place. `what()` reads "where: reason", with control characters escaped.
class Error : public std::runtime_error {
 public:
  /// @param where   the file, tensor, option or call concerned
  /// @param reason  what was expected and what was found
  Error(Fault fault, std::string where, std::string reason);

  Fault fault() const { return fault_; }
  const std::string& where() const { return where_; }
  const std::string& reason() const { return reason_; }

 private:
  Fault fault_;
  std::string where_;
  std::string reason_;
};

}  // namespace alphahill
