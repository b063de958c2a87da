/// The columns and attributes of the results file: each name once, beside the field that it holds.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// A field as the file holds it: as it is, a status by its name.
template <class Value>
Value stored_form(const Value& field) {
  return field;
}
inline std::string stored_form(Status status) {
  return std::string(name_of(status));
}

/// Sets a field to what the file holds. @throws Error(input) for an unknown status
template <class Value>
void restore(Value& field, Value&& stored) {
  field = std::move(stored);
}
inline void restore(Status& field, const std::string& stored) {
  field = parse_status(stored);
}

template <class Value>
using StoredForm = decltype(stored_form(std::declval<const Value&>()));

template <class Row, class Value>
struct Column {
  using Stored = StoredForm<Value>;
  const char* name;
  Value Row::*field;
};
template <class Row, class Value>
Column(const char*, Value Row::*) -> Column<Row, Value>;  // clang 17 would know

inline constexpr std::tuple layer_columns{
    Column{"name", &LayerRow::name},
    Column{"category", &LayerRow::category},
    Column{"out_features", &LayerRow::out_features},
    Column{"in_features", &LayerRow::in_features},
    Column{"numel", &LayerRow::numel},
    Column{"stored_dtype", &LayerRow::stored_dtype},
    Column{"source_file", &LayerRow::source_file},
};

inline constexpr std::tuple result_columns{
    Column{"layer", &ResultRow::layer},
    Column{"precision", &ResultRow::precision},
    Column{"alpha", &ResultRow::alpha},
    Column{"alpha_stderr", &ResultRow::alpha_stderr},
    Column{"k_used", &ResultRow::k_used},
    Column{"n_eigs", &ResultRow::n_eigs},
    Column{"method", &ResultRow::method},
    Column{"status", &ResultRow::status},
    Column{"reason", &ResultRow::reason},
    Column{"shares", &ResultRow::shares},
    Column{"share_bound", &ResultRow::share_bound},
    Column{"error_bound", &ResultRow::error_bound},
    Column{"cast_error", &ResultRow::cast_error},
    Column{"lambda_max", &ResultRow::lambda_max},
    Column{"stable_rank", &ResultRow::stable_rank},
    Column{"seconds", &ResultRow::seconds},
    Column{"rank", &ResultRow::rank},
    Column{"spectrum_offset", &ResultRow::spectrum_offset},
    Column{"spectrum_length", &ResultRow::spectrum_length},
};

/// Of the file's root; its tables hold the rest of a RunDescription.
inline constexpr std::tuple run_attributes{
    Column{"model", &RunDescription::model},
    Column{"model_fingerprint", &RunDescription::model_fingerprint},
    Column{"load_dtype", &RunDescription::load_dtype},
    Column{"precisions", &RunDescription::precisions},
    Column{"k_frac", &RunDescription::k_frac},
    Column{"share_tolerance", &RunDescription::share_tolerance},
    Column{"filter_layers", &RunDescription::filter_layers},
    Column{"version", &RunDescription::version},
    Column{"host", &RunDescription::host},
};

/// Calls `visit(column)` for each column, in the order of the table.
template <class Columns, class Visit>
void for_each_column(const Columns& columns, Visit visit) {
  std::apply([&](const auto&... column) { (visit(column), ...); }, columns);
}

}  // namespace alphahill
