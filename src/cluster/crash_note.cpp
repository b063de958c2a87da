#include "alphahill/cluster/crash_note.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <string>

namespace alphahill {

namespace {

constexpr std::string_view prefix = "alpha_hill.crashed.";
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// What the handler needs lies ready: it may neither allocate nor lock.
std::array<char, 4096> note_path{};
std::size_t folder_length = 0;
thread_local std::int64_t layer_of_thread = 0;
std::atomic<std::int64_t> last_layer = 0;  ///< for threads of libraries
std::array<struct sigaction, fatal_signals.size()> previous_actions{};

extern "C" void leave_note(int signal) {
  const std::int64_t layer = layer_of_thread != 0 ? layer_of_thread : last_layer.load();
  char* number = note_path.data() + folder_length;
  const auto [end, code] = std::to_chars(number, note_path.data() + note_path.size() - 1, layer);
  if (layer != 0 && code == std::errc()) {
    *end = '\0';
    ::close(::open(note_path.data(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
  }
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    ::sigaction(fatal_signals[i], &previous_actions[i], nullptr);
  ::raise(signal);
}

}  // namespace

void leave_crash_notes_in(const std::filesystem::path& folder) {
  const std::string start = (std::filesystem::absolute(folder) / prefix).string();
  constexpr std::size_t room_for_number = 24;
  if (start.size() + room_for_number > note_path.size()) return;
  start.copy(note_path.data(), start.size());
  folder_length = start.size();
  struct sigaction action {};
  action.sa_handler = leave_note;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    ::sigaction(fatal_signals[i], &action, &previous_actions[i]);
}

void computing_layer(std::int64_t layer) {
  layer_of_thread = layer;
  last_layer = layer;
}

std::vector<std::int64_t> take_crash_notes(const std::filesystem::path& folder) {
  std::vector<std::int64_t> layers;
  std::vector<std::filesystem::path> notes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    std::int64_t layer = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), layer);
    layers.push_back(layer);
    notes.push_back(entry.path());
  }
  for (const auto& note : notes) std::filesystem::remove(note);
  return layers;
}

}  // namespace alphahill
