/// Writes the results file record by record.
#include <algorithm>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>

#include "alphahill/base/progress.hpp"
#include "alphahill/metrics/spectral_metrics.hpp"
#include "alphahill/results/results_file.hpp"
#include "results/hdf5_storage.hpp"
#include "results/hdf5_values.hpp"
#include "results/schema.hpp"

namespace alphahill {

namespace {

constexpr hsize_t eigenvalues_in_chunk = 8192;
constexpr hsize_t rows_in_chunk = 1024;
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

H5::DSetCreatPropList chunks_of(hsize_t length) {
  H5::DSetCreatPropList properties;
  properties.setChunk(1, &length);
  return properties;
}

template <class Value>
H5::DataSet create_growing(const H5::Group& group, const char* name,
                           const H5::DSetCreatPropList& properties) {
  const hsize_t none = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  return group.createDataSet(name, hdf5_type<Value>(), H5::DataSpace(1, &none, &unlimited), properties);
}

/// A table that grows row by row; the rows of no more than one chunk wait in memory.
template <class Row, class Columns>
class TableWriter {
 public:
  /// @param expected_rows  for the size of its chunks
  TableWriter(const H5::H5File& file, const char* name, const Columns& columns, hsize_t expected_rows)
      : columns_(columns), rows_at_once_(std::clamp<hsize_t>(expected_rows, 1, rows_in_chunk)) {
    const H5::Group group = create_ordered_group(file, name);
    for_each_column(columns_, [&](const auto& column) {
      datasets_.push_back(
          create_growing<StoredIn<decltype(column)>>(group, column.name, chunks_of(rows_at_once_)));
    });
  }

  void append(Row row) {
    rows_.push_back(std::move(row));
    if (rows_.size() == rows_at_once_) flush();
  }

  /// To be called after the last row.
  void flush() {
    auto dataset = datasets_.begin();
    for_each_column(columns_, [&](const auto& column) {
      std::vector<StoredIn<decltype(column)>> values;
      for (const Row& row : rows_) values.push_back(stored_form(row.*column.field));
      append_values(*dataset++, values);
    });
    rows_.clear();
  }

 private:
  template <class Column>
  using StoredIn = typename std::remove_cvref_t<Column>::Stored;

  const Columns& columns_;
  hsize_t rows_at_once_;
  std::vector<H5::DataSet> datasets_;
  std::vector<Row> rows_;
};

template <class Value>
void write_attribute(const H5::H5File& file, const char* name, const Value& value) {
  write_values(file.createAttribute(name, hdf5_type<Value>(), H5::DataSpace()), std::vector{value});
}

void write_attribute(const H5::H5File& file, const char* name, const std::vector<std::string>& values) {
  const hsize_t length = values.size();
  write_values(file.createAttribute(name, hdf5_type<std::string>(), H5::DataSpace(1, &length)), values);
}

H5::DataSet create_spectra(const H5::H5File& file) {
  H5::DSetCreatPropList properties = chunks_of(eigenvalues_in_chunk);
  properties.setShuffle();
  properties.setDeflate(deflate_level);
  return create_growing<double>(create_ordered_group(file, "spectra"), "eigenvalues", properties);
}

void write_layers(const H5::H5File& file, const std::vector<LayerRow>& layers) {
  TableWriter<LayerRow, decltype(layer_columns)> table(file, "layers", layer_columns, layers.size());
  for (const LayerRow& layer : layers) table.append(layer);
  table.flush();
}

using ResultsTable = TableWriter<ResultRow, decltype(result_columns)>;

/// /metrics, as TableWriter writes a table; nothing where there are none to write.
class MetricsWriter {
 public:
  /// @param expected_rows  for the size of its chunks
  MetricsWriter(const H5::H5File& file, const std::vector<std::string>& names, std::int64_t layers,
                hsize_t expected_rows)
      : names_(names), values_(names.size()) {
    if (names_.empty()) return;
    const H5::Group group = create_ordered_group(file, "metrics");
    const H5::DSetCreatPropList chunks = chunks_of(std::clamp<hsize_t>(expected_rows, 1, rows_in_chunk));
    layer_column_ = create_growing<std::int64_t>(group, "layer", chunks);
    precision_column_ = create_growing<std::string>(group, "precision", chunks);
    for (const std::string& name : names_) {
      columns_.push_back(create_growing<double>(group, name.c_str(), chunks));
    }
    progress_.emplace("layers with metrics", layers, static_cast<double>(layers));
  }

  void append(const LayerRow& layer, const LayerRecord& record) {
    if (names_.empty()) return;
    const std::int64_t larger_side = std::max(layer.out_features, layer.in_features);
    std::map<std::int64_t, std::vector<double>> by_offset;  // a shared spectrum is fitted once
    for (const ResultRow& row : record.results) {
      const auto spectrum = spectrum_in(record, row);
      const auto [of_row, is_new] = by_offset.try_emplace(spectrum.empty() ? -1 : row.spectrum_offset);
      if (is_new) of_row->second = spectral_metrics(spectrum, larger_side, names_);
      layers_.push_back(row.layer);
      precisions_.push_back(row.precision);
      for (std::size_t i = 0; i < names_.size(); ++i) values_[i].push_back(of_row->second[i]);
    }
    if (layers_.size() >= rows_in_chunk) flush();
    progress_->advance(1, layer.name);
  }

  /// To be called after the last record.
  void flush() {
    if (layers_.empty()) return;
    append_values(layer_column_, layers_);
    append_values(precision_column_, precisions_);
    for (std::size_t i = 0; i < names_.size(); ++i) append_values(columns_[i], values_[i]);
    layers_.clear();
    precisions_.clear();
    for (std::vector<double>& values : values_) values.clear();
  }

 private:
  static std::span<const double> spectrum_in(const LayerRecord& record, const ResultRow& row) {
    if (row.spectrum_length == 0) return {};
    return std::span(record.eigenvalues)
        .subspan(static_cast<std::size_t>(row.spectrum_offset),
                 static_cast<std::size_t>(row.spectrum_length));
  }

  const std::vector<std::string>& names_;
  H5::DataSet layer_column_;
  H5::DataSet precision_column_;
  std::vector<H5::DataSet> columns_;
  std::optional<Progress> progress_;
  // What waits in memory.
  std::vector<std::int64_t> layers_;
  std::vector<std::string> precisions_;
  std::vector<std::vector<double>> values_;
};

void append_record(LayerRecord record, ResultsTable& table, const H5::DataSet& spectra) {
  const auto before = static_cast<std::int64_t>(length_of(spectra));
  append_values(spectra, record.eigenvalues);
  for (ResultRow& row : record.results) {
    if (row.spectrum_length > 0) row.spectrum_offset += before;
    table.append(std::move(row));
  }
}

/// Writes /spectra, /results and /metrics. @return true when every layer has a row at every precision
bool write_records(const Hdf5Storage& storage, const H5::H5File& file, const RunDescription& run,
                   const RecordOf& record_of, const std::vector<std::string>& metrics) {
  const H5::DataSet spectra = create_spectra(file);
  const hsize_t expected_rows = run.layers.size() * run.precisions.size();
  ResultsTable table(file, "results", result_columns, expected_rows);
  MetricsWriter metrics_table(file, metrics, std::ssize(run.layers), expected_rows);
  bool complete = true;
  const auto has_all = [&](const LayerRecord& record) {
    return record.results.size() >= run.precisions.size();
  };
  for (std::int64_t layer = 1; layer <= std::ssize(run.layers); ++layer) {
    storage.check();
    auto record = record_of(layer);
    complete = complete && record && has_all(*record);
    if (!record) continue;
    metrics_table.append(run.layers[static_cast<std::size_t>(layer - 1)], *record);
    append_record(*std::move(record), table, spectra);
  }
  table.flush();
  metrics_table.flush();
  return complete;
}

}  // namespace

void write_results(const std::filesystem::path& path, const RunDescription& run, const Asked& asked,
                   const RecordOf& record_of, const std::vector<std::string>& metrics) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    Hdf5Storage storage(File::open_or_create(temporary), Fault::system, "the results cannot be written");
    storage.guarded([&] {
      const H5::H5File file = storage.open(H5F_ACC_TRUNC);
      write_attribute(file, "schema_version", std::int64_t{record_version});
      for_each_column(run_attributes, [&](const auto& column) {
        write_attribute(file, column.name, stored_form(run.*column.field));
      });
      for_each_column(asked_attributes, [&](const auto& column) {
        write_attribute(file, column.name, stored_form(asked.*column.field));
      });
      write_layers(file, run.layers);
      const bool complete = write_records(storage, file, run, record_of, metrics);
      write_attribute(file, "complete", std::int64_t{complete});
    });
    storage.check();
  });
}

void write_results(const std::filesystem::path& path, const Journal& journal) {
  write_results(path, journal.run(), journal.asked(), [&](std::int64_t layer) -> std::optional<LayerRecord> {
    if (!journal.has(layer)) return std::nullopt;
    return journal.read(layer);
  });
}

}  // namespace alphahill
