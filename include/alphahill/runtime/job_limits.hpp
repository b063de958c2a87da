/// What the machine and the batch system leave to this job: memory, cores and time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace alphahill {

struct NodeMemory {
  std::int64_t bytes;   ///< that the processes of this job may use; the largest number where nothing says
  std::string warning;  ///< which limits make no sense, and what is assumed; empty where all do
};

/// The least of what this node's cgroups, Slurm (SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU) and the kernel
/// (MemAvailable) say. What is not a number above zero counts as no limit.
NodeMemory memory_of_node();

/// One at least.
int cores_of_node();

/// Bytes that this process may still map where its address space is limited (ulimit -v); else the largest
/// number.
std::int64_t address_space_left();

/// Bytes that a process needs besides its layer: MPI, BLAS and the program itself.
inline constexpr std::int64_t program_bytes = 128 << 20;

/// Seconds that Slurm leaves to this job, above zero: by squeue or, where that does not answer within some
/// seconds, as in a container, by SLURM_JOB_END_TIME. Nothing outside Slurm or without a limit; nothing, with
/// a warning, where neither makes sense: an end in the past is that of another job, whose environment was
/// kept.
std::optional<double> slurm_seconds_left();

/// Seconds of a Slurm time such as "1-02:03:04", "02:03:04" or "03:04"; nothing for "UNLIMITED" and the like.
std::optional<double> parse_slurm_time(std::string_view text);

}  // namespace alphahill
