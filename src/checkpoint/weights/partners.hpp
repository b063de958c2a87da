/// The tensors beside a tensor of codes, and whether they fit it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "alphahill/base/checked.hpp"
#include "alphahill/checkpoint/stored_layout.hpp"
#include "checkpoint/headers/checkpoint_headers.hpp"

namespace alphahill {

/// Why a layer that is stored in a known way cannot be read.
class Misfit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// "F8_E4M3 [320, 128]".
std::string shown(const StoredTensor& tensor);

/// @throws Misfit naming the tensor, what was expected and what was found
[[noreturn]] void throw_misfit(const StoredTensor& tensor, std::string_view expected);

/// @throws Misfit where there is no such tensor
const StoredTensor& required(const CheckpointHeaders& headers, const std::string& name);

/// @throws Misfit where there is such a tensor: it would change the numbers that the codes stand for
void refuse_partner(const CheckpointHeaders& headers, const std::string& name, std::string_view codes);

/// The format of scales. @throws Misfit where they are none
ScaleFormat scale_format(const StoredTensor& scales);

/// A number. @throws Misfit for another tensor
TensorSlice one_f32(const StoredTensor& tensor);

/// The tensor as a matrix: a number is 1 x 1, a vector one column.
/// @throws Misfit for one of more than two dimensions
TensorSlice as_matrix(const StoredTensor& tensor);

}  // namespace alphahill
