#include "alphahill/runtime/crash_note.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <system_error>

#include "alphahill/base/error.hpp"
#include "alphahill/base/text.hpp"

namespace alphahill {

namespace {

constexpr std::string_view prefix = "alpha_hill.crashed.";
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// What the handler needs lies ready: it may neither allocate nor lock.
std::array<char, 4096> note_path{};
std::size_t folder_length = 0;
constexpr std::size_t most_threads = 256;
std::array<std::atomic<const RunningLayers*>, most_threads> running{};
thread_local const RunningLayers* of_this_thread = nullptr;
thread_local bool computes_layers = true;
std::array<struct sigaction, fatal_signals.size()> previous_actions{};

void leave_note(std::int64_t layer) {
  std::array<char, note_path.size()> path = note_path;
  const auto [end, code] = std::to_chars(path.data() + folder_length, path.data() + path.size() - 1, layer);
  if (code != std::errc()) return;
  *end = '\0';
  ::close(::open(path.data(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
}

void leave_notes(const RunningLayers* computed) {
  if (computed == nullptr) return;
  for (const std::int64_t layer : computed->layers()) leave_note(layer);
}

extern "C" void on_fatal_signal(int signal, siginfo_t* info, void*) {
  const bool of_another_process = info->si_code == SI_USER;  // whichever thread has been given it
  if (of_this_thread != nullptr) {
    leave_notes(of_this_thread);
  } else if (computes_layers || of_another_process) {
    for (const auto& of_thread : running) leave_notes(of_thread.load());
  }
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    ::sigaction(fatal_signals[i], &previous_actions[i], nullptr);
  ::raise(signal);
}

}  // namespace

void leave_crash_notes_in(const std::filesystem::path& folder) {
  std::error_code error;
  const std::string start = (std::filesystem::absolute(folder, error) / prefix).string();
  if (error) throw Error(Fault::system, folder.string(), "no absolute path: " + error.message());
  constexpr std::size_t room_for_number = 24;
  if (start.size() + room_for_number > note_path.size()) {
    throw Error(Fault::system, folder.string(), "too long a path for crash notes");
  }
  start.copy(note_path.data(), start.size());
  folder_length = start.size();
  struct sigaction action {};
  action.sa_sigaction = on_fatal_signal;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    ::sigaction(fatal_signals[i], &action, &previous_actions[i]);
}

RunningLayers::RunningLayers(std::span<const std::int64_t> layers) : layers_(layers) {
  of_this_thread = this;
  for (auto& free : running) {
    const RunningLayers* none = nullptr;
    if (free.compare_exchange_strong(none, this)) return;
  }
}

RunningLayers::~RunningLayers() {
  for (auto& taken : running) {
    const RunningLayers* mine = this;
    if (taken.compare_exchange_strong(mine, nullptr)) break;
  }
  of_this_thread = nullptr;
}

void exclude_thread_from_crash_notes() {
  computes_layers = false;
}

namespace {

/// The layer that a file of this name is about; nothing where it is no note.
std::optional<std::int64_t> layer_of_note(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size());
  const char* last = digits.data() + digits.size();
  std::int64_t layer = 0;
  const auto [end, code] = std::from_chars(digits.data(), last, layer);
  return code == std::errc() && end == last ? std::optional(layer) : std::nullopt;
}

std::map<std::filesystem::path, std::int64_t> notes_in(const std::filesystem::path& folder) {
  std::map<std::filesystem::path, std::int64_t> notes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (const auto layer = layer_of_note(entry.path().filename().string())) notes[entry.path()] = *layer;
  }
  return notes;
}

}  // namespace

std::vector<std::int64_t> take_crash_notes(const std::filesystem::path& folder) {
  std::vector<std::int64_t> layers;
  std::string kept;
  for (const auto& [note, layer] : notes_in(folder)) {
    std::error_code error;
    std::filesystem::remove(note, error);
    if (error) {
      kept = fmt::format("{}: {}", printable(note.string()), error.message());
    } else {
      layers.push_back(layer);
    }
  }
  if (!kept.empty()) spdlog::warn("{}; crash notes that cannot be removed do not count", kept);
  return layers;
}

}  // namespace alphahill
