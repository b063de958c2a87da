#include "alphahill/spectrum/method.hpp"

#include <array>

namespace alphahill {

std::string_view name_of(Method method) {
  constexpr std::array names{"gram_eigen",        "gram_eigen_gpu", "gram_eigen_dsterf",
                             "gram_eigen_dsyevd", "svd_full",       "svd_scalapack"};
  return names.at(static_cast<std::size_t>(method));
}

}  // namespace alphahill
