#include "alphahill/runtime/job_limits.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
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
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/base/environment.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t mebibyte = 1 << 20;
constexpr int squeue_timeout_seconds = 5;

/// Nothing for a text that is not a whole number above zero.
std::optional<std::int64_t> positive_number(std::string_view text) {
  std::int64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, number);
  return code == std::errc() && end == last && number > 0 ? std::optional(number) : std::nullopt;
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  return checked_multiply(a, b).value_or(unlimited);
}

/// The least of several limits, and those that make no sense.
class MemoryLimits {
 public:
  /// @param text  a number of units; empty where there is no such limit
  void add(const std::string& source, const std::string& text, std::int64_t unit) {
    if (text.empty()) return;
    if (const auto count = positive_number(text)) {
      least_ = std::min(least_, product(*count, unit));
    } else {
      refuse(source, text);
    }
  }
  void refuse(const std::string& source, const std::string& text) {
    refused_.push_back(fmt::format("{} is '{}'", source, printable(text)));
  }

  NodeMemory memory() const { return {least_, warning()}; }

 private:
  std::string warning() const {
    if (!refused_.empty()) {
      return joined(refused_) + ": expected a number above zero; no limit of the memory is taken from that";
    }
    return least_ == unlimited ? "nothing says how much memory this node has: no limit is assumed" : "";
  }

  std::int64_t least_ = unlimited;
  std::vector<std::string> refused_;
};

/// The limit in a cgroup's file; empty where the file is missing or says "max".
std::string limit_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string text;
  return stream >> text && text != "max" ? text : "";
}

/// Of this process's cgroup and those around it, versions 1 and 2.
void add_cgroup_limits(MemoryLimits& limits) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const bool memory = line.find(":memory:") != std::string::npos;
    if (!memory && !line.starts_with("0::")) continue;
    const std::filesystem::path root = memory ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    const char* file = memory ? "memory.limit_in_bytes" : "memory.max";
    auto group = std::filesystem::path(line.substr(line.rfind(':') + 1)).relative_path();
    for (;; group = group.parent_path()) {
      limits.add((root / group / file).string(), limit_in(root / group / file), 1);
      if (group.empty()) break;
    }
  }
}

/// In MiB; 0 stands for all of the node's memory.
std::string slurm_memory(const char* variable) {
  const std::string text = environment(variable);
  return text == "0" ? "" : text;
}

void add_slurm_limits(MemoryLimits& limits) {
  if (!environment("SLURM_MEM_PER_NODE").empty()) {
    return limits.add("SLURM_MEM_PER_NODE", slurm_memory("SLURM_MEM_PER_NODE"), mebibyte);
  }
  const std::string cpus = environment("SLURM_CPUS_ON_NODE");
  const std::string per_cpu = slurm_memory("SLURM_MEM_PER_CPU");
  if (cpus.empty() || per_cpu.empty()) return;
  if (const auto count = positive_number(cpus)) {
    limits.add("SLURM_MEM_PER_CPU", per_cpu, product(mebibyte, *count));
  } else {
    limits.refuse("SLURM_CPUS_ON_NODE", cpus);
  }
}

/// What the kernel has free, or can free.
void add_available_memory(MemoryLimits& limits) {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    std::istringstream words(line);
    std::string title;
    std::string kibibytes;
    words >> title >> kibibytes;
    if (title == "MemAvailable:") limits.add("MemAvailable in /proc/meminfo", kibibytes, 1024);
  }
}

/// The first line that the command prints, without its end; empty where it prints none.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  const std::string_view text = line.data();
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

NodeMemory memory_of_node() {
  MemoryLimits limits;
  add_cgroup_limits(limits);
  add_slurm_limits(limits);
  add_available_memory(limits);
  return limits.memory();
}

int cores_of_node() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::int64_t address_space_left() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur > unlimited) return unlimited;
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
  const auto job = positive_number(environment("SLURM_JOB_ID"));
  if (!job) return std::nullopt;
  const std::string answer =
      output_of(fmt::format("timeout {} squeue -h -j {} -o %L 2>/dev/null", squeue_timeout_seconds, *job));
  if (const auto left = parse_slurm_time(answer); left > 0) return left;
  const std::string end = environment("SLURM_JOB_END_TIME");
  const std::int64_t left = positive_number(end).value_or(0) - std::time(nullptr);
  if (left > 0) return static_cast<double>(left);
  if (!answer.starts_with("UNLIMITED")) {
    spdlog::warn(
        "job {}: squeue says '{}' of the time that is left, and SLURM_JOB_END_TIME is '{}': no limit "
        "is assumed",
        *job, printable(answer), printable(end));
  }
  return std::nullopt;
}

}  // namespace alphahill
