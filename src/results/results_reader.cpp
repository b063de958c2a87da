/// Reads the results file: tables at once, a spectrum when it is asked for.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "alphahill/metrics/spectral_metrics.hpp"
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

/// Those of this program's metrics that the file has; none where they are not one a row of the results.
std::map<std::string, std::vector<double>> read_metrics(const H5::H5File& file, std::size_t rows) {
  std::map<std::string, std::vector<double>> metrics;
  if (!file.nameExists("metrics")) return metrics;
  const H5::Group group = file.openGroup("metrics");
  for (const SpectralMetric& metric : all_spectral_metrics()) {
    const std::string name(metric.name);
    if (!group.nameExists(name)) continue;
    auto values = read_values<double>(group.openDataSet(name));
    if (values.size() == rows) metrics.emplace(name, std::move(values));
  }
  return metrics;
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
    metrics_ = read_metrics(file, results_.size());
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

std::vector<double> ResultsFile::metrics(const ResultRow& row, const std::vector<std::string>& names) const {
  const auto is_stored = [&](const std::string& name) { return metrics_.contains(name); };
  const auto is_row = [&](const ResultRow& other) {
    return other.layer == row.layer && other.precision == row.precision;
  };
  const auto first_of_layer = std::ranges::lower_bound(results_, row.layer, {}, &ResultRow::layer);
  const auto found = std::find_if(first_of_layer, results_.end(), is_row);
  if (found == results_.end() || !std::ranges::all_of(names, is_stored)) {
    const LayerRow& layer = run_.layers.at(static_cast<std::size_t>(row.layer - 1));
    return spectral_metrics(spectrum(row), std::max(layer.out_features, layer.in_features), names);
  }
  std::vector<double> values;
  for (const std::string& name : names) {
    values.push_back(metrics_.at(name)[static_cast<std::size_t>(found - results_.begin())]);
  }
  return values;
}

}  // namespace alphahill
