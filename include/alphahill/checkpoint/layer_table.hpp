/// The list of layers for people.
#pragma once

#include <string>

#include "alphahill/checkpoint/catalog.hpp"

namespace alphahill {

/// One line a layer under a line of titles, in aligned columns: number, name, category, shape as out x in,
/// how it is stored, bits a weight with scales, file, and the reason where it cannot be analysed.
std::string layer_table(const Catalog& catalog);

}  // namespace alphahill
