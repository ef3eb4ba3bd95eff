// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/histogram.h"

#include <algorithm>

namespace sluice::linkem {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

void Histogram::add(nanoseconds value) {
  microseconds_[std::chrono::floor<microseconds>(value).count()]++;
  count_++;
  sum_ += value;
}

microseconds Histogram::quantile(uint64_t permille) const {
  if (count_ == 0) return microseconds(0);
  const uint64_t rank = std::clamp<uint64_t>((count_ * permille + 999) / 1000, 1, count_);
  uint64_t seen = 0;
  for (const auto& [value, times] : microseconds_) {
    seen += times;
    if (seen >= rank) return microseconds(value);
  }
  return microseconds(microseconds_.rbegin()->first);
}

double Histogram::mean_microseconds() const {
  if (count_ == 0) return 0;
  return static_cast<double>(sum_.count()) / 1000 / static_cast<double>(count_);
}

}  // namespace sluice::linkem
