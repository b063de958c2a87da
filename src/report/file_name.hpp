/// File and folder names made from names that may hold anything.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace alphahill {

/// Gives out names that are safe on any file system: ASCII letters, digits, '_' and '-', at most 250 bytes,
/// and different from all given out before even where case does not count.
class FileNames {
 public:
  /// "category_" and "attn_q" make "category_attn_q"; where that was given out before, "category_attn_q_2".
  std::string make(std::string_view prefix, std::string_view name);

 private:
  std::set<std::string> lower_case_;
};

}  // namespace alphahill
