/// The scales of the two panels of a plot: alpha, and the relative change of alpha.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace alphahill {

struct Tick {
  double place;
  std::string label;
};

/// "+1.2e-6" with one decimal, "0" for zero.
std::string change_text(double change, int decimals);

/// "1.2e-6" with two digits; as `change_text` without a sign.
std::string size_text(double size, int digits);

/// "3.1416" with four decimals; of large figures the power of ten instead, "1.2e+08".
std::string alpha_text(double alpha, int decimals);

/// A linear scale with ticks at round numbers. Spans at least 2% of its values, so that what differs by
/// rounding looks equal.
class AlphaScale {
 public:
  /// @param values  those that are not finite are left out
  explicit AlphaScale(std::span<const double> values);

  double place(double alpha) const { return alpha; }
  double low() const { return low_; }
  double high() const { return high_; }
  /// About `most` ticks at most; none where there are no values.
  std::vector<Tick> ticks(int most) const;

 private:
  bool empty_;
  double low_ = 0;
  double high_ = 1;
};

/// Logarithmic in the size of a change, mirrored for negative ones, and linear across zero, so that exact
/// zeros lie on the zero line and nothing else does.
class ChangeScale {
 public:
  /// Reaches down to the smallest change that is not zero, but over twelve decades at most: smaller ones lie
  /// between the zero line and the first decade.
  /// @param changes  those that are not finite are left out
  explicit ChangeScale(std::span<const double> changes);

  /// Where a change lies: 0 for 0, +-1 for the first decade, +-2 for ten times as much.
  double place(double change) const;
  /// The places that the changes span; room beside the zero line included.
  double low() const { return low_; }
  double high() const { return high_; }
  /// "0", "+1e-6", "-1e-6", ...: about `most` at most; zero alone where nothing changes.
  std::vector<Tick> ticks(int most) const;

 private:
  std::optional<int> first_decade_;  ///< power of ten at place 1; nothing where nothing changes
  double low_ = -0.5;
  double high_ = 0.5;
};

/// Logarithmic, over whole decades or, where these are few, parts of them.
class LogScale {
 public:
  /// Reaches down to the smallest value, but over twelve decades at most.
  /// @param values  those that are not finite or not above 0 are left out
  explicit LogScale(std::span<const double> values);

  /// The logarithm to base 10, at least low().
  double place(double value) const;
  double low() const { return low_; }
  double high() const { return high_; }
  /// At powers of ten and, where these are few, at multiples of them; one at least.
  std::vector<Tick> ticks() const;

 private:
  double low_ = -1;
  double high_ = 0;
};

}  // namespace alphahill
