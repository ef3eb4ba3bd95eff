// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/records.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>

#include "sluice/limits.h"

namespace sluice {
namespace {

constexpr uint8_t kOuterTtl = 64;  // RFC 1700's default

// The one's complement sum of a header's 16-bit words, in memory order.
uint16_t header_sum(const uint8_t* header, size_t bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes; i += 2) {
    uint16_t word = 0;
    memcpy(&word, header + i, sizeof(word));
    sum += word;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Appends to a record's outer headers.
class OuterWriter {
 public:
  explicit OuterWriter(sluice_backend& record) : outer_(record.outer) {}

  template <typename Header>
  void put(const Header& header) {
    static_assert(sizeof(Header) <= SLUICE_OUTER_BYTES);
    memcpy(outer_.headers + outer_.length, &header, sizeof(header));
    outer_.length = static_cast<uint8_t>(outer_.length + sizeof(header));
  }

 private:
  sluice_outer& outer_;
};

// `protocol` 0: the packet path fills in the one of the inner packet.
void write_outer_ip(sluice_backend& record, bool v4, uint8_t protocol) {
  OuterWriter writer(record);
  if (v4) {
    iphdr outer{};
    outer.version = 4;
    outer.ihl = sizeof(outer) / 4;
    outer.frag_off = htons(IP_DF);
    outer.ttl = kOuterTtl;
    outer.protocol = protocol;
    memcpy(&outer.saddr, record.source.bytes + 12, 4);
    memcpy(&outer.daddr, record.address.bytes + 12, 4);
    // The sum of the constant fields; the packet path adds the others and inverts it.
    uint8_t bytes[sizeof(outer)];
    memcpy(bytes, &outer, sizeof(outer));
    outer.check = header_sum(bytes, sizeof(bytes));
    writer.put(outer);
  } else {
    ip6_hdr outer{};
    outer.ip6_flow = htonl(6u << 28);
    outer.ip6_nxt = protocol;
    outer.ip6_hlim = kOuterTtl;
    memcpy(&outer.ip6_src, record.source.bytes, 16);
    memcpy(&outer.ip6_dst, record.address.bytes, 16);
    writer.put(outer);
  }
  record.outer.ip_bytes = record.outer.length;
}

// UDP checksum 0: the inner packet has its own (RFC 6935, RFC 6936).
void write_outer_gue(sluice_backend& record, bool v4, uint8_t variant) {
  write_outer_ip(record, v4, IPPROTO_UDP);
  OuterWriter writer(record);
  udphdr udp{};
  udp.dest = htons(SLUICE_GUE_PORT);
  writer.put(udp);
  // draft-ietf-intarea-gue-09, 3.1: version 0, no control message, no options, no flags.
  if (variant == 0) writer.put(uint32_t{0});
}

}  // namespace

sluice_service_config service_record(const Service& service) {
  sluice_service_config config{};
  const std::string& name = service.name;
  memcpy(config.name.text, name.data(), std::min(name.size(), sizeof(config.name.text) - 1));
  config.endpoint = service.endpoint.raw();
  config.service = service.number;
  config.mode = static_cast<uint8_t>(service.mode);
  config.ring_bits = service.ring_bits;
  config.removing = service.removing ? 1 : 0;
  config.prefix_bits = service.endpoint.prefix_bits;
  config.affinity = static_cast<uint8_t>(service.affinity);
  config.quic = service.quic ? 1 : 0;
  config.options = service;
  config.retired_packets = service.retired.packets;
  config.retired_bytes = service.retired.bytes;
  config.retired_connections = service.retired.connections;
  return config;
}

Service service_from(const sluice_service_config& config) {
  Service service;
  service.name.assign(config.name.text, strnlen(config.name.text, sizeof(config.name.text)));
  service.endpoint = Endpoint::from_raw(config.endpoint);
  service.endpoint.prefix_bits = config.prefix_bits;
  service.mode = static_cast<Mode>(config.mode);
  service.affinity = static_cast<Affinity>(config.affinity);
  service.quic = config.quic != 0;
  service.number = config.service;
  service.ring_bits = config.ring_bits;
  service.removing = config.removing != 0;
  static_cast<sluice_service_options&>(service) = config.options;
  service.retired = {config.retired_packets, config.retired_bytes, config.retired_connections};
  return service;
}

sluice_backend_config backend_record(const Backend& backend) {
  sluice_backend_config config{};
  config.address = backend.at.address.raw();
  config.port = htons(backend.at.port);
  config.service = backend.service;
  config.weight = backend.weight;
  config.state = static_cast<uint8_t>(backend.state);
  config.removing = backend.removing ? 1 : 0;
  config.failing = backend.failing ? 1 : 0;
  config.adapted_permille = backend.adapted_permille;
  return config;
}

Backend backend_from(uint32_t number, const sluice_backend_config& config) {
  Backend backend;
  backend.service = config.service;
  backend.at = {Address(config.address), ntohs(config.port)};
  backend.number = number;
  backend.weight = config.weight;
  backend.state = static_cast<BackendState>(config.state);
  backend.removing = config.removing != 0;
  backend.failing = config.failing != 0;
  backend.adapted_permille = config.adapted_permille;
  return backend;
}

sluice_policy policy_record(const Policy& policy) {
  sluice_policy record{};
  record.flow_rate_bytes_per_sec = policy.flow_rate_bytes_per_sec;
  record.rate_bytes_per_sec = policy.rate_bytes_per_sec;
  record.ingress_rate_bytes_per_sec = policy.ingress_rate_bytes_per_sec;
  record.window_rate_bytes_per_sec = policy.window_rate_bytes_per_sec;
  // The model's parsers bound the values.
  record.window_bytes = static_cast<uint32_t>(policy.window_bytes);
  record.connections_per_sec = static_cast<uint32_t>(policy.connections_per_sec);
  record.loss_ppm = static_cast<uint32_t>(policy.loss_ppm);
  record.mark_ppm = static_cast<uint32_t>(policy.mark_ppm);
  record.weight = static_cast<uint32_t>(policy.flow_weight);
  return record;
}

Policy policy_from(const sluice_policy& record) {
  return {.flow_rate_bytes_per_sec = record.flow_rate_bytes_per_sec,
          .window_bytes = record.window_bytes,
          .connections_per_sec = record.connections_per_sec,
          .rate_bytes_per_sec = record.rate_bytes_per_sec,
          .ingress_rate_bytes_per_sec = record.ingress_rate_bytes_per_sec,
          .window_rate_bytes_per_sec = record.window_rate_bytes_per_sec,
          .loss_ppm = record.loss_ppm,
          .mark_ppm = record.mark_ppm,
          .flow_weight = record.weight};
}

namespace {

sluice_filter_key prefix_in_service(uint32_t service, const Prefix& prefix) {
  sluice_filter_key key{};
  key.bits = SLUICE_FILTER_KEY_BITS + uint32_t{prefix.bits};
  key.service = service;
  memcpy(key.address, prefix.address.raw().bytes, sizeof(key.address));
  return key;
}

Prefix prefix_from(const sluice_filter_key& key) {
  sluice_address address{};
  memcpy(address.bytes, key.address, sizeof(address.bytes));
  return {Address(address), static_cast<uint8_t>(key.bits - SLUICE_FILTER_KEY_BITS)};
}

}  // namespace

sluice_filter_key filter_key(const Filter& filter) {
  return prefix_in_service(filter.service, filter.prefix);
}

uint32_t filter_record(const Filter& filter) {
  return static_cast<uint32_t>(filter.action) |
         (filter.removing ? uint32_t{SLUICE_FILTER_REMOVING} : 0);
}

Filter filter_from(const sluice_filter_key& key, uint32_t record) {
  Filter filter;
  filter.service = key.service;
  filter.prefix = prefix_from(key);
  filter.action = (record & SLUICE_FILTER_ALLOW) != 0 ? FilterAction::allow : FilterAction::deny;
  filter.removing = (record & SLUICE_FILTER_REMOVING) != 0;
  return filter;
}

sluice_filter_key client_weight_key(const ClientWeight& weight) {
  return prefix_in_service(weight.service, weight.prefix);
}

ClientWeight client_weight_from(const sluice_filter_key& key, uint32_t weight) {
  return {key.service, prefix_from(key), weight};
}

sluice_service_entry table_record(const TableEntry& entry) {
  sluice_service_entry record{};
  record.address = entry.endpoint.address.raw();
  record.port = htons(entry.endpoint.port);
  record.l4_proto = static_cast<uint8_t>(entry.endpoint.l4_proto);
  record.used = 1;
  record.service = entry.service;
  record.flags = entry.flags;
  record.salt = entry.salt;
  return record;
}

sluice_prefix_key prefix_key(const Endpoint& endpoint) {
  sluice_prefix_key key{};
  key.bits = SLUICE_PREFIX_KEY_BITS + uint32_t{endpoint.prefix_bits};
  key.port = htons(endpoint.port);
  key.l4_proto = static_cast<uint8_t>(endpoint.l4_proto);
  memcpy(key.address, endpoint.address.raw().bytes, sizeof(key.address));
  return key;
}

sluice_backend path_record(const Service& service, const Backend& backend, const Address& source) {
  sluice_backend record{};
  record.address = backend.at.address.raw();
  record.source = source.raw();
  record.port = htons(backend.at.port);
  record.mode = static_cast<uint8_t>(service.mode);
  record.state = static_cast<uint8_t>(effective_state(backend));
  record.service = service.number;
  record.service_address = service.endpoint.address.raw();
  record.service_port = htons(service.endpoint.port);
  const bool v4 = backend.at.address.is_v4();
  switch (traits(service.mode).encapsulation) {
    case Encapsulation::none:
      break;
    case Encapsulation::ip:
      write_outer_ip(record, v4, 0);
      break;
    case Encapsulation::gue:
      write_outer_gue(record, v4, service.gue_variant);
      break;
  }
  return record;
}

}  // namespace sluice
