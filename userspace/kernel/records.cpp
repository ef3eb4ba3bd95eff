#include "kernel/records.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr uint8_t kOuterTtl = 64;  // RFC 1700's default

// The one's complement sum of a header's 16-bit words, as they lie in memory.
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

void write_outer(sluice_backend& record, bool v4) {
  if (v4) {
    iphdr outer{};
    outer.version = 4;
    outer.ihl = sizeof(outer) / 4;
    outer.frag_off = htons(IP_DF);
    outer.ttl = kOuterTtl;
    memcpy(&outer.saddr, record.source.bytes + 12, 4);
    memcpy(&outer.daddr, record.address.bytes + 12, 4);
    memcpy(record.outer, &outer, sizeof(outer));
    // Not the checksum but the sum of what is there; the packet path adds the rest and inverts it.
    outer.check = header_sum(record.outer, sizeof(outer));
    memcpy(record.outer, &outer, sizeof(outer));
    record.outer_length = sizeof(outer);
  } else {
    ip6_hdr outer{};
    outer.ip6_flow = htonl(6u << 28);
    outer.ip6_hlim = kOuterTtl;
    memcpy(&outer.ip6_src, record.source.bytes, 16);
    memcpy(&outer.ip6_dst, record.address.bytes, 16);
    memcpy(record.outer, &outer, sizeof(outer));
    record.outer_length = sizeof(outer);
  }
}

}  // namespace

sluice_name name_record(const std::string& name) {
  sluice_name record{};
  memcpy(record.text, name.data(), std::min(name.size(), sizeof(record.text) - 1));
  return record;
}

sluice_service_config service_record(const Service& service) {
  sluice_service_config config{};
  config.endpoint = service.endpoint.raw();
  config.service = service.number;
  config.mode = static_cast<uint8_t>(service.mode);
  config.ring_bits = service.ring_bits;
  config.removing = service.removing ? 1 : 0;
  config.idle_timeout_s = service.idle_timeout_s;
  config.udp_timeout_s = service.udp_timeout_s;
  config.retired_packets = service.retired.packets;
  config.retired_bytes = service.retired.bytes;
  config.retired_connections = service.retired.connections;
  return config;
}

Service service_from(const sluice_name& name, const sluice_service_config& config) {
  Service service;
  service.name.assign(name.text, strnlen(name.text, sizeof(name.text)));
  service.endpoint = Endpoint::from_raw(config.endpoint);
  service.mode = static_cast<Mode>(config.mode);
  service.number = config.service;
  service.ring_bits = config.ring_bits;
  service.removing = config.removing != 0;
  service.idle_timeout_s = config.idle_timeout_s;
  service.udp_timeout_s = config.udp_timeout_s;
  service.retired = {config.retired_packets, config.retired_bytes, config.retired_connections};
  return service;
}

sluice_backend_key backend_key(const Backend& backend) {
  sluice_backend_key key{};
  key.service = backend.service;
  key.port = htons(backend.at.port);
  key.address = backend.at.address.raw();
  return key;
}

sluice_backend_config backend_record(const Backend& backend) {
  sluice_backend_config config{};
  config.backend = backend.number;
  config.weight = backend.weight;
  config.state = static_cast<uint8_t>(backend.state);
  config.removing = backend.removing ? 1 : 0;
  return config;
}

Backend backend_from(const sluice_backend_key& key, const sluice_backend_config& config) {
  Backend backend;
  backend.service = key.service;
  backend.at = {Address(key.address), ntohs(key.port)};
  backend.number = config.backend;
  backend.weight = config.weight;
  backend.state = static_cast<BackendState>(config.state);
  backend.removing = config.removing != 0;
  return backend;
}

sluice_service_entry table_record(const TableEntry& entry) {
  sluice_service_entry record{};
  record.address = entry.endpoint.address.raw();
  if (!entry.replies) {
    record.port = htons(entry.endpoint.port);
    record.l4_proto = static_cast<uint8_t>(entry.endpoint.l4_proto);
    record.service = entry.service;
  }
  record.used = 1;
  if (entry.paced) record.flags |= SLUICE_SERVICE_PACED;
  if (entry.replies) record.flags |= SLUICE_SERVICE_REPLIES;
  if (entry.translated) record.flags |= SLUICE_SERVICE_TRANSLATED;
  return record;
}

sluice_backend path_record(const Service& service, const Backend& backend, const Address& source) {
  sluice_backend record{};
  record.address = backend.at.address.raw();
  record.source = source.raw();
  record.port = htons(backend.at.port);
  record.mode = static_cast<uint8_t>(service.mode);
  record.state = static_cast<uint8_t>(backend.removing ? BackendState::down : backend.state);
  record.service = service.number;
  if (service.mode == Mode::ipip) write_outer(record, backend.at.address.is_v4());
  return record;
}

}  // namespace sluice
