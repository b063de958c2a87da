#include "results/hdf5_storage.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "alphahill/base/checked.hpp"

namespace alphahill {

namespace {

/// Of each dataset: values are read and written in order, and a chunk has 64 KiB at most.
constexpr std::size_t bytes_in_cache = 128U << 10;
constexpr std::size_t chunks_in_cache = 23;  // a prime, for hashing

/// An open file as HDF5's virtual file layer knows it.
struct DriverFile : H5FD_t {
  Hdf5Storage* storage = nullptr;
  haddr_t end_of_addresses = 0;
};

DriverFile& driver_file(H5FD_t* file) {
  return *static_cast<DriverFile*>(file);
}
Hdf5Storage& storage_of(H5FD_t* file) {
  return *driver_file(file).storage;
}

H5FD_t* open_file(const char*, unsigned flags, hid_t access, haddr_t) {
  auto file = std::make_unique<DriverFile>();
  file->storage = *static_cast<Hdf5Storage* const*>(H5Pget_driver_info(access));
  if ((flags & H5F_ACC_TRUNC) != 0) file->storage->truncate(0);
  return file.release();
}

herr_t close_file(H5FD_t* file) {
  delete &driver_file(file);
  return 0;
}

/// Small pieces of metadata and values are gathered into larger blocks, as in HDF5's default driver.
herr_t query_features(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_end_of_addresses(const H5FD_t* file, H5FD_mem_t) {
  return static_cast<const DriverFile*>(file)->end_of_addresses;
}

herr_t set_end_of_addresses(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  driver_file(file).end_of_addresses = end;
  return 0;
}

haddr_t get_end_of_file(const H5FD_t* file, H5FD_mem_t) {
  return static_cast<haddr_t>(static_cast<const DriverFile*>(file)->storage->size());
}

herr_t read_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, std::size_t size, void* to) {
  const std::span bytes(static_cast<std::byte*>(to), size);
  return storage_of(file).read_at(bytes, static_cast<std::int64_t>(offset)) ? 0 : -1;
}

herr_t write_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, std::size_t size, const void* from) {
  const std::span bytes(static_cast<const std::byte*>(from), size);
  storage_of(file).write_at(bytes, static_cast<std::int64_t>(offset));
  return 0;
}

herr_t truncate_file(H5FD_t* file, hid_t, hbool_t) {
  storage_of(file).truncate(static_cast<std::int64_t>(driver_file(file).end_of_addresses));
  return 0;
}

H5FD_class_t make_driver_class() {
  H5FD_class_t driver{};
  driver.name = "alphahill";
  driver.maxaddr = HADDR_MAX / 2;
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(Hdf5Storage*);
  driver.open = open_file;
  driver.close = close_file;
  driver.query = query_features;
  driver.get_eoa = get_end_of_addresses;
  driver.set_eoa = set_end_of_addresses;
  driver.get_eof = get_end_of_file;
  driver.read = read_bytes;
  driver.write = write_bytes;
  driver.truncate = truncate_file;
  return driver;
}

hid_t registered_driver() {
  static const H5FD_class_t driver = make_driver_class();
  static const hid_t id = H5FDregister(&driver);
  return id;
}

/// Copies the part of `from`, which lies at `from_offset` of a file, that falls into `to`, which lies at
/// `to_offset`.
void copy_overlap(std::span<const std::byte> from, std::int64_t from_offset, std::span<std::byte> to,
                  std::int64_t to_offset) {
  const std::int64_t begin = std::max(from_offset, to_offset);
  const std::int64_t end = std::min(from_offset + std::ssize(from), to_offset + std::ssize(to));
  if (begin < end)
    std::copy_n(from.begin() + (begin - from_offset), end - begin, to.begin() + (begin - to_offset));
}

}  // namespace

Hdf5Storage::Hdf5Storage(File file, Fault fault, std::string reason)
    : file_(std::move(file)), fault_(fault), reason_(std::move(reason)), size_(file_.size()) {
  H5::Exception::dontPrint();
}

H5::H5File Hdf5Storage::open(unsigned flags) {
  H5::FileAccPropList access;
  Hdf5Storage* const self = this;
  access.setDriver(registered_driver(), &self);
  access.setCache(0, chunks_in_cache, bytes_in_cache, 1);
  return {file_.path().string(), flags, H5::FileCreatPropList::DEFAULT, access};
}

void Hdf5Storage::check() const {
  if (failure_) std::rethrow_exception(failure_);
}

bool Hdf5Storage::read_at(std::span<std::byte> bytes, std::int64_t offset) noexcept {
  std::ranges::fill(bytes, std::byte{0});
  try {
    const std::int64_t there = std::clamp<std::int64_t>(file_.size() - offset, 0, std::ssize(bytes));
    file_.read_at(bytes.first(static_cast<std::size_t>(there)), offset);
  } catch (...) {
    if (!failure_) failure_ = std::current_exception();
    return false;
  }
  for (const Piece& piece : unwritten_) copy_overlap(piece.bytes, piece.offset, bytes, offset);
  return true;
}

void Hdf5Storage::write_at(std::span<const std::byte> bytes, std::int64_t offset) noexcept {
  size_ = std::max(size_, offset + std::ssize(bytes));
  try {
    if (!failure_) return file_.write_at(bytes, offset);
  } catch (...) {
    failure_ = std::current_exception();
  }
  unwritten_.push_back({offset, {bytes.begin(), bytes.end()}});
}

void Hdf5Storage::truncate(std::int64_t size) noexcept {
  if (size == size_) return;
  size_ = size;
  try {
    if (!failure_) file_.truncate(size);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

}  // namespace alphahill
