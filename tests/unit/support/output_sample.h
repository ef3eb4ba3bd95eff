// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A made-up instance for the tests of output: service web with a policy and two backends, and a
// flow that every flow table has an entry of.
#pragma once

#include <arpa/inet.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/flow_view.h"
#include "cli/json.h"
#include "cli/status_output.h"

namespace sluice::sample {

inline HostPort at(std::string_view text) {
  return HostPort::parse(text).value();
}
inline Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}

inline const char* const client = "198.51.100.7:40000";
inline const char* const web_endpoint = "203.0.113.10:443/tcp";
inline const char* const backend_one = "10.0.0.11:8443";
inline const char* const backend_two = "10.0.0.12:8443";

inline ServiceView web() {
  ServiceView view;
  view.service.name = "web";
  view.service.endpoint = endpoint(web_endpoint);
  view.service.mode = Mode::snat;
  view.service.number = 1;
  view.service.ring_bits = 8;
  view.slots = 256;
  view.moving_slots = 16;
  view.policy = Policy{.flow_rate_bytes_per_sec = 6250000, .window_bytes = 0};
  view.traffic = {.packets = 30, .bytes = 5000000000, .connections = 3};
  view.backends.push_back({.backend = {.service = 1,
                                       .at = at(backend_one),
                                       .number = 4,
                                       .weight = 300,
                                       .state = BackendState::up,
                                       .removing = false},
                           .slots = 192,
                           .traffic = {.packets = 20, .bytes = 2000, .connections = 2}});
  view.backends.push_back({.backend = {.service = 1,
                                       .at = at(backend_two),
                                       .number = 5,
                                       .weight = 100,
                                       .state = BackendState::draining,
                                       .removing = false},
                           .slots = 64,
                           .traffic = {.packets = 10, .bytes = 1000, .connections = 1}});
  view.verdicts = {{.verdict = SLUICE_VERDICT_TRANSLATED, .packets = 30, .bytes = 3000},
                   {.verdict = SLUICE_VERDICT_NO_BACKEND, .packets = 2, .bytes = 120}};
  return view;
}

inline sluice_flow flow(std::string_view from, std::string_view to) {
  const HostPort source = at(from);
  const sluice_endpoint destination = endpoint(to).raw();
  return {.source = source.address.raw(),
          .destination = destination.address,
          .source_port = htons(source.port),
          .destination_port = destination.port,
          .l4_proto = destination.l4_proto,
          .reserved = {}};
}

inline sluice_congestion_flow governed() {
  sluice_congestion_flow governed{};
  governed.service = 1;
  governed.state = SLUICE_CONGESTION_RECOVERY;
  governed.bound = SLUICE_BOUND_POLICY_WINDOW;
  governed.cwnd_packets = 42;
  governed.srtt_us = 40200;
  governed.min_rtt_us = 40000;
  governed.delivery_rate_bytes_per_sec = 5912500;
  governed.entered[SLUICE_CONGESTION_SLOW_START] = 1;
  governed.entered[SLUICE_CONGESTION_RECOVERY] = 3;
  return governed;
}

inline FlowRecord in_every_table() {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 5, .seen_s = 95};
  sluice_translation translation{};
  translation.translated_tuple = flow("10.0.0.1:1024", "10.0.0.11:8443/tcp");
  translation.backend = 4;
  translation.service = 1;
  translation.seen_s = 97;
  translation.state = SLUICE_TRANSLATION_OPEN;
  record.translation = translation;
  sluice_paced_flow paced{};
  paced.service = 1;
  paced.bytes = 4096;
  paced.lowered = 7;
  paced.flags = SLUICE_PACED_CLIENT_SYN | SLUICE_PACED_SCALED;
  record.paced = paced;
  record.departures = Departures{.service = 1, .bytes = 8192, .departs_ns = 5, .weight = 3};
  record.congestion = governed();
  return record;
}

inline StatusView status() {
  StatusView view;
  view.capacities = {.services = 1024, .backends = 16384, .filters = 65536, .flows = 262144};
  view.memory = {{"flows", 1, 4096}, {"rings", 2, 65536}};
  view.instance = "sluice";
  view.directory = "/sys/fs/bpf/sluice";
  view.attachments = {{.component = Component::steer,
                       .device = "eth1",
                       .mode = "native",
                       .here = true,
                       .gone = false,
                       .namespace_id = "4026531840"}};
  view.services = {web()};
  view.verdicts = {{.verdict = SLUICE_VERDICT_NOT_OURS, .packets = 9, .bytes = 900}};
  view.congestion = {{.name = "sluice", .map_id = 17, .linked = true, .pinned = true}};
  return view;
}

inline std::vector<std::string> keys(const Json& document) {
  std::vector<std::string> names;
  for (const auto& [name, value] : document.items()) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace sluice::sample
