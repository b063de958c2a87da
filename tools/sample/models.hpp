/// The tensors of the sample models: names, shapes, and the spectrum that each weight matrix is given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphahill/formats/element_format.hpp"

namespace alphahill::sample {

/// What a sample is made from; the same options give the same bytes.
struct Options {
  std::string kind = "llama";  ///< llama, gpt2 or mixtral
  std::int64_t blocks = 4;
  std::int64_t hidden = 256;  ///< a power of two, so that Sylvester's matrices of that order exist
  ElementFormat dtype = ElementFormat::bf16;
  std::int64_t shards = 1;
  std::uint64_t seed = 1;
};

/// The names that Options::kind may have.
const std::vector<std::string>& kinds();

/// A tensor of the checkpoint: a matrix of known spectrum, or a vector of ones (a norm's weight).
struct Tensor {
  std::string name;
  std::string layer;  ///< the Linear layer that it belongs to, empty where it belongs to none
  std::int64_t rows = 0;
  std::int64_t cols = 1;  ///< 1 for a vector
  double alpha = 0;       ///< tail exponent that the eigenvalues are drawn with
  double scale = 0;       ///< size of the small singular values, as the entries' size

  bool is_vector() const { return cols == 1; }
};

/// The tensors of a model, in the order in which they are stored.
std::vector<Tensor> tensors_of(const Options& options);

/// The model's config.json.
std::string config_of(const Options& options);

}  // namespace alphahill::sample
