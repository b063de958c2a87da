#include "checkpoint/headers/lfs_pointer.hpp"

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"

namespace alphahill {

bool is_lfs_pointer(std::string_view text) {
  return text.starts_with("version https://git-lfs.github.com/spec/");
}

std::string read_no_pointer(const std::filesystem::path& path, std::int64_t limit) {
  std::string text = read_text(path, limit);
  if (is_lfs_pointer(text)) throw Error(Fault::input, path.string(), std::string(lfs_pointer_reason));
  return text;
}

}  // namespace alphahill
