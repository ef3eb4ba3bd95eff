// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "translation.h"

namespace sluice::stage {

using packets::backend_one;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Packet;
using packets::service_one;

void SnatTest::SetUp() {
  StageTest::SetUp();
  if (IsSkipped()) return;
  service_ =
      stage().add_service(family(), service_one, kServicePort, GetParam().l4_proto, Mode::snat);
  backend_ = move_to(backend_one);
}

Backend SnatTest::move_to(const Host& host) {
  const Backend backend =
      stage().add_backend(service_, family(), host, BackendState::up, kBackendPort);
  stage().settle(service_, backend);
  return backend;
}

Packet with_l4(Packet packet, L4Proto l4_proto, uint16_t source_port, uint16_t destination_port,
               const std::string& payload, uint8_t flags) {
  if (l4_proto == L4Proto::tcp) {
    packet.tcp({.source_port = source_port,
                .destination_port = destination_port,
                .seq = 7,
                .ack = 9,
                .flags = flags});
  } else {
    packet.udp({.source_port = source_port, .destination_port = destination_port});
  }
  return packet.payload(payload);
}

Packet with_long_ip_header(Packet packet, Family family) {
  if (family == Family::v4) {
    return packet.add(packets::Ipv4{.source = client.v4,
                                    .destination = service_one.v4,
                                    .tos = 0xb8,
                                    .id = 0x1234,
                                    .options = packets::Bytes(40, 1)});
  }
  packet.ip(Family::v6, client, service_one);
  packet.find<packets::Ipv6>()->flow_label = 0xabcde;
  packet.find<packets::Ipv6>()->traffic_class = 0xb8;
  packet.add(packets::Ipv6Extension{.kind = packets::ipv6_hop_by_hop});
  for (int i = 0; i < 5; i++) packet.add(packets::Ipv6Extension{.body = packets::Bytes(22)});
  return packet;
}

Packet SnatTest::request(uint8_t flags, uint16_t port, const std::string& payload) const {
  return with_l4(Packet().ethernet(gateway, director_front).ip(family(), client, service_one), port,
                 kServicePort, flags, payload);
}

Packet SnatTest::at_backend(const Packet& sent, uint16_t port, const Host& backend) const {
  return translated(sent, {director, port}, {backend, kBackendPort}, director, backend);
}

Packet SnatTest::reply(uint16_t port, uint8_t flags, const Host& backend) const {
  return with_l4(Packet().ethernet(backend, director).ip(family(), backend, director), kBackendPort,
                 port, flags, "answer");
}

Packet SnatTest::at_client(const Packet& sent, uint16_t client_port) const {
  return translated(sent, {service_one, kServicePort}, {client, client_port}, director_front,
                    gateway);
}

uint16_t SnatTest::port_of(const Packet& sent) {
  const Outcome outcome = stage().steer(sent.frame());
  if (outcome.action != XDP_REDIRECT) return 0;
  return source_port(Packet::parse(outcome.frame));
}

std::optional<sluice_translation> SnatTest::translation(const sluice_flow& flow) {
  const auto found = stage().translations().find(flow);
  return found ? *found : std::nullopt;
}

std::string transport_name(const testing::TestParamInfo<Transport>& info) {
  return fmt::format("{}_{}", family_text(info.param.family), l4_proto_text(info.param.l4_proto));
}

std::vector<Transport> every_transport() {
  std::vector<Transport> out = every_transport_of(L4Proto::tcp);
  for (const Transport& transport : every_transport_of(L4Proto::udp)) out.push_back(transport);
  return out;
}

std::vector<Transport> every_transport_of(L4Proto l4_proto) {
  return {{Family::v4, l4_proto}, {Family::v6, l4_proto}};
}

}  // namespace sluice::stage
