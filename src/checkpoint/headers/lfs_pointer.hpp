/// The small text that a clone without git-lfs holds in the place of each large file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace alphahill {

/// @param text  of the file, or its beginning
bool is_lfs_pointer(std::string_view text);

inline constexpr std::string_view lfs_pointer_reason =
    "a git-lfs pointer in the place of the file: 'git lfs pull' in the repository fetches it";

/// The text of a file, of at most `limit` bytes. @throws Error(input) for a pointer in its place
std::string read_no_pointer(const std::filesystem::path& path, std::int64_t limit);

}  // namespace alphahill
