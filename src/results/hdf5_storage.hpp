/// What HDF5 reads from and writes to: an alphahill::File behind a driver of HDF5's virtual file layer.
///
/// HDF5 1.10 crashes, mostly on closing, after a write that failed. So it never sees one: the first failure
/// is kept for the caller, and what is written from then on goes to memory, from where HDF5 reads it back,
/// until the caller has closed what is open. The locks that HDF5 takes by itself, and that not all file
/// systems have, are left out.
#pragma once

#include <H5Cpp.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/base/file.hpp"

namespace alphahill {

class Hdf5Storage {
 public:
  /// @param fault, reason  of the Errors that guarded() makes of HDF5's exceptions
  Hdf5Storage(File file, Fault fault, std::string reason);
  Hdf5Storage(const Hdf5Storage&) = delete;
  Hdf5Storage& operator=(const Hdf5Storage&) = delete;

  /// Opens the file in HDF5; it and all that is opened in it must be closed before this object goes.
  /// @param flags  H5F_ACC_TRUNC or H5F_ACC_RDONLY
  H5::H5File open(unsigned flags);

  /// Calls `action` and turns what HDF5 throws into an Error that names the file and the call.
  template <class Action>
  auto guarded(Action action) const {
    try {
      return action();
    } catch (const H5::Exception& exception) {
      check();
      throw Error(fault_, file_.path().string(),
                  reason_ + " (" + exception.getFuncName() + ": " + exception.getDetailMsg() + ")");
    }
  }
  /// @throws what a read or write of the file threw since it was opened
  void check() const;

  // What HDF5 calls through its driver.

  std::int64_t size() const { return size_; }
  void truncate(std::int64_t size) noexcept;
  /// Bytes behind the end of the file are 0. @return false when it cannot be read
  bool read_at(std::span<std::byte> bytes, std::int64_t offset) noexcept;
  void write_at(std::span<const std::byte> bytes, std::int64_t offset) noexcept;

 private:
  struct Piece {
    std::int64_t offset;
    std::vector<std::byte> bytes;
  };
  File file_;
  Fault fault_;
  std::string reason_;
  std::int64_t size_;           ///< as HDF5 sees it
  std::exception_ptr failure_;  ///< the first one
  std::vector<Piece> unwritten_;
};

}  // namespace alphahill
