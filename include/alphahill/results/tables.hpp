/// What a run produces: the description of the run, one row a layer, one row a layer and precision, and
/// spectra.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace alphahill {

/// The version of these records, in the journal and in the results file. A new field is read by
/// `archive.since` and is an optional column; the version grows with it. All from the oldest on are read.
inline constexpr int record_version = 5;
inline constexpr int oldest_record_version = 3;

/// @throws Error(input) naming `where`, the version and those that are read, where it is not one of them
void require_readable_version(std::int64_t version, const std::string& where);

/// Why a row has a figure or none. In files by its name.
enum class Status : std::uint8_t {
  ok,               ///< alpha is a number
  degenerate,       ///< fewer than two eigenvalues
  no_tail,          ///< lambda_{k+1} cannot be told from zero, or the tail is flat
  nonfinite,        ///< NaN or Inf among the cast weights
  unsupported,      ///< the stored form of the weights cannot be analysed
  failed,           ///< the computation failed
  few_eigenvalues,  ///< of views only, never stored: the layer has fewer than they ask for
  surveyed,         ///< only the errors of rounding were computed
};
constexpr Status last_of(Status) {
  return Status::surveyed;
}
std::string_view name_of(Status status);
/// Did the computation of a spectrum come to an end, with a figure or without?
constexpr bool is_computed(Status status) {
  return status != Status::unsupported && status != Status::failed && status != Status::surveyed;
}
/// @throws Error(input) for an unknown name
Status parse_status(std::string_view name);

inline constexpr double no_figure = std::numeric_limits<double>::quiet_NaN();

/// A Linear layer, as the tables show it.
struct LayerRow {
  std::string name;  ///< without ".weight", control characters escaped
  std::string category;
  std::int64_t out_features = 0;
  std::int64_t in_features = 0;
  std::int64_t numel = 0;
  std::string stored_dtype;  ///< as the checkpoint calls it: "BF16"
  std::string source_file;   ///< relative to the checkpoint folder
  /// How, in a few words: "F8_E4M3 block 128x128"; of plain formats the dtype. Empty in rows of version 3.
  std::string stored_as = {};
  double bits_per_weight = no_figure;    ///< as stored, with scales
  bool dequantized = false;              ///< figures are those of the numbers that codes and scales stand for
  bool predicts_further_tokens = false;  ///< of multi-token prediction; false in rows of version 4

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.name, self.category, self.out_features, self.in_features, self.numel, self.stored_dtype,
            self.source_file);
    archive.since(4, self.stored_as, self.bits_per_weight, self.dequantized);
    archive.since(5, self.predicts_further_tokens);
  }
};

/// The figures of one layer at one precision.
struct ResultRow {
  std::int64_t layer = 0;  ///< number of the layer, from 1, in layer order
  std::string precision;   ///< "bf16"
  double alpha = no_figure;
  double alpha_stderr = no_figure;
  std::int64_t k_used = -1;
  std::int64_t n_eigs = -1;
  /// How the spectrum was computed (gram_eigen, svd_full, ...), whether there is an alpha or not; empty where
  /// there is no spectrum. Rows that earlier versions wrote have "failed" or "degenerate" where there is no
  /// alpha.
  std::string method;
  Status status = Status::failed;
  std::string reason;              ///< empty when ok
  std::string shares;              ///< the precision whose spectrum this row uses, empty for its own
  double share_bound = no_figure;  ///< at the run's k_frac, on alpha's relative change by that; 0: same bits
  double error_bound = no_figure;  ///< on the relative error of lambda_{k+1}, by this method
  double cast_error = no_figure;   ///< |W_p - W|_F / |W|_F against the stored weights
  double lambda_max = no_figure;   ///< largest eigenvalue
  double stable_rank = no_figure;  ///< |W_p|_F^2 / lambda_max
  double seconds = 0;              ///< spent on this row alone; 0 for a shared spectrum
  std::int32_t rank = 0;           ///< MPI rank that computed it
  std::int64_t spectrum_offset = -1;  ///< first eigenvalue; in a LayerRecord relative to its own eigenvalues
  std::int64_t spectrum_length = 0;
  std::int32_t team_size = 1;  ///< MPI ranks that computed it together, led by `rank`; 1 in rows of version 3
  // No figures in rows of version 4.
  double largest_error = no_figure;   ///< the largest |w_p - w|
  double zeroed = no_figure;          ///< share of the weights, other than 0, that are cast to 0
  double clipped = no_figure;         ///< share of the weights that lie beyond the range of their group
  double effective_rank = no_figure;  ///< of the spectrum, over its length

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.layer, self.precision, self.alpha, self.alpha_stderr, self.k_used, self.n_eigs, self.method,
            self.status, self.reason, self.shares, self.share_bound, self.error_bound, self.cast_error,
            self.lambda_max, self.stable_rank, self.seconds, self.rank, self.spectrum_offset,
            self.spectrum_length);
    archive.since(4, self.team_size);
    archive.since(5, self.largest_error, self.zeroed, self.clipped, self.effective_rank);
  }
};

/// Everything that a finished layer leaves behind: the unit of messages and of the journal.
struct LayerRecord {
  std::int64_t layer = 0;           ///< number of the layer, from 1
  std::vector<ResultRow> results;   ///< one a precision, in the order asked for
  std::vector<double> eigenvalues;  ///< ascending, one distinct spectrum after another

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.layer, self.results, self.eigenvalues);
  }
};

/// The record of a layer that is computed again, at other precisions: rows of an earlier record that the new one
/// lacks, or has failed where the earlier one has a result, stay with their spectra.
/// @param precisions  the order of the rows
LayerRecord merged(const LayerRecord& earlier, const LayerRecord& record,
                   std::span<const std::string> precisions);

/// Seconds that a record took the rank that computed it.
double seconds_of(const LayerRecord& record);

/// The settings of a run and the layers that it is about.
struct RunDescription {
  std::string model;              ///< as asked for: folder or hub id
  std::string model_fingerprint;  ///< changes with any file of the checkpoint
  std::string load_dtype;
  std::vector<std::string> precisions;  ///< in the order asked for
  double k_frac = 0;
  double share_tolerance = 0;  ///< of alpha's relative change, below which precisions share a spectrum
  std::string filter_layers;
  std::string version;           ///< of alphahill and its libraries
  std::string host;              ///< where rank 0 ran
  std::vector<LayerRow> layers;  ///< in layer order
  bool fuse_scales = false;  ///< layers share a scale of the tensor with their partners; false in version 4

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.model, self.model_fingerprint, self.load_dtype, self.precisions, self.k_frac,
            self.share_tolerance, self.filter_layers, self.version, self.host, self.layers);
    archive.since(5, self.fuse_scales);
  }
};

/// What the last run in an output folder asked for, of all that earlier ones left there.
struct Asked {
  std::vector<std::string> precisions;  ///< of which spectra are computed, in the order asked for
  std::string filter_layers;
  bool include_mtp = true;  ///< layers of multi-token prediction too; true in records of version 4
  std::vector<std::string> survey = {};  ///< precisions of which only the errors of rounding are computed

  template <class Archive, class Self>
  static void fields(Archive& archive, Self& self) {
    archive(self.precisions, self.filter_layers);
    archive.since(5, self.include_mtp, self.survey);
  }
  bool operator==(const Asked&) const = default;

  /// Those with spectra, then the others.
  std::vector<std::string> all_precisions() const {
    std::vector<std::string> all = precisions;
    all.insert(all.end(), survey.begin(), survey.end());
    return all;
  }
};

/// "fp32 and bf16; nvfp4 surveyed"
std::string depths_text(const Asked& asked);

Asked everything_in(const RunDescription& run);

/// For each layer of a run whether it was asked for.
std::vector<bool> asked_layers(const RunDescription& run, const Asked& asked);

}  // namespace alphahill
