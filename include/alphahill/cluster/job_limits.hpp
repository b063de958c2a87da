/// What the machine and the batch system leave to this job: memory and time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace alphahill {

/// Bytes that the processes of this job may use on this node: the least of what its cgroup, Slurm
/// (SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU) and the kernel (MemAvailable) say.
std::int64_t memory_of_node();

/// Bytes that this process may still map where its address space is limited (ulimit -v); else the largest
/// number.
std::int64_t address_space_left();

/// Bytes that a process needs besides its layer: MPI, BLAS and the program itself.
inline constexpr std::int64_t program_bytes = 128 << 20;

/// Seconds that Slurm leaves to this job, by squeue or, where that does not answer, as in a container, by
/// SLURM_JOB_END_TIME; nothing outside Slurm or without a limit.
std::optional<double> slurm_seconds_left();

/// Seconds of a Slurm time such as "1-02:03:04", "02:03:04" or "03:04"; nothing for "UNLIMITED" and the like.
std::optional<double> parse_slurm_time(std::string_view text);

}  // namespace alphahill
