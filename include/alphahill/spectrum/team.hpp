/// Ranks that compute one layer together, as the arithmetic sees them: nothing of MPI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>

#include "alphahill/spectrum/team_matrix.hpp"

namespace alphahill {

/// Every call but size() and rank() is collective: all members make the same calls in the same order, with
/// spans of the same length. A member that must stop says so through `any` before the others wait for it.
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
  /// Replaces the values of every member by the largest over the members.
  virtual void maximum(std::span<double> values) = 0;
  /// Does any member say so?
  virtual bool any(bool mine) = 0;

  /// A matrix that all members hold together; it must not outlive the team. Its destructor is collective too.
  /// Where one member lacks the memory, all throw. @pre rows >= cols >= 1, and more than one member
  virtual std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) = 0;
};

/// Where there is an exception on one member, all throw: that one its own, the others an Error of the same
/// fault and text. Allocates nothing before all members know. Collective.
void throw_together(Team& team, const std::exception_ptr& exception);

/// Runs a step of each member's own, without collective calls in it. Where it throws on one member, all
/// throw, as above.
/// @return does any member's say so?
template <class Step>
bool any_together(Team& team, Step step) {
  std::exception_ptr exception;
  bool mine = false;
  try {
    mine = step();
  } catch (const std::exception&) {
    exception = std::current_exception();
  }
  if (!team.any(mine || exception)) return false;
  throw_together(team, exception);
  return true;
}

/// The same for a step that says nothing.
template <class Step>
void do_together(Team& team, Step step) {
  any_together(team, [&] {
    step();
    return false;
  });
}

/// The team of one rank.
class SingleRank final : public Team {
 public:
  int size() const override { return 1; }
  int rank() const override { return 0; }
  void broadcast(std::span<std::byte>, int) override {}
  void sum(std::span<double>) override {}
  void maximum(std::span<double>) override {}
  bool any(bool mine) override { return mine; }
  /// @throws Error(internal): it shares nothing
  std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) override;
};

}  // namespace alphahill
