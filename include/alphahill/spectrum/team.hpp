/// Ranks that compute one layer together, as the arithmetic sees them: nothing of MPI.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace alphahill {

/// Every call but size() and rank() is collective: all members make the same calls in the same order, with
/// spans of the same length. Who must give up says so through `any` before the others wait for it.
class Team {
 public:
  virtual ~Team() = default;

  virtual int size() const = 0;
  /// Of this member, from 0: the leader, who keeps the figures.
  virtual int rank() const = 0;

  /// Gives every member the bytes of `root`.
  virtual void broadcast(std::span<std::byte> bytes, int root) = 0;
  /// Replaces the values of every member by their sum over the members, the same bits for all of them.
  virtual void sum(std::span<double> values) = 0;
  /// Does any member say so?
  virtual bool any(bool mine) = 0;
};

/// Runs a step of each member's own, without collective calls in it. Where it throws on one member, all
/// throw: that one its own exception, the others an Error of the same fault and text.
void do_together(Team& team, const std::function<void()>& step);

/// The team of one rank.
class Alone final : public Team {
 public:
  int size() const override { return 1; }
  int rank() const override { return 0; }
  void broadcast(std::span<std::byte>, int) override {}
  void sum(std::span<double>) override {}
  bool any(bool mine) override { return mine; }
};

}  // namespace alphahill
