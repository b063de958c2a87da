#include "alphahill/runtime/mpi_session.hpp"

#include <mpi.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

#include "alphahill/base/checked.hpp"
#include "runtime/mpi_calls.hpp"

namespace alphahill {

namespace {

using namespace std::chrono_literals;

void broadcast_from_rank_0(void* buffer, int count, MPI_Datatype type) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi("MPI_Ibcast", MPI_Ibcast(buffer, count, type, 0, MPI_COMM_WORLD, &request));
  wait_with_backoff(request);
}

cpu_set_t own_cores() {
  cpu_set_t bound;
  CPU_ZERO(&bound);
  sched_getaffinity(0, sizeof bound, &bound);
  return bound;
}

Cores numbered(const cpu_set_t& bound) {
  Cores cores;
  for (std::size_t core = 0; core < cores.size(); ++core) cores[core] = CPU_ISSET(core, &bound);
  return cores;
}

MPI_Comm ranks_of_node(int rank) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi("MPI_Comm_split_type",
            MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node));
  return node;
}

/// Every rank's value, on rank 0.
template <class Value>
std::vector<Value> gathered(const Value& own, int rank, int ranks) {
  std::vector<Value> all(rank == 0 ? static_cast<std::size_t>(ranks) : 0);
  check_mpi("MPI_Gather",
            MPI_Gather(&own, sizeof own, MPI_BYTE, all.data(), sizeof own, MPI_BYTE, 0, MPI_COMM_WORLD));
  return all;
}

}  // namespace

void check_mpi(const char* call, int code) {
  if (code == MPI_SUCCESS) return;
  std::string text(MPI_MAX_ERROR_STRING, '\0');
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(Fault::system, call, text.substr(0, static_cast<std::size_t>(length)));
}

void wait_with_backoff(MPI_Request request) {
  BackoffWait wait;
  for (int done = 0;;) {
    check_mpi("MPI_Test", MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done != 0) return;
    wait.pause();
  }
}

void BackoffWait::pause() {
  const auto silence = std::chrono::steady_clock::now() - start_;
  std::this_thread::sleep_for(std::clamp<std::chrono::steady_clock::duration>(silence / 100, 20us, 2ms));
}

MpiSession::MpiSession(int& argc, char**& argv) {
  int provided = 0;
  check_mpi("MPI_Init_thread", MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
  thread_multiple_ = provided == MPI_THREAD_MULTIPLE;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  check_mpi("MPI_Comm_rank", MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
  check_mpi("MPI_Comm_size", MPI_Comm_size(MPI_COMM_WORLD, &size_));
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

void MpiSession::broadcast(std::vector<std::byte>& bytes) {
  std::uint64_t count = bytes.size();
  broadcast_from_rank_0(&count, 1, MPI_UINT64_T);
  bytes.resize(count);
  broadcast_from_rank_0(bytes.data(), narrow<int>(count, "bytes to broadcast"), MPI_BYTE);
}

NodeShare MpiSession::share_of_node() {
  MPI_Comm node = ranks_of_node(rank_);
  int ranks = 0;
  cpu_set_t bound = own_cores();
  check_mpi("MPI_Comm_size", MPI_Comm_size(node, &ranks));
  check_mpi("MPI_Allreduce", MPI_Allreduce(MPI_IN_PLACE, &bound, sizeof bound, MPI_BYTE, MPI_BOR, node));
  check_mpi("MPI_Comm_free", MPI_Comm_free(&node));
  return {ranks, CPU_COUNT(&bound)};
}

std::vector<RankBinding> MpiSession::bindings() {
  RankBinding own{rank_, numbered(own_cores())};
  MPI_Comm node = ranks_of_node(rank_);
  check_mpi("MPI_Bcast", MPI_Bcast(&own.node, 1, MPI_INT, 0, node));
  check_mpi("MPI_Comm_free", MPI_Comm_free(&node));
  return gathered(own, rank_, size_);
}

std::vector<double> MpiSession::gather(double value) {
  return gathered(value, rank_, size_);
}

MpiSession::Place MpiSession::place_on_node(int key) {
  MPI_Comm node = ranks_of_node(rank_);
  MPI_Comm alike = MPI_COMM_NULL;
  Place place{};
  check_mpi("MPI_Comm_split", MPI_Comm_split(node, key, rank_, &alike));
  check_mpi("MPI_Comm_rank", MPI_Comm_rank(alike, &place.number));
  check_mpi("MPI_Comm_size", MPI_Comm_size(alike, &place.of));
  check_mpi("MPI_Comm_free", MPI_Comm_free(&alike));
  check_mpi("MPI_Comm_free", MPI_Comm_free(&node));
  return place;
}

std::int64_t MpiSession::least(std::int64_t value) {
  std::int64_t result = 0;
  check_mpi("MPI_Allreduce", MPI_Allreduce(&value, &result, 1, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD));
  return result;
}

void MpiSession::warn_once(const std::string& warning) {
  if (least(warning.empty() ? size_ : rank_) == rank_) spdlog::warn("{}", warning);
}

void MpiSession::send(int to, Tag tag, std::span<const std::byte> bytes) {
  const int count = narrow<int>(bytes.size(), "bytes to send");
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi("MPI_Isend",
            MPI_Isend(bytes.data(), count, MPI_BYTE, to, static_cast<int>(tag), MPI_COMM_WORLD, &request));
  wait_with_backoff(request);
}

std::optional<Message> MpiSession::receive_now() {
  int arrived = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_mpi("MPI_Improbe",
            MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &arrived, &handle, &status));
  if (arrived == 0) return std::nullopt;
  int count = 0;
  check_mpi("MPI_Get_count", MPI_Get_count(&status, MPI_BYTE, &count));
  Message message{status.MPI_SOURCE, Tag{status.MPI_TAG},
                  std::vector<std::byte>(static_cast<std::size_t>(count))};
  check_mpi("MPI_Mrecv", MPI_Mrecv(message.bytes.data(), count, MPI_BYTE, &handle, &status));
  return message;
}

Message MpiSession::receive() {
  BackoffWait wait;
  for (;;) {
    if (auto message = receive_now()) return std::move(*message);
    wait.pause();
  }
}

void MpiSession::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();
}

}  // namespace alphahill
