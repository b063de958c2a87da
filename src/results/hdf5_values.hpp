/// Typed values in and out of HDF5 datasets and attributes: numbers, and text as variable-length UTF-8.
#pragma once

#include <H5Cpp.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace alphahill {

/// The type of a Value in the file and in memory, where HDF5 takes a text as a pointer to its characters.
template <class Value>
H5::DataType hdf5_type() {
  if constexpr (std::is_same_v<Value, double>) {
    return H5::PredType::IEEE_F64LE;
  } else if constexpr (std::is_same_v<Value, std::int64_t>) {
    return H5::PredType::STD_I64LE;
  } else if constexpr (std::is_same_v<Value, std::int32_t>) {
    return H5::PredType::STD_I32LE;
  } else {
    static_assert(std::is_same_v<Value, std::string>);
    H5::StrType text(H5::PredType::C_S1, H5T_VARIABLE);
    text.setCset(H5T_CSET_UTF8);
    return text;
  }
}

// A dataset and an attribute differ in the order of their arguments alone.
inline void transfer_in(const H5::DataSet& from, const H5::DataType& type, void* to) {
  from.read(to, type);
}
inline void transfer_in(const H5::Attribute& from, const H5::DataType& type, void* to) {
  from.read(type, to);
}
inline void transfer_out(const H5::DataSet& to, const H5::DataType& type, const void* from) {
  to.write(from, type);
}
inline void transfer_out(const H5::Attribute& to, const H5::DataType& type, const void* from) {
  to.write(type, from);
}

/// A part of a dataset.
struct Slab {
  const H5::DataSet& dataset;
  hsize_t begin;
  hsize_t count;
};
inline void transfer_out(const Slab& to, const H5::DataType& type, const void* from) {
  H5::DataSpace place = to.dataset.getSpace();
  place.selectHyperslab(H5S_SELECT_SET, &to.count, &to.begin);
  to.dataset.write(from, type, H5::DataSpace(1, &to.count), place);
}

/// Writes all values of a dataset, a part of one, or an attribute.
template <class Place, class Value>
void write_values(const Place& place, const std::vector<Value>& values) {
  if (values.empty()) return;
  if constexpr (std::is_same_v<Value, std::string>) {
    std::vector<const char*> characters;
    for (const std::string& value : values) characters.push_back(value.c_str());
    transfer_out(place, hdf5_type<Value>(), characters.data());
  } else {
    transfer_out(place, hdf5_type<Value>(), values.data());
  }
}

inline hsize_t length_of(const H5::DataSet& dataset) {
  return static_cast<hsize_t>(dataset.getSpace().getSimpleExtentNpoints());
}

/// Lets a dataset grow at its end.
template <class Value>
void append_values(const H5::DataSet& dataset, const std::vector<Value>& values) {
  const hsize_t begin = length_of(dataset);
  const hsize_t end = begin + values.size();
  dataset.extend(&end);
  write_values(Slab{dataset, begin, values.size()}, values);
}

/// Reads all values of a dataset or attribute.
template <class Value, class Place>
std::vector<Value> read_values(const Place& place) {
  const H5::DataSpace space = place.getSpace();
  const auto count = static_cast<std::size_t>(space.getSimpleExtentNpoints());
  if (count == 0) return {};
  const H5::DataType type = hdf5_type<Value>();
  if constexpr (std::is_same_v<Value, std::string>) {
    std::vector<char*> characters(count);
    transfer_in(place, type, characters.data());
    std::vector<std::string> values;
    for (const char* value : characters) values.emplace_back(value == nullptr ? "" : value);
    H5::DataSet::vlenReclaim(characters.data(), type, space);
    return values;
  } else {
    std::vector<Value> values(count);
    transfer_in(place, type, values.data());
    return values;
  }
}

}  // namespace alphahill
