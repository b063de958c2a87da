/// A finding of a probe: one line of JSON, printed as soon as it is made, so that a run that is cut off keeps it.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace alphahill::probes {

class Finding {
 public:
  explicit Finding(std::string_view part) { add("part", quoted(part)); }

  /// null where it is not finite, which JSON has no word for.
  Finding& with(std::string_view name, double value) {
    return add(name, std::isfinite(value) ? fmt::format("{:.6g}", value) : "null");
  }
  Finding& with(std::string_view name, std::int64_t value) { return add(name, fmt::format("{}", value)); }
  Finding& with(std::string_view name, int value) { return with(name, std::int64_t{value}); }
  Finding& with(std::string_view name, bool value) { return add(name, value ? "true" : "false"); }
  Finding& with(std::string_view name, std::string_view value) { return add(name, quoted(value)); }
  Finding& with(std::string_view name, const char* value) { return with(name, std::string_view(value)); }

  void print() const {
    fmt::print("{{{}}}\n", text_);
    std::fflush(stdout);
  }

 private:
  static std::string quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char letter : text) {
      if (letter == '"' || letter == '\\') quoted += '\\';
      quoted += letter == '\n' ? ' ' : letter;
    }
    return quoted + '"';
  }

  Finding& add(std::string_view name, const std::string& value) {
    text_ += fmt::format("{}\"{}\": {}", text_.empty() ? "" : ", ", name, value);
    return *this;
  }

  std::string text_;
};

}  // namespace alphahill::probes
