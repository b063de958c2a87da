#include "alphahill/runtime/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace alphahill {

namespace {

volatile std::sig_atomic_t requested = 0;

extern "C" void note_signal(int) {
  requested = 1;
}

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  // Launchers repeat SIGUSR1 and SIGTERM; a second Ctrl-C is a user who means it.
  for (const int signal : {SIGTERM, SIGUSR1}) ::sigaction(signal, &action, nullptr);
  if (handler != SIG_IGN) action.sa_flags |= static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace

void note_stop_signals() {
  handle_with(note_signal);
}
void ignore_stop_signals() {
  handle_with(SIG_IGN);
}
bool stop_requested() {
  return requested != 0;
}

}  // namespace alphahill
