/// Values of options, checked: each function throws Error(usage) that names the option, what is allowed and
/// what was found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

/// One of `allowed`.
std::string choice(std::string_view option, const std::string& value,
                   const std::vector<std::string>& allowed);

/// A path, not empty, with the home folder for a leading ~.
std::string file_path(std::string_view option, const std::string& value);

/// A number in (0, 1].
double fraction(std::string_view option, const std::string& value);

/// A number in [0, 1).
double tolerance(std::string_view option, const std::string& value);

/// A whole number, 0 or more.
int whole_number(std::string_view option, const std::string& value);

/// A whole number, 1 or more.
int positive_number(std::string_view option, const std::string& value);

/// A number of bytes, with K, M, G or T for powers of 1024.
std::int64_t memory_size(std::string_view option, const std::string& value);

/// Of a precision of a stored run, as the run calls it; a name that is none of ours as it is.
std::string precision_name(const std::string& value);

/// "a,b,c" or "a, b, c" as its parts, none empty and none twice.
std::vector<std::string> list_of(std::string_view option, const std::string& value);

}  // namespace alphahill
