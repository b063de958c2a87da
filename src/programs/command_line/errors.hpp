/// How the programs end on an error: one clear line, and an exit code.
#pragma once

#include <exception>
#include <string>

namespace alphahill {

int exit_code_of(const std::exception& error);

/// Prints "PROGRAM: error: WHERE: REASON" on standard error. @return the exit code that belongs to it
int report_error(const std::string& program, const std::exception& error);

}  // namespace alphahill
