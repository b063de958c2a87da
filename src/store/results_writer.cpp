/// Writes the results file: tables whole, eigenvalues record by record.
#include <type_traits>
#include <utility>

#include "alphahill/store/results_file.hpp"
#include "hdf5_storage.hpp"
#include "hdf5_values.hpp"
#include "schema.hpp"

namespace alphahill {

namespace {

constexpr hsize_t chunk_length = 8192;
/// Behind the shuffle filter, level 1 saves a fifth, as higher levels do, in less time.
constexpr unsigned deflate_level = 1;

/// A group that lists its members in the order of their creation, which the C++ API cannot ask for.
H5::Group create_ordered_group(const H5::H5File& file, const char* name) {
  const H5::PropList order(H5P_GROUP_CREATE);
  H5Pset_link_creation_order(order.getId(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  const hid_t id = H5Gcreate2(file.getId(), name, H5P_DEFAULT, order.getId(), H5P_DEFAULT);
  if (id < 0) throw H5::GroupIException("H5Gcreate2", name);
  const H5::Group group(id);
  H5Idec_ref(id);
  return group;
}

template <class Row, class Columns>
void write_table(const H5::H5File& file, const char* name, const std::vector<Row>& rows,
                 const Columns& columns) {
  const H5::Group group = create_ordered_group(file, name);
  const hsize_t length = rows.size();
  for_each_column(columns, [&](const auto& column) {
    using Value = typename std::remove_cvref_t<decltype(column)>::Stored;
    std::vector<Value> values;
    for (const Row& row : rows) values.push_back(stored_form(row.*column.field));
    write_values(group.createDataSet(column.name, hdf5_type<Value>(), H5::DataSpace(1, &length)), values);
  });
}

template <class Value>
void write_attribute(const H5::H5File& file, const char* name, const Value& value) {
  write_values(file.createAttribute(name, hdf5_type<Value>(), H5::DataSpace()), std::vector{value});
}

void write_attribute(const H5::H5File& file, const char* name, const std::vector<std::string>& values) {
  const hsize_t length = values.size();
  write_values(file.createAttribute(name, hdf5_type<std::string>(), H5::DataSpace(1, &length)), values);
}

/// The growing dataset of all eigenvalues.
class SpectraWriter {
 public:
  explicit SpectraWriter(const H5::H5File& file) {
    const hsize_t none = 0;
    const hsize_t unlimited = H5S_UNLIMITED;
    H5::DSetCreatPropList properties;
    properties.setChunk(1, &chunk_length);
    properties.setShuffle();
    properties.setDeflate(deflate_level);
    dataset_ = create_ordered_group(file, "spectra")
                   .createDataSet("eigenvalues", hdf5_type<double>(), H5::DataSpace(1, &none, &unlimited),
                                  properties);
  }

  std::int64_t length() const { return static_cast<std::int64_t>(length_); }

  void append(const std::vector<double>& eigenvalues) {
    if (eigenvalues.empty()) return;
    const hsize_t count = eigenvalues.size();
    const hsize_t begin = length_;
    length_ += count;
    dataset_.extend(&length_);
    H5::DataSpace place = dataset_.getSpace();
    place.selectHyperslab(H5S_SELECT_SET, &count, &begin);
    dataset_.write(eigenvalues.data(), hdf5_type<double>(), H5::DataSpace(1, &count), place);
  }

 private:
  H5::DataSet dataset_;
  hsize_t length_ = 0;
};

/// Appends the record's rows to the table and its spectra to theirs.
void append_record(LayerRecord record, std::vector<ResultRow>& rows, SpectraWriter& spectra) {
  for (ResultRow& row : record.results) {
    if (row.spectrum_length > 0) row.spectrum_offset += spectra.length();
    rows.push_back(std::move(row));
  }
  spectra.append(record.eigenvalues);
}

/// Writes /spectra and /results. @return true when every layer has a record
bool write_records(const Hdf5Storage& storage, const H5::H5File& file, std::int64_t layers,
                   const RecordOf& record_of) {
  SpectraWriter spectra(file);
  std::vector<ResultRow> rows;
  bool complete = true;
  for (std::int64_t layer = 1; layer <= layers; ++layer) {
    storage.check();
    if (auto record = record_of(layer)) {
      append_record(*std::move(record), rows, spectra);
    } else {
      complete = false;
    }
  }
  write_table(file, "results", rows, result_columns);
  return complete;
}

}  // namespace

void write_results(const std::filesystem::path& path, const RunDescription& run, const RecordOf& record_of) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    Hdf5Storage storage(File::open_or_create(temporary), Fault::system, "the results cannot be written");
    storage.guarded([&] {
      const H5::H5File file = storage.open(H5F_ACC_TRUNC);
      write_attribute(file, "schema_version", std::int64_t{results_schema_version});
      for_each_column(run_attributes,
                      [&](const auto& column) { write_attribute(file, column.name, run.*column.field); });
      write_table(file, "layers", run.layers, layer_columns);
      const bool complete = write_records(storage, file, std::ssize(run.layers), record_of);
      write_attribute(file, "complete", std::int64_t{complete});
    });
    storage.check();
  });
}

void write_results(const std::filesystem::path& path, const Journal& journal) {
  write_results(path, journal.run(), [&](std::int64_t layer) -> std::optional<LayerRecord> {
    if (!journal.has(layer)) return std::nullopt;
    return journal.read(layer);
  });
}

}  // namespace alphahill
