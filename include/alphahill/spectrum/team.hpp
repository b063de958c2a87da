/// Ranks that compute one layer together, as the arithmetic sees them: nothing of MPI.
#pragma once

#include <cstddef>
#include <span>

namespace alphahill {

/// Every call but size() and rank() is collective: all members make the same calls in the same order, with spans
/// of the same length. Who must give up says so through `any` before the others wait for it.
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

}  // namespace alphahill
