#include "runtime/mpi_team.hpp"

#include <algorithm>

#include "alphahill/base/checked.hpp"
#include "runtime/mpi_calls.hpp"
#include "runtime/scalapack_matrix.hpp"

namespace alphahill {

namespace {

/// A team over a communicator. Values go by blocking calls, for they advance only while someone looks; where
/// members may wait for the leader's own part, at `any`, they leave their cores to others. The communicator
/// is one that MPI_Finalize frees: freeing it is collective, and a rank that fails must not wait for the
/// others.
class MpiTeam final : public Team {
 public:
  explicit MpiTeam(MPI_Comm ranks) : ranks_(ranks) {
    check_mpi("MPI_Comm_size", MPI_Comm_size(ranks, &size_));
    check_mpi("MPI_Comm_rank", MPI_Comm_rank(ranks, &rank_));
  }

  int size() const override { return size_; }
  int rank() const override { return rank_; }

  void broadcast(std::span<std::byte> bytes, int root) override {
    in_pieces(bytes, [&](std::span<std::byte> piece) {
      broadcast_piece(piece.data(), piece.size(), MPI_BYTE, root);
    });
  }

  void sum(std::span<double> values) override {
    in_pieces(values, [&](std::span<double> piece) {
      // Summed in one place: an MPI_Allreduce may give its ranks different bits.
      const bool leads = rank_ == 0;
      check_mpi("MPI_Reduce", MPI_Reduce(leads ? MPI_IN_PLACE : piece.data(), leads ? piece.data() : nullptr,
                                         count_of(piece.size()), MPI_DOUBLE, MPI_SUM, 0, ranks_));
      broadcast_piece(piece.data(), piece.size(), MPI_DOUBLE, 0);
    });
  }

  void maximum(std::span<double> values) override {
    in_pieces(values, [&](std::span<double> piece) {
      MPI_Request request = MPI_REQUEST_NULL;
      check_mpi("MPI_Iallreduce", MPI_Iallreduce(MPI_IN_PLACE, piece.data(), count_of(piece.size()),
                                                 MPI_DOUBLE, MPI_MAX, ranks_, &request));
      wait_with_backoff(request);
    });
  }

  bool any(bool mine) override {
    int some = mine ? 1 : 0;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi("MPI_Iallreduce", MPI_Iallreduce(MPI_IN_PLACE, &some, 1, MPI_INT, MPI_LOR, ranks_, &request));
    wait_with_backoff(request);
    return some != 0;
  }

  std::unique_ptr<TeamMatrix> make_matrix(std::int64_t rows, std::int64_t cols) override {
    return make_scalapack_matrix(ranks_, *this, rows, cols);
  }

 private:
  static constexpr std::size_t largest_piece = std::size_t{1} << 27;

  static int count_of(std::size_t items) { return narrow<int>(items, "items of a team's message"); }

  template <class Item, class Use>
  static void in_pieces(std::span<Item> items, Use use) {
    for (std::size_t begin = 0; begin < items.size(); begin += largest_piece) {
      use(items.subspan(begin, std::min(largest_piece, items.size() - begin)));
    }
  }

  void broadcast_piece(void* first, std::size_t count, MPI_Datatype type, int root) {
    check_mpi("MPI_Bcast", MPI_Bcast(first, count_of(count), type, root, ranks_));
  }

  MPI_Comm ranks_;
  int size_ = 1;
  int rank_ = 0;
};

}  // namespace

std::unique_ptr<Team> make_mpi_team(MPI_Comm ranks) {
  return std::make_unique<MpiTeam>(ranks);
}

}  // namespace alphahill
