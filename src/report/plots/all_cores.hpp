/// The cores that this process may use.
#pragma once

#include <sched.h>

namespace alphahill {

/// Lets the calling thread, and the threads that it starts, use every core that the system or the batch job
/// grants, until destruction: MPI launchers bind a rank to one core.
class AllCores {
 public:
  AllCores();
  ~AllCores();
  AllCores(const AllCores&) = delete;
  AllCores& operator=(const AllCores&) = delete;

  int count() const { return count_; }

 private:
  cpu_set_t before_;
  int count_;
};

}  // namespace alphahill
