/// MPI for this process, as a RAII type: every call is checked, every wait leaves the core to others.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alphahill/runtime/core_binding.hpp"

namespace alphahill {

/// A wait that is short while messages are frequent and takes next to no processor time while they are not:
/// each pause is a hundredth of the silence so far, between 20 us and 2 ms.
class BackoffWait {
 public:
  void pause();

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What a message is about.
enum class Tag : int { assignment = 1, report = 2 };

struct Message {
  int from;
  Tag tag;
  std::vector<std::byte> bytes;
};

/// The ranks of one node.
struct NodeShare {
  int ranks;  ///< this one included
  int cores;  ///< that any of them is bound to; 0 where the system does not say
};

/// MPI from construction to destruction. Only the thread that made it may call it, besides the teams' own
/// calls. A failing call throws Error(system) with its name.
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// May several threads call MPI at a time?
  bool thread_multiple() const { return thread_multiple_; }

  /// Gives every rank the bytes of rank 0. Collective.
  void broadcast(std::vector<std::byte>& bytes);
  /// Collective.
  NodeShare share_of_node();
  /// Every rank's value, by rank; on other ranks than 0 nothing. Collective.
  std::vector<double> gather(double value);
  /// What the system binds each rank to, by rank; on other ranks than 0 nothing. Collective.
  std::vector<RankBinding> bindings();
  /// Which of the ranks on this node that give the same key this one is, from 0, and how many they are.
  struct Place {
    int number;
    int of;
  };
  /// Collective. @param key  0 or more
  Place place_on_node(int key = 0);
  /// The least of what the ranks give. Collective.
  std::int64_t least(std::int64_t value);
  /// Logs the warning of the lowest rank that has one. Collective.
  /// @param warning  empty: this rank has none
  void warn_once(const std::string& warning);
  /// Returns when `bytes` may be reused.
  void send(int to, Tag tag, std::span<const std::byte> bytes);
  /// A message that has arrived, from any rank; nothing when there is none.
  std::optional<Message> receive_now();
  /// Waits for a message.
  Message receive();
  /// Ends all ranks at once.
  [[noreturn]] void abort(int exit_code);

 private:
  int rank_ = 0;
  int size_ = 1;
  bool thread_multiple_ = false;
};

}  // namespace alphahill
