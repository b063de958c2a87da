#include "alphahill/formats/weight_source.hpp"

#include <fmt/format.h>

#include <vector>

#include "alphahill/base/error.hpp"
#include "alphahill/formats/cast.hpp"

namespace alphahill {

void WeightSource::read(const Block& block, std::span<std::byte> bytes) const {
  const bool inside = block.row + block.rows <= rows() && block.col + block.cols <= cols();
  if (inside && std::ssize(bytes) == bytes_of_block(block)) return read_block(block, bytes);
  throw Error(Fault::internal, "weights",
              fmt::format("a block of {} x {} values at ({}, {}) into {} bytes, of a matrix of {} x {}",
                          block.rows, block.cols, block.row, block.col, bytes.size(), rows(), cols()));
}

void WeightSource::decode(const StoredBlock& from, std::int64_t row, std::int64_t col,
                          std::span<double> to) const {
  for (; to.size() > most_decoded; to = to.subspan(most_decoded)) {
    decode_piece(from, row, col, to.first(most_decoded));
    col += static_cast<std::int64_t>(most_decoded);
  }
  if (!to.empty()) decode_piece(from, row, col, to);
}

void read_decoded(const WeightSource& weights, const Block& block, std::span<double> to) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(weights.bytes_of_block(block)));
  weights.read(block, bytes);
  const auto cols = static_cast<std::size_t>(block.cols);
  for (std::int64_t i = 0; i < block.rows; ++i) {
    weights.decode({block, bytes}, block.row + i, block.col,
                   to.subspan(static_cast<std::size_t>(i) * cols, cols));
  }
}

std::int64_t PlainWeights::bytes_of_block(const Block& block) const {
  return block.rows * block.cols * bytes_of(shape().values);
}

void PlainWeights::decode_piece(const StoredBlock& from, std::int64_t row, std::int64_t col,
                                std::span<double> to) const {
  alphahill::decode(shape().values, from.values_at(row, col, to.size(), bytes_of(shape().values)), to);
}

}  // namespace alphahill
