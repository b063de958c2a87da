/// alpha-hill-gpu-probe: measures on a GPU what decisions in the GPU backend hang on; its findings are lines of JSON.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

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

const Probe& probe_of(const std::string& name) {
  for (const Probe& probe : known) {
    if (name == probe.name) return probe;
  }
  throw Error(Fault::usage, "command line", "there is no probe '" + name + "'; see --help");
}

std::int64_t parse_order(const std::string& text) {
  std::int64_t order = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), order);
  if (code == std::errc() && end == text.data() + text.size() && order > 0) return order;
  throw Error(Fault::usage, "--largest", "expected an order above 0, found '" + text + "'");
}

Request parse(const std::vector<std::string>& arguments) {
  Request request;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--largest") {
      request.largest = parse_order(++i < arguments.size() ? arguments[i] : "");
    } else {
      request.probes.push_back(&probe_of(arguments[i]));
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

int run_all(const Request& request) {
  cuda::device_count();
  Finding("device").with("name", std::string_view(cuda::use_device(0))).print();
  for (const Probe* probe : request.probes) run(*probe, request.largest);
  return 0;
}

}  // namespace

int probe_main(const std::vector<std::string>& arguments) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first == "--help" || first == "-h") {
    print_help();
  } else if (first == "--list") {
    for (const Probe& probe : known) fmt::print("{}\n", probe.name);
  } else {
    return run_all(parse(arguments));
  }
  return 0;
}

}  // namespace alphahill::probes

int main(int argc, char** argv) {
  try {
    return alphahill::probes::probe_main({argv + 1, argv + argc});
  } catch (const alphahill::Error& error) {
    fmt::print(stderr, "alpha-hill-gpu-probe: error: {}\n", error.what());
    return error.fault() == alphahill::Fault::usage ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "alpha-hill-gpu-probe: error: {}\n", error.what());
    return 1;
  }
}
