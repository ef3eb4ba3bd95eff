// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A histogram with a bin per microsecond, so that percentiles are exact to 1 us. Memory grows with
// the number of distinct values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace sluice::linkem {

class Histogram {
 public:
  void add(std::chrono::nanoseconds value);

  [[nodiscard]] uint64_t count() const { return count_; }
  // Nearest rank: the smallest value that at least this share of all values does not exceed. 0 if
  // empty, like max and mean. In thousandths, because 99.9 is not an exact double.
  [[nodiscard]] std::chrono::microseconds quantile(uint64_t permille) const;
  [[nodiscard]] std::chrono::microseconds max() const { return quantile(1000); }
  [[nodiscard]] double mean_microseconds() const;

 private:
  std::map<int64_t, uint64_t> microseconds_;
  uint64_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
};

}  // namespace sluice::linkem
