/// The columns and attributes of the results file: each name once, beside the field that it holds.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "alphahill/results/tables.hpp"

namespace alphahill {

/// A field as the file holds it: as it is, a status by its name, a bool as 0 or 1.
template <class Value>
Value stored_form(const Value& field) {
  return field;
}
inline std::string stored_form(Status status) {
  return std::string(name_of(status));
}
inline std::int64_t stored_form(bool field) {
  return field ? 1 : 0;
}

/// Sets a field to what the file holds. @throws Error(input) for an unknown status
template <class Value>
void restore(Value& field, Value&& stored) {
  field = std::move(stored);
}
inline void restore(Status& field, const std::string& stored) {
  field = parse_status(stored);
}
inline void restore(bool& field, std::int64_t stored) {
  field = stored != 0;
}

template <class Value>
using StoredForm = decltype(stored_form(std::declval<const Value&>()));

template <class Row, class Value>
struct Column {
  using Stored = StoredForm<Value>;
  const char* name;
  Value Row::*field;
  bool optional = false;  ///< a file that lacks it is read with the field's default
};
template <class Row, class Value>
Column(const char*, Value Row::*) -> Column<Row, Value>;  // clang 17 would know
template <class Row, class Value>
Column(const char*, Value Row::*, bool) -> Column<Row, Value>;

inline constexpr bool optional = true;

inline constexpr std::tuple layer_columns{
    Column{"name", &LayerRow::name},
    Column{"category", &LayerRow::category},
    Column{"out_features", &LayerRow::out_features},
    Column{"in_features", &LayerRow::in_features},
    Column{"numel", &LayerRow::numel},
    Column{"stored_dtype", &LayerRow::stored_dtype},
    Column{"source_file", &LayerRow::source_file},
    Column{"stored_as", &LayerRow::stored_as, optional},
    Column{"bits_per_weight", &LayerRow::bits_per_weight, optional},
    Column{"dequantized", &LayerRow::dequantized, optional},
    Column{"predicts_further_tokens", &LayerRow::predicts_further_tokens, optional},
};

inline constexpr std::tuple result_columns{
    Column{"layer", &ResultRow::layer},
    Column{"precision", &ResultRow::precision},
    Column{"alpha", &ResultRow::alpha},
    Column{"alpha_stderr", &ResultRow::alpha_stderr, optional},
    Column{"k_used", &ResultRow::k_used},
    Column{"n_eigs", &ResultRow::n_eigs},
    Column{"method", &ResultRow::method},
    Column{"status", &ResultRow::status},
    Column{"reason", &ResultRow::reason, optional},
    Column{"shares", &ResultRow::shares, optional},
    Column{"share_bound", &ResultRow::share_bound, optional},
    Column{"error_bound", &ResultRow::error_bound, optional},
    Column{"cast_error", &ResultRow::cast_error, optional},
    Column{"lambda_max", &ResultRow::lambda_max, optional},
    Column{"stable_rank", &ResultRow::stable_rank, optional},
    Column{"largest_error", &ResultRow::largest_error, optional},
    Column{"zeroed", &ResultRow::zeroed, optional},
    Column{"clipped", &ResultRow::clipped, optional},
    Column{"effective_rank", &ResultRow::effective_rank, optional},
    Column{"seconds", &ResultRow::seconds, optional},
    Column{"rank", &ResultRow::rank, optional},
    Column{"team_size", &ResultRow::team_size, optional},
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
    Column{"fuse_scales", &RunDescription::fuse_scales, optional},
    Column{"filter_layers", &RunDescription::filter_layers},
    Column{"version", &RunDescription::version},
    Column{"host", &RunDescription::host},
};

/// Of the root too: what the last run asked for. Optional together.
inline constexpr std::tuple asked_attributes{
    Column{"asked_precisions", &Asked::precisions},
    Column{"asked_filter_layers", &Asked::filter_layers},
    Column{"asked_include_mtp", &Asked::include_mtp},
    Column{"asked_survey", &Asked::survey},
};

/// Calls `visit(column)` for each column, in the order of the table.
template <class Columns, class Visit>
void for_each_column(const Columns& columns, Visit visit) {
  std::apply([&](const auto&... column) { (visit(column), ...); }, columns);
}

}  // namespace alphahill
