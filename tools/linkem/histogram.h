// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A histogram that keeps every microsecond apart, so that its percentiles are exact to one however
// long it runs; memory goes by the number of distinct values seen.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace sluice::linkem {

class Histogram {
 public:
  void add(std::chrono::nanoseconds value);

  [[nodiscard]] uint64_t count() const { return count_; }
  // Nearest rank: the least value that at least this share of all values does not exceed. 0 when
  // there are none, like max and mean. In thousandths, since 99.9 is no exact double.
  [[nodiscard]] std::chrono::microseconds quantile(uint64_t permille) const;
  [[nodiscard]] std::chrono::microseconds max() const { return quantile(1000); }
  [[nodiscard]] double mean_microseconds() const;

 private:
  std::map<int64_t, uint64_t> microseconds_;
  uint64_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
};

}  // namespace sluice::linkem
