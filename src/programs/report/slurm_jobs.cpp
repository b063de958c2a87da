#include "programs/report/slurm_jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/split.hpp>
#include <utility>

#include "alphahill/base/error.hpp"

namespace alphahill {

namespace {

constexpr std::array<std::pair<const char*, SlurmJob::State>, 5> states{
    {{"unknown", SlurmJob::State::unknown},
     {"gone", SlurmJob::State::gone},
     {"pending", SlurmJob::State::pending},
     {"suspended", SlurmJob::State::suspended},
     {"running", SlurmJob::State::running}}};

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  boost::split(parts, text, [separator](char c) { return c == separator; });
  return parts;
}

SlurmJob parse_job(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string id = text.substr(std::min(colon + 1, text.size()));
  const auto found = std::ranges::find(states, text.substr(0, colon),
                                       [](const auto& entry) { return std::string(entry.first); });
  if (found == states.end() || is_in_queue(found->second) == id.empty()) {
    throw Error(
        Fault::usage, "--slurm-jobs",
        fmt::format("expected unknown, gone, running:JOB, suspended:JOB or pending:JOB, found '{}'", text));
  }
  return {found->second, id};
}

SlurmJobs parse_jobs(const std::string& text) {
  SlurmJobs jobs;
  for (const std::string& part : parts_of(text, '+')) jobs.others.push_back(parse_job(part));
  jobs.own = jobs.others.front();
  jobs.others.erase(jobs.others.begin());
  return jobs;
}

}  // namespace

bool is_in_queue(SlurmJob::State state) {
  return state != SlurmJob::State::unknown && state != SlurmJob::State::gone;
}

const char* name_of(SlurmJob::State state) {
  return std::ranges::find(states, state, [](const auto& entry) { return entry.second; })->first;
}

std::vector<SlurmJobs> parse_slurm_jobs(const std::string& list, std::size_t runs) {
  const std::vector<std::string> words = parts_of(list, ',');
  if (words.size() != runs) {
    throw Error(Fault::usage, "--slurm-jobs",
                fmt::format("expected one of each of {} runs, found {}", runs, words.size()));
  }
  std::vector<SlurmJobs> jobs(runs);
  std::ranges::transform(words, jobs.begin(), parse_jobs);
  return jobs;
}

}  // namespace alphahill
