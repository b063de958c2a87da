/// Reads the results file: tables at once, a spectrum when it is asked for.
#include <fmt/format.h>

#include <type_traits>
#include <utility>

#include "alphahill/results/results_file.hpp"
#include "results/hdf5_storage.hpp"
#include "results/hdf5_values.hpp"
#include "results/schema.hpp"

namespace alphahill {

struct ResultsFile::Handle {
  explicit Handle(const std::filesystem::path& path)
      : storage(File::open_for_reading(path), Fault::input, "expected a whole results file of alpha-hill"),
        file(storage.guarded([&] { return storage.open(H5F_ACC_RDONLY); })) {}

  Hdf5Storage storage;
  H5::H5File file;
  H5::DataSet eigenvalues;
};

namespace {

template <class Row, class Columns>
std::vector<Row> read_table(const H5::H5File& file, const std::string& name, const Columns& columns) {
  const H5::Group group = file.openGroup(name);
  std::vector<Row> rows(static_cast<std::size_t>(
      group.openDataSet(std::get<0>(columns).name).getSpace().getSimpleExtentNpoints()));
  for_each_column(columns, [&](const auto& column) {
    if (column.optional && !group.nameExists(column.name)) return;
    auto values =
        read_values<typename std::remove_cvref_t<decltype(column)>::Stored>(group.openDataSet(column.name));
    if (values.size() != rows.size()) {
      throw Error(Fault::input, file.getFileName(),
                  fmt::format("column {} of table {} has {} values, expected {}", column.name, name,
                              values.size(), rows.size()));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) restore(rows[i].*column.field, std::move(values[i]));
  });
  return rows;
}

template <class Value>
void read_attribute(const H5::H5File& file, const char* name, Value& value) {
  value = read_values<Value>(file.openAttribute(name)).at(0);
}

void read_attribute(const H5::H5File& file, const char* name, std::vector<std::string>& values) {
  values = read_values<std::string>(file.openAttribute(name));
}

void read_attribute(const H5::H5File& file, const char* name, bool& value) {
  std::int64_t stored = 0;
  read_attribute(file, name, stored);
  value = stored != 0;
}

/// Everything, where the file does not say what was asked for.
Asked read_asked(const H5::H5File& file, const RunDescription& run) {
  Asked asked = everything_in(run);
  if (!file.attrExists(std::get<0>(asked_attributes).name)) return asked;
  for_each_column(asked_attributes,
                  [&](const auto& column) { read_attribute(file, column.name, asked.*column.field); });
  return asked;
}

void require_schema_version(const H5::H5File& file) {
  std::int64_t version = 0;
  read_attribute(file, "schema_version", version);
  require_readable_version(version, file.getFileName());
}

}  // namespace

ResultsFile::ResultsFile(const std::filesystem::path& path)
    : path_(path), handle_(std::make_unique<Handle>(path)) {
  handle_->storage.guarded([&] {
    const H5::H5File& file = handle_->file;
    require_schema_version(file);
    for_each_column(run_attributes, [&](const auto& column) {
      if (column.optional && !file.attrExists(column.name)) return;
      read_attribute(file, column.name, run_.*column.field);
    });
    asked_ = read_asked(file, run_);
    run_.layers = read_table<LayerRow>(file, "layers", layer_columns);
    results_ = read_table<ResultRow>(file, "results", result_columns);
    std::int64_t complete = 0;
    read_attribute(file, "complete", complete);
    complete_ = complete != 0;
    handle_->eigenvalues = file.openDataSet("spectra/eigenvalues");
  });
}

ResultsFile ResultsFile::open(const std::filesystem::path& path) {
  return ResultsFile(path);
}
ResultsFile::~ResultsFile() = default;
ResultsFile::ResultsFile(ResultsFile&&) noexcept = default;

std::vector<double> ResultsFile::spectrum(const ResultRow& row) const {
  if (row.spectrum_length == 0) return {};
  return handle_->storage.guarded([&] {
    const H5::DataSet& eigenvalues = handle_->eigenvalues;
    H5::DataSpace place = eigenvalues.getSpace();
    const std::int64_t stored = place.getSimpleExtentNpoints();
    if (row.spectrum_offset < 0 || row.spectrum_length < 0 ||
        row.spectrum_offset > stored - row.spectrum_length) {
      throw Error(Fault::input, path_.string(),
                  fmt::format("layer {} at {}: its spectrum lies outside the {} eigenvalues", row.layer,
                              row.precision, stored));
    }
    const auto begin = static_cast<hsize_t>(row.spectrum_offset);
    const auto count = static_cast<hsize_t>(row.spectrum_length);
    place.selectHyperslab(H5S_SELECT_SET, &count, &begin);
    std::vector<double> values(count);
    eigenvalues.read(values.data(), hdf5_type<double>(), H5::DataSpace(1, &count), place);
    return values;
  });
}

}  // namespace alphahill
