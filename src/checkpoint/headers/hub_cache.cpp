#include "alphahill/checkpoint/hub_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string.hpp>
#include <boost/regex.hpp>
#include <vector>

#include "alphahill/base/environment.hpp"
#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"
#include "alphahill/base/text.hpp"
#include "checkpoint/headers/weight_files.hpp"

namespace alphahill {

namespace {

/// The path with a leading ~ and every $NAME and ${NAME} replaced, as Python does; unset names stay as they
/// are.
std::string expanded(const std::string& path) {
  static const boost::regex variable(R"(\$(?:(\w+)|\{([^}]*)\}))");
  return boost::regex_replace(with_home_folder(path), variable, [](const boost::smatch& match) {
    const std::string name = match[1].matched ? match[1] : match[2];
    return environment(name.c_str(), match.str());
  });
}

std::filesystem::path cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string folder = environment(name); !folder.empty()) return expanded(folder);
  }
  if (const std::string home = environment("HF_HOME"); !home.empty()) {
    return std::filesystem::path(expanded(home)) / "hub";
  }
  return std::filesystem::path(expanded(environment("XDG_CACHE_HOME", "~/.cache"))) / "huggingface" / "hub";
}

struct HubId {
  std::string repository;      ///< ORG/NAME or NAME
  std::filesystem::path part;  ///< a sub-folder or a file of it; empty: all
};

/// As the hub allows it: no "--" and no "..", which would be ambiguous in the cache.
HubId parse_id(const std::string& model) {
  static const boost::regex id(R"((\w[\w.-]*(?:/\w[\w.-]*)?)(?:/(\w[\w.-]*(?:/\w[\w.-]*)*))?)");
  boost::smatch match;
  if (boost::regex_match(model, match, id) && model.find("--") == std::string::npos &&
      model.find("..") == std::string::npos) {
    return {match.str(1), match.str(2)};
  }
  throw Error(Fault::usage, "--model",
              fmt::format("expected a checkpoint folder, a safetensors file or a hub id such as ORG/NAME, "
                          "found '{}', which is not there",
                          model));
}

/// A branch, tag or sha: it must not lead out of the folders refs and snapshots.
void check_revision(const std::string& revision) {
  static const boost::regex name(R"(\w[\w.+/-]*)");
  if (boost::regex_match(revision, name) && revision.find("..") == std::string::npos) return;
  throw Error(Fault::usage, "--revision",
              fmt::format("expected a branch, a tag or a commit's sha, found '{}'", revision));
}

/// The commit that the cache knows the revision as, else the revision itself.
std::string commit_of(const std::filesystem::path& repository, const std::string& revision) {
  constexpr std::int64_t most_bytes = 1024;
  const std::filesystem::path reference = repository / "refs" / revision;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(reference, ignored)) return revision;
  std::string commit = boost::trim_copy(read_text(reference, most_bytes));
  if (boost::regex_match(commit, boost::regex("[0-9A-Za-z]+"))) return commit;
  throw Error(Fault::input, reference.string(),
              fmt::format("expected the sha of a commit, found '{}'", commit));
}

/// The commits of which the cache has a snapshot and whose ids begin so, in ascending order.
std::vector<std::string> snapshots_in(const std::filesystem::path& repository, std::string_view begin = "") {
  std::vector<std::string> commits;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(repository / "snapshots", ignored)) {
    std::string commit = entry.path().filename().string();
    if (commit.starts_with(begin)) commits.push_back(std::move(commit));
  }
  std::ranges::sort(commits);
  return commits;
}

bool is_short_commit(const std::string& revision) {
  return boost::regex_match(revision, boost::regex("[0-9a-f]{4,39}"));
}

/// The commit of which the revision is the beginning of the id, else the revision itself.
/// @throws Error(usage) where several begin so
std::string whole_commit(const std::filesystem::path& repository, const std::string& revision) {
  if (!is_short_commit(revision)) return revision;
  const std::vector<std::string> commits = snapshots_in(repository, revision);
  if (commits.size() <= 1) return commits.empty() ? revision : commits.front();
  throw Error(Fault::usage, "--revision",
              fmt::format("{} is the beginning of several commits: {}", revision, joined(commits)));
}

/// A remark where the cache has other commits of the model.
std::string other_snapshots(const std::filesystem::path& repository) {
  const std::vector<std::string> commits = snapshots_in(repository);
  if (commits.empty()) return "";
  return fmt::format(", which has {} of it (--revision)", joined(commits));
}

std::string download_command(const std::string& model, const std::string& revision) {
  return fmt::format("hf download {} --include \"*.safetensors\" \"*.json\"{}", model,
                     revision == "main" ? "" : " --revision " + revision);
}

bool is_folder_or_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) || std::filesystem::is_regular_file(path, ignored);
}

/// @param model  as it was asked for
/// @throws Error(input) where it is not in the cache
std::filesystem::path find_snapshot(const HubId& id, const std::string& revision, const std::string& model) {
  std::error_code ignored;
  const std::filesystem::path cache = cache_folder();
  const auto repository = cache / ("models--" + boost::replace_all_copy(id.repository, "/", "--"));
  auto snapshot = repository / "snapshots" / commit_of(repository, revision);
  if (std::filesystem::is_directory(snapshot, ignored)) return snapshot;
  snapshot.replace_filename(whole_commit(repository, revision));
  if (std::filesystem::is_directory(snapshot, ignored)) return snapshot;
  throw Error(Fault::input, model,
              fmt::format("neither a folder nor, at revision {}, in the hub's cache {}{}; to download it: {}",
                          revision, cache.string(), other_snapshots(repository),
                          download_command(id.repository, revision)));
}

}  // namespace

std::string how_to_complete(const std::filesystem::path& folder) {
  const std::string prefix = "models--";
  for (std::filesystem::path snapshot = folder; snapshot.has_relative_path();
       snapshot = snapshot.parent_path()) {
    const std::filesystem::path snapshots = snapshot.parent_path();
    const std::string repository = snapshots.parent_path().filename().string();
    if (snapshots.filename() != "snapshots" || !repository.starts_with(prefix)) continue;
    const std::string model = boost::replace_all_copy(repository.substr(prefix.size()), "--", "/");
    return "; to complete the download: " + download_command(model, snapshot.filename().string());
  }
  return "";
}

std::filesystem::path find_model(const std::string& model, const std::string& revision) {
  if (is_folder_or_file(model)) return model;
  const HubId id = parse_id(model);
  check_revision(revision);
  std::filesystem::path snapshot = find_snapshot(id, revision, model);
  if (id.part.empty()) return snapshot;
  if (is_folder_or_file(snapshot / id.part)) return snapshot / id.part;
  throw Error(Fault::input, model,
              fmt::format("there is no {} in {}{}{}", id.part.string(), snapshot.string(),
                          models_below_text(snapshot, id.repository), how_to_complete(snapshot)));
}

}  // namespace alphahill
