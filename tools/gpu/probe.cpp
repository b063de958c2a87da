/// alpha-hill-gpu-probe: measures on a GPU what decisions in the GPU backend hang on; its findings are lines of JSON.
#include <fmt/format.h>

#include <vector>

#include "gpu/command_line.hpp"
#include "gpu/probes/finding.hpp"
#include "gpu/probes/probes.hpp"
#include "spectrum/backends/device/cuda_edge.hpp"
#include "spectrum/backends/device/device_queue.hpp"

namespace alphahill::probes {

namespace {

constexpr Probe known[] = {
    {"symmetric_product", "Dsymm or Dgemm on full storage for the products of the band reduction",
     probe_symmetric_product},
    {"rank_2k", "Dsyr2k or two Dgemms for its updates", probe_rank_2k},
    {"gram", "Dsyrk or Dgemm for Gram matrices, by panels of 512", probe_gram},
    {"solver_workspace", "how many layers fit beside each other", probe_solver_workspace},
    {"solver_rate", "from which order the band is faster than Xsyevd, and how many lanes are worth it",
     probe_solver_rate},
    {"batched_solver", "up to which order layers go together, and whether they may", probe_batched_solver},
    {"pinned_memory", "whether page-locked buffers must be kept", probe_pinned_memory},
    {"matrix_copy", "whether panels are copied by a kernel of our own", probe_matrix_copy},
    {"pool_reuse", "whether lanes wait for each other's memory", probe_pool_reuse},
};

struct Request {
  std::vector<const Probe*> probes;
  std::int64_t largest = 16384;
};

void print_help() {
  fmt::print(
      "alpha-hill-gpu-probe [--largest ORDER] [PROBE...]\n\n"
      "Measures what decisions in the GPU backend hang on; prints a line of JSON for each finding. The "
      "device is the\n"
      "first that CUDA_VISIBLE_DEVICES names.\n\n"
      "  --largest ORDER   of matrices (16384)\n"
      "  --list            the names of the probes, one a line\n\n"
      "Probes (default: all) and what they decide:\n");
  for (const Probe& probe : known) fmt::print("  {:<18}  {}\n", probe.name, probe.decides);
}

Request parse(const Words& words) {
  Request request;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--largest") {
      request.largest = numbers_of_option(words, i).front();
    } else {
      request.probes.push_back(&entry_of(known, words[i]));
    }
  }
  if (request.probes.empty()) {
    for (const Probe& probe : known) request.probes.push_back(&probe);
  }
  return request;
}

/// Too little memory is a finding; a device that is lost ends the program.
void run(const Probe& probe, std::int64_t largest) {
  try {
    probe.run(largest);
  } catch (const DeviceError& error) {
    if (error.extent() == DeviceError::Extent::device_lost) throw;
    Finding(probe.name).with("skipped", std::string_view(error.what())).print();
  }
}

void run_all(const Words& words) {
  if (asks_for_help(words)) return print_help();
  if (words == Words{"--list"}) {
    for (const Probe& probe : known) fmt::print("{}\n", probe.name);
    return;
  }
  const Request request = parse(words);
  cuda::device_count();
  Finding("device").with("name", std::string_view(cuda::use_device(0))).print();
  for (const Probe* probe : request.probes) run(*probe, request.largest);
}

}  // namespace

}  // namespace alphahill::probes

int main(int argc, char** argv) {
  return alphahill::run_program("alpha-hill-gpu-probe", argc, argv, alphahill::probes::run_all);
}
