/// An environment variable for the time of a test.
#pragma once

#include <stdlib.h>

#include <string>

#include "alphahill/base/environment.hpp"

namespace alphahill {

class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const char* value) : name_(name), before_(environment(name)) {
    ::setenv(name, value, 1);
  }
  ~EnvironmentVariable() {
    if (before_.empty()) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, before_.c_str(), 1);
    }
  }

 private:
  const char* name_;
  std::string before_;
};

}  // namespace alphahill
