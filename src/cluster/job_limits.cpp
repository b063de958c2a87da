#include "alphahill/cluster/job_limits.hpp"

#include <fmt/format.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/regex.hpp>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <string>

#include "alphahill/base/surroundings.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t mebibyte = 1 << 20;

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() ? number : unlimited;
}

/// The limit in a cgroup's file; none where the file is missing or says "max".
std::int64_t limit_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string text;
  return stream >> text ? number_in(text) : unlimited;
}

/// The least limit of this process's cgroup and those around it, versions 1 and 2.
std::int64_t cgroup_limit() {
  std::int64_t least = unlimited;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const bool memory = line.find(":memory:") != std::string::npos;
    if (!memory && !line.starts_with("0::")) continue;
    const std::filesystem::path root = memory ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    const char* file = memory ? "memory.limit_in_bytes" : "memory.max";
    auto group = std::filesystem::path(line.substr(line.rfind(':') + 1)).relative_path();
    for (;; group = group.parent_path()) {
      least = std::min(least, limit_in(root / group / file));
      if (group.empty()) break;
    }
  }
  return least;
}

std::int64_t slurm_limit() {
  const auto megabytes = [](std::int64_t count) {
    return count > unlimited / mebibyte ? unlimited : count * mebibyte;
  };
  if (const std::string node = environment("SLURM_MEM_PER_NODE"); !node.empty()) {
    // 0 stands for all of the node's memory.
    return node == "0" ? unlimited : megabytes(number_in(node));
  }
  const std::int64_t per_cpu = megabytes(number_in(environment("SLURM_MEM_PER_CPU")));
  const std::int64_t cpus = number_in(environment("SLURM_CPUS_ON_NODE"));
  return per_cpu == unlimited || cpus == unlimited ? unlimited : per_cpu * cpus;
}

std::int64_t available_by_kernel() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    constexpr std::string_view title = "MemAvailable:";
    if (!line.starts_with(title)) continue;
    const std::size_t digits = line.find_first_of("0123456789");
    return number_in(std::string_view(line).substr(std::min(digits, line.size()))) * 1024;
  }
  return unlimited;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  return line.data();
}

}  // namespace

std::int64_t memory_of_node() {
  return std::min({cgroup_limit(), slurm_limit(), available_by_kernel()});
}

std::int64_t address_space_left() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return static_cast<std::int64_t>(limit.rlim_cur) - pages * ::sysconf(_SC_PAGESIZE);
}

std::optional<double> parse_slurm_time(std::string_view text) {
  static const boost::regex form(R"((?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6})\s*)");
  boost::cmatch parts;
  if (!boost::regex_match(text.data(), text.data() + text.size(), parts, form)) return std::nullopt;
  const auto part = [&](int i) { return parts[i].matched ? std::stod(parts[i].str()) : 0.0; };
  return ((part(1) * 24 + part(2)) * 60 + part(3)) * 60 + part(4);
}

std::optional<double> slurm_seconds_left() {
  const std::string job = environment("SLURM_JOB_ID");
  if (number_in(job) == unlimited) return std::nullopt;
  const auto left =
      parse_slurm_time(output_of(fmt::format("squeue -h -j {} -o %L 2>/dev/null", number_in(job))));
  if (left) return left;
  const std::int64_t end = number_in(environment("SLURM_JOB_END_TIME"));
  if (end == unlimited) return std::nullopt;
  return std::max(0.0, static_cast<double>(end - std::time(nullptr)));
}

}  // namespace alphahill
