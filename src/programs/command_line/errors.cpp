#include "programs/command_line/errors.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "alphahill/base/error.hpp"
#include "programs/command_line/exit_codes.hpp"

namespace alphahill {

int exit_code_of(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  return own != nullptr && own->fault() == Fault::usage ? exit_usage : exit_failed;
}

int report_error(const std::string& program, const std::exception& error) {
  // fmt::print throws where that fails.
  std::fputs(fmt::format("{}: error: {}\n", program, error.what()).c_str(), stderr);
  return exit_code_of(error);
}

}  // namespace alphahill
