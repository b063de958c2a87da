#include "alphahill/base/error.hpp"

#include <utility>

#include "alphahill/base/text.hpp"

namespace alphahill {

Error::Error(Fault fault, std::string where, std::string reason)
    : std::runtime_error(printable_message(where + ": " + reason)),
      fault_(fault),
      where_(std::move(where)),
      reason_(std::move(reason)) {}

}  // namespace alphahill
