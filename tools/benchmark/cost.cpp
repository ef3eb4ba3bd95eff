// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/cost.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>

namespace sluice::benchmark {
namespace {

Fd counter(uint64_t event, int group) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = event;
  attributes.exclude_user = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_GROUP;
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, group, 0)));
}

double median(std::vector<double> values) {
  if (std::isnan(values.front())) return values.front();
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

Cost median(const std::vector<Cost>& costs) {
  std::vector<double> ns;
  std::vector<double> instructions;
  std::vector<double> cycles;
  for (const Cost& cost : costs) {
    ns.push_back(cost.ns);
    instructions.push_back(cost.instructions);
    cycles.push_back(cost.cycles);
  }
  return {median(ns), median(instructions), median(cycles)};
}

CostMeter::CostMeter(Clock clock) : clock_(clock) {
  if (clock == Clock::virtual_time) return;
  cycles_ = counter(PERF_COUNT_HW_CPU_CYCLES, -1);
  if (cycles_.valid()) instructions_ = counter(PERF_COUNT_HW_INSTRUCTIONS, cycles_.get());
}

CostMeter::Reading CostMeter::read() const {
  struct {
    uint64_t counters;
    uint64_t cycles;
    uint64_t instructions;
  } group{};
  timespec cpu{};
  if (instructions_.valid() && ::read(cycles_.get(), &group, sizeof(group)) != sizeof(group))
    group = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  return {static_cast<uint64_t>(cpu.tv_sec) * 1000000000 + static_cast<uint64_t>(cpu.tv_nsec),
          group.cycles, group.instructions};
}

void CostMeter::begin() {
  began_ = read();
}

Cost CostMeter::end(uint64_t packets) {
  const Reading ended = read();
  const auto each = [packets](uint64_t from, uint64_t to) {
    return static_cast<double>(to - from) / static_cast<double>(packets);
  };
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const double time = each(began_.cpu_ns, ended.cpu_ns);
  if (clock_ == Clock::virtual_time) return {unknown, time, unknown};
  if (!instructions_.valid()) return {time, unknown, unknown};
  return {time, each(began_.instructions, ended.instructions), each(began_.cycles, ended.cycles)};
}

}  // namespace sluice::benchmark
