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
  auto measures = Map<uint32_t, uint32_t>::open(directory, "measures");
  if (!measures) return tl::unexpected(measures.error());
  for (const uint32_t service : services) {
    if (auto put = measures->put(service, until_s); !put) return put;
  }
  return {};
}

Result<std::map<uint32_t, Latency>> read_latencies(const std::string& directory,
                                                   const std::vector<uint32_t>& backends) {
  auto latencies = PerCpuArray<sluice_latency>::open(directory, "latencies");
  if (!latencies) return tl::unexpected(latencies.error());
  std::map<uint32_t, Latency> all;
  for (const uint32_t backend : backends) {
    auto values = latencies->read(backend);
    if (!values) return tl::unexpected(values.error());
    Latency& sum = all[backend];
    for (const sluice_latency& value : *values) {
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
