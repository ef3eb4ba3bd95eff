// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/latencies.h"

#include "kernel/system/map.h"
#include "sluice/latency.h"

namespace sluice {

Latency operator-(const Latency& now, const Latency& before) {
  return {.handshake_us = now.handshake_us - before.handshake_us,
          .response_us = now.response_us - before.response_us,
          .handshakes = now.handshakes - before.handshakes,
          .responses = now.responses - before.responses,
          .unanswered = now.unanswered - before.unanswered,
          .refused = now.refused - before.refused};
}

Result<void> ask_latencies(const std::string& directory, const std::vector<uint32_t>& services,
                           uint32_t until_s) {
  auto measures = TRY(Map<uint32_t, uint32_t>::open(directory, "measures"));
  for (const uint32_t service : services) TRY(measures.put(service, until_s));
  return {};
}

Result<std::map<uint32_t, Latency>> read_latencies(const std::string& directory,
                                                   const std::vector<uint32_t>& backends) {
  auto latencies = TRY(PerCpuArray<sluice_latency>::open(directory, "latencies"));
  std::map<uint32_t, Latency> all;
  for (const uint32_t backend : backends) {
    auto values = TRY(latencies.read(backend));
    Latency& sum = all[backend];
    for (const sluice_latency& value : values) {
      sum.handshake_us += value.handshake_us;
      sum.response_us += value.response_us;
      sum.handshakes += value.handshakes;
      sum.responses += value.responses;
      sum.unanswered += value.unanswered;
      sum.refused += value.refused;
    }
  }
  return all;
}

}  // namespace sluice
