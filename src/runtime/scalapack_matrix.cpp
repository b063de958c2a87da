#include "runtime/scalapack_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "alphahill/base/checked.hpp"
#include "alphahill/spectrum/block_cyclic.hpp"
#include "runtime/mpi_calls.hpp"

extern "C" {
int Csys2blacs_handle(MPI_Comm communicator);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int* context, const char* order, int rows, int cols);
void Cblacs_gridexit(int context);
void pdgeqrf_(const int* m, const int* n, double* a, const int* ia, const int* ja, const int* desca,
              double* tau, double* work, const int* lwork, int* info);
void pdgebrd_(const int* m, const int* n, double* a, const int* ia, const int* ja, const int* desca,
              double* d, double* e, double* tauq, double* taup, double* work, const int* lwork, int* info);
}

namespace alphahill {

namespace {

/// The process grid of a team in BLACS, on a communicator of its own: BLACS looks at no code that MPI
/// returns, so that MPI has to end the run. Collective from construction to destruction.
class BlacsGrid {
 public:
  explicit BlacsGrid(MPI_Comm ranks) {
    int members = 0;
    check_mpi("MPI_Comm_dup", MPI_Comm_dup(ranks, &ranks_));
    check_mpi("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(ranks_, MPI_ERRORS_ARE_FATAL));
    check_mpi("MPI_Comm_size", MPI_Comm_size(ranks_, &members));
    const ProcessGrid grid = grid_of(members);
    handle_ = Csys2blacs_handle(ranks_);
    context_ = handle_;
    Cblacs_gridinit(&context_, "Row", grid.rows, grid.cols);
  }
  ~BlacsGrid() {
    Cblacs_gridexit(context_);
    Cfree_blacs_system_handle(handle_);
    MPI_Comm_free(&ranks_);
  }
  BlacsGrid(const BlacsGrid&) = delete;
  BlacsGrid& operator=(const BlacsGrid&) = delete;

  int context() const { return context_; }

 private:
  MPI_Comm ranks_ = MPI_COMM_NULL;
  int handle_ = 0;
  int context_ = 0;
};

/// A member's place in the grid that it has in BLACS too.
struct Place {
  ProcessGrid grid;
  int row;
  int col;
};
Place place_of(const Team& team) {
  const ProcessGrid grid = grid_of(team.size());
  return {grid, team.rank() / grid.cols, team.rank() % grid.cols};
}

/// @throws Error(internal) where ScaLAPACK cannot count them
std::vector<double> allocated(std::int64_t values) {
  return std::vector<double>(static_cast<std::size_t>(narrow<int>(values, "values of a ScaLAPACK matrix")));
}

class ScalapackMatrix final : public TeamMatrix {
 public:
  /// Allocates; what is collective is left to `join`.
  ScalapackMatrix(Team& team, const Place& place, std::int64_t rows, std::int64_t cols)
      : team_(team),
        capacity_(narrow<int>(rows, "rows")),
        order_(narrow<int>(cols, "columns")),
        rows_(rows, place.grid.rows, place.row),
        cols_(cols, place.grid.cols, place.col),
        leading_dimension_(std::max<std::int64_t>(rows_.held(), 1)),
        values_(allocated(leading_dimension_ * cols_.held())),
        superdiagonal_(allocated(rows_.held())),
        tau_p_(allocated(rows_.held())),
        diagonal_(allocated(cols_.held())),
        tau_q_(allocated(cols_.held())),
        work_(allocated(block * (rows_.held() + cols_.held() + block) + cols_.held())) {}

  void join(MPI_Comm ranks) { grid_.emplace(ranks); }

  void set_rows(std::int64_t first, const MatrixRows& rows) override;
  void factor(std::int64_t rows) override;
  Bidiagonal reduce_to_bidiagonal(std::int64_t rows) override;

 private:
  static constexpr int block = DistributedSide::block;
  static constexpr int one = 1;  ///< Fortran's first index

  /// Entry of this member's part, by its place in that.
  double& at(std::int64_t row, std::int64_t col) {
    return values_[static_cast<std::size_t>(col * leading_dimension_ + row)];
  }
  void copy_block(const HeldRange& row, const HeldRange& col, const double* values, const MatrixRows& rows);
  void clear_below_diagonal(std::int64_t rows);
  /// This member's part of the bidiagonal matrix, which pdgebrd leaves in place; elsewhere 0.
  Bidiagonal held_entries();
  /// The array descriptor of ScaLAPACK Users' Guide, section 4.3.3.
  std::array<int, 9> describe() const;
  /// @throws Error(internal) on all members where one has a routine's INFO that is not 0
  void check_together(const char* routine, int info);

  Team& team_;
  int capacity_;  ///< rows
  int order_;     ///< columns
  DistributedSide rows_;
  DistributedSide cols_;
  std::int64_t leading_dimension_;
  std::vector<double> values_;  ///< this member's part, column-major
  /// What ScaLAPACK returns beside the matrix: copies of its diagonals, and factors of the reflectors.
  std::vector<double> superdiagonal_;
  std::vector<double> tau_p_;
  std::vector<double> diagonal_;
  std::vector<double> tau_q_;
  std::vector<double> work_;  ///< as large as the routine that needs most
  std::optional<BlacsGrid> grid_;
};

void ScalapackMatrix::set_rows(std::int64_t first, const MatrixRows& rows) {
  rows_.for_each_held(first, first + rows.count, [&](const HeldRange& row) {
    cols_.for_each_held(0, order_, [&](const HeldRange& col) {
      copy_block(row, col, rows.values + (row.first - first) * rows.row_stride + col.first * rows.col_stride,
                 rows);
    });
  });
}

/// One block fits into the first-level cache: neither side's stride matters.
void ScalapackMatrix::copy_block(const HeldRange& row, const HeldRange& col, const double* values,
                                 const MatrixRows& rows) {
  for (std::int64_t j = 0; j < col.count; ++j) {
    for (std::int64_t i = 0; i < row.count; ++i) {
      at(row.local + i, col.local + j) = values[i * rows.row_stride + j * rows.col_stride];
    }
  }
}

void ScalapackMatrix::factor(std::int64_t rows) {
  const int m = narrow<int>(rows, "rows");
  const auto description = describe();
  const int lwork = static_cast<int>(work_.size());
  int info = 0;
  pdgeqrf_(&m, &order_, values_.data(), &one, &one, description.data(), tau_q_.data(), work_.data(), &lwork,
           &info);
  check_together("pdgeqrf", info);
  clear_below_diagonal(rows);
}

Bidiagonal ScalapackMatrix::reduce_to_bidiagonal(std::int64_t rows) {
  const int m = narrow<int>(rows, "rows");
  const auto description = describe();
  const int lwork = static_cast<int>(work_.size());
  int info = 0;
  pdgebrd_(&m, &order_, values_.data(), &one, &one, description.data(), diagonal_.data(),
           superdiagonal_.data(), tau_q_.data(), tau_p_.data(), work_.data(), &lwork, &info);
  check_together("pdgebrd", info);
  Bidiagonal result;
  do_together(team_, [&] { result = held_entries(); });
  team_.sum(result.diagonal);
  team_.sum(result.superdiagonal);
  return result;
}

std::array<int, 9> ScalapackMatrix::describe() const {
  constexpr int dense = 1;
  constexpr int first_process = 0;
  return {dense,
          grid_->context(),
          capacity_,
          order_,
          block,
          block,
          first_process,
          first_process,
          static_cast<int>(leading_dimension_)};
}

void ScalapackMatrix::check_together(const char* routine, int info) {
  do_together(team_, [&] {
    if (info != 0) throw Error(Fault::internal, routine, fmt::format("failed with INFO = {}", info));
  });
}

void ScalapackMatrix::clear_below_diagonal(std::int64_t rows) {
  cols_.for_each_held(0, order_, [&](const HeldRange& col) {
    for (std::int64_t j = 0; j < col.count; ++j) {
      rows_.for_each_held(col.first + j + 1, rows, [&](const HeldRange& row) {
        std::fill_n(&at(row.local, col.local + j), row.count, 0.0);
      });
    }
  });
}

Bidiagonal ScalapackMatrix::held_entries() {
  const auto order = static_cast<std::size_t>(order_);
  Bidiagonal entries{std::vector<double>(order), std::vector<double>(order)};
  for (std::int64_t i = 0; i < order_; ++i) {
    if (!rows_.holds(i)) continue;
    const auto entry = static_cast<std::size_t>(i);
    if (cols_.holds(i)) entries.diagonal[entry] = at(rows_.local(i), cols_.local(i));
    const std::int64_t next = i + 1;
    if (next < order_ && cols_.holds(next))
      entries.superdiagonal[entry] = at(rows_.local(i), cols_.local(next));
  }
  return entries;
}

}  // namespace

std::unique_ptr<TeamMatrix> make_scalapack_matrix(MPI_Comm ranks, Team& team, std::int64_t rows,
                                                  std::int64_t cols) {
  std::unique_ptr<ScalapackMatrix> matrix;
  // Memory first: the others would wait in the grid for a member that lacks it.
  do_together(team, [&] { matrix = std::make_unique<ScalapackMatrix>(team, place_of(team), rows, cols); });
  matrix->join(ranks);
  return matrix;
}

}  // namespace alphahill
