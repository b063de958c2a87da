/// The cast of a block of stored weights and the survey of its casts, as one lane of a GPU does its part. The
/// same functions run on the host, where they are tested against the CPU's casts.
///
///   block    rows x cols weights, row-major: stored bytes before, fp64 values of the chain behind
///   groups   `survey_groups` of lanes; a row is done by one of them, lane by lane at intervals of the lanes
///
/// Every sum is added up by one lane, or in an order that depends on the sizes alone: the same bits each
/// time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alphahill/base/host_device.hpp"
#include "alphahill/formats/cast.hpp"
#include "spectrum/stream/cast_terms.hpp"

namespace alphahill {

inline constexpr int most_precisions = 4;
inline constexpr int most_pairs = most_precisions * (most_precisions - 1) / 2;
inline constexpr int survey_groups = 512;
/// Parts of a column of a block, each of every 16th row and with sums of its own.
inline constexpr int column_parts = 16;

/// Lanes that share a part of a column: a block of few columns has many rows, and would else keep few lanes busy.
ALPHAHILL_HOST_DEVICE constexpr int lanes_of_column(std::int64_t rows) {
  constexpr int most_lanes = 8;
  constexpr int rows_of_lane = 32;
  int lanes = 1;
  while (lanes < most_lanes && rows > column_parts * lanes * rows_of_lane) lanes *= 2;
  return lanes;
}

/// Place of a precision and an earlier one among the pairs.
ALPHAHILL_HOST_DEVICE constexpr int pair_of(int precision, int earlier) {
  return precision * (precision - 1) / 2 + earlier;
}

/// Sums over weights; counts are exact up to 2^53.
struct SurveySums {
  double chain_squares;  ///< of the weights after the chain
  double stored_squares;
  double squares[most_precisions];
  double squared_errors[most_precisions];  ///< of cast minus stored weights
  double nonfinite[most_precisions];       ///< casts that are NaN or Inf
  double zeroed[most_precisions];          ///< weights other than 0 that are cast to 0
  double differing_bits[most_pairs];
  double differing[most_pairs];            ///< whose difference is not zero
  double largest_errors[most_precisions];  ///< the last: of groups the largest, all others added up
};
inline constexpr int survey_values = sizeof(SurveySums) / sizeof(double);
inline constexpr int survey_sums = survey_values - most_precisions;

/// Takes value number `index` of another group in.
ALPHAHILL_HOST_DEVICE constexpr double combined(int index, double one, double other) {
  if (index < survey_sums) return one + other;
  return one < other ? other : one;
}

struct BlockCast {
  ElementFormat stored;
  ElementFormat load;
  ElementFormat precision;
  std::int64_t rows;
  std::int64_t cols;
  const std::byte* bytes;  ///< aligned to a value
  double* values;
};

/// Where a survey of a block puts its sums; all memory is the device's.
struct BlockSurvey {
  int precisions;  ///< 0: only the squares of the chain are wanted
  ElementFormat formats[most_precisions];
  SurveySums* groups;  ///< survey_groups of them
  double* row_sums;    ///< of |difference|: pairs x rows of the matrix
  double* col_sums;    ///< pairs x column_parts x columns of the matrix
  std::int64_t rows;   ///< of the matrix
  std::int64_t cols;   ///< of the matrix
  std::int64_t row;    ///< of the block's first weight in the matrix
  std::int64_t col;    ///< of the block's first weight in the matrix
};

ALPHAHILL_HOST_DEVICE inline double decode_at(ElementFormat stored, const std::byte* bytes,
                                              std::int64_t index) {
  switch (stored) {
    case ElementFormat::fp64:
      return reinterpret_cast<const double*>(bytes)[index];
    case ElementFormat::fp32:
      return static_cast<double>(reinterpret_cast<const float*>(bytes)[index]);
    case ElementFormat::fp16:
      return static_cast<double>(decode_fp16(reinterpret_cast<const std::uint16_t*>(bytes)[index]));
    case ElementFormat::bf16:
      break;
  }
  return static_cast<double>(decode_bf16(reinterpret_cast<const std::uint16_t*>(bytes)[index]));
}

/// @param load  fp32, fp16 or bf16
ALPHAHILL_HOST_DEVICE inline float load_value(ElementFormat load, double stored) {
  if (load == ElementFormat::fp32) return static_cast<float>(stored);
  const float odd = round_to_odd_fp32(stored);
  return load == ElementFormat::fp16 ? round_to_fp16(odd) : round_to_bf16(odd);
}

ALPHAHILL_HOST_DEVICE inline float cast_value(ElementFormat precision, float loaded) {
  if (precision == ElementFormat::fp16) return round_to_fp16(loaded);
  return precision == ElementFormat::bf16 ? round_to_bf16(loaded) : loaded;
}

/// |one - other|; 0 where the bits are equal, NaN and Inf included.
ALPHAHILL_HOST_DEVICE inline double difference_of(float one, float other) {
  if (std::bit_cast<std::uint32_t>(one) == std::bit_cast<std::uint32_t>(other)) return 0;
  return absolute_difference(one, other);
}

/// Takes a weight into the sums. @param differences  of each pair, added to
ALPHAHILL_HOST_DEVICE inline void survey_value(const BlockSurvey& survey, double stored, float loaded,
                                               SurveySums& sums, double* differences) {
  float casts[most_precisions];
  sums.stored_squares += stored * stored;
  // Bounds that the compiler knows keep the sums in registers.
  for (int p = 0; p < most_precisions; ++p) {
    if (p >= survey.precisions) continue;
    casts[p] = cast_value(survey.formats[p], loaded);
    const CastTerms terms = cast_terms(casts[p], stored);
    sums.squares[p] += terms.square;
    sums.squared_errors[p] += terms.squared_error;
    sums.nonfinite[p] += terms.nonfinite;
    sums.zeroed[p] += terms.zeroed;
    if (sums.largest_errors[p] < terms.error) sums.largest_errors[p] = terms.error;
    for (int q = 0; q < p; ++q) {
      const int pair = pair_of(p, q);
      const double difference = difference_of(casts[q], casts[p]);
      const bool equal = std::bit_cast<std::uint32_t>(casts[q]) == std::bit_cast<std::uint32_t>(casts[p]);
      sums.differing_bits[pair] += equal ? 0 : 1;
      sums.differing[pair] += difference == 0 ? 0 : 1;
      differences[pair] += difference;
    }
  }
}

/// One lane's part of a row: its casts, and what they add to the sums.
/// @tparam surveyed  else only the squares of the chain are taken
template <bool surveyed>
ALPHAHILL_HOST_DEVICE inline void cast_row(const BlockCast& block, const BlockSurvey& survey,
                                           std::int64_t row, int lane, int lanes, SurveySums& sums,
                                           double* differences) {
  for (std::int64_t col = lane; col < block.cols; col += lanes) {
    const std::int64_t index = row * block.cols + col;
    const double stored = decode_at(block.stored, block.bytes, index);
    const float loaded = load_value(block.load, stored);
    const auto value = static_cast<double>(cast_value(block.precision, loaded));
    block.values[index] = value;
    sums.chain_squares += value * value;
    if constexpr (surveyed) survey_value(survey, stored, loaded, sums, differences);
  }
}

/// One lane's part of a column: adds the differences of the casts in every `step`th row.
/// @param differences  of each pair, added to
ALPHAHILL_HOST_DEVICE inline void survey_column(const BlockCast& block, const BlockSurvey& survey,
                                                std::int64_t col, int first_row, int step,
                                                double* differences) {
  for (std::int64_t row = first_row; row < block.rows; row += step) {
    const float loaded = load_value(block.load, decode_at(block.stored, block.bytes, row * block.cols + col));
    for (int p = 1; p < most_precisions; ++p) {
      if (p >= survey.precisions) continue;
      for (int q = 0; q < p; ++q) {
        differences[pair_of(p, q)] +=
            difference_of(cast_value(survey.formats[q], loaded), cast_value(survey.formats[p], loaded));
      }
    }
  }
}

/// Where the differences of a pair in a part of the block's column are added up.
ALPHAHILL_HOST_DEVICE inline double& column_sum(const BlockSurvey& survey, int pair, int part,
                                                std::int64_t col) {
  return survey.col_sums[(pair * column_parts + part) * survey.cols + survey.col + col];
}

}  // namespace alphahill
