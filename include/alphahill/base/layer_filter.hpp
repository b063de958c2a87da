/// Which layers --filter-layers keeps.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace alphahill {

/// @param expression  Perl syntax but for comments, (?#...); searched for anywhere in a name
/// @return for each name of a layer whether it is kept; at least one is
/// @throws Error(usage) when the expression is broken, is not UTF-8, takes too long to match or is in none of the
/// names
std::vector<bool> layers_kept(std::span<const std::string> names, const std::string& expression);

}  // namespace alphahill
