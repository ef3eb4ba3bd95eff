// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/sentences.h"

#include <fmt/ranges.h>

#include <vector>

#include "model/quantity.h"

namespace sluice {

namespace {

// The options of a service. Most defaults are left out.
std::vector<std::string> options_of(const Service& service) {
  std::vector<std::string> options{fmt::format("mode {}", mode_text(service.mode))};
  if (service.gue_variant != gue_variant_default) {
    options.push_back(fmt::format("GUE variant {}", service.gue_variant));
  }
  if (service.affinity != Affinity::flow) {
    options.push_back(fmt::format("affinity {}", affinity_text(service.affinity)));
  }
  if (service.quic) options.emplace_back("QUIC");
  if (service.idle_timeout_s != SLUICE_IDLE_TIMEOUT_S_DEFAULT) {
    options.push_back(fmt::format("idle time-out {}", duration_text(service.idle_timeout_s)));
  }
  if (service.udp_timeout_s != SLUICE_UDP_TIMEOUT_S_DEFAULT) {
    options.push_back(fmt::format("UDP time-out {}", duration_text(service.udp_timeout_s)));
  }
  return options;
}

}  // namespace

std::string service_text(const Service& service) {
  return fmt::format("{}, {}", service.endpoint.text(), service_options_text(service));
}

std::string service_options_text(const Service& service) {
  return fmt::format("{}", fmt::join(options_of(service), ", "));
}

}  // namespace sluice
