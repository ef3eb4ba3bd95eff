// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "modes.h"

#include <endian.h>

#include <ostream>

namespace sluice::stage {

using packets::client;
using packets::director;
using packets::gateway;
using packets::same_packet;
using packets::service_one;

void ModeTest::SetUp() {
  StageTest::SetUp();
  if (IsSkipped()) return;
  tcp_ = serve(L4Proto::tcp, kServicePort);
  udp_ = serve(L4Proto::udp, kServicePort);
}

Service ModeTest::patch(L4Proto l4_proto, uint16_t port, const Host& host) const {
  Service service = service_at(family(), host, port, l4_proto, mode());
  if (mode() == Mode::gue) service.gue_variant = *GetParam().outer->gue_variant;
  return service;
}

ModeTest::Served ModeTest::serve(Service patch, const Host& backend, uint16_t backend_port,
                                 const Policy& policy) {
  Served served;
  served.service = stage().add_service(std::move(patch), policy);
  served.backend =
      stage().add_backend(served.service, outer(), backend, BackendState::up, backend_port);
  stage().settle(served.service, served.backend);
  return served;
}

Packet ModeTest::from_client(const std::vector<uint16_t>& tpids, const Host& to) const {
  Packet packet = Packet().ethernet(gateway, director_front);
  for (const uint16_t tpid : tpids) packet.vlan(7, tpid);
  return packet.ip(family(), client, to);
}

uint16_t ModeTest::translated_port(const Packet& sent) {
  const auto known = stage().translations().find(flow_of(sent));
  return known && *known ? be16toh((*known)->translated_tuple.source_port) : uint16_t{0};
}

Packet ModeTest::at_backend(const Packet& sent, const Host& backend, uint16_t backend_port) {
  if (GetParam().outer) {
    return encapsulated(sent, *GetParam().outer, backend, flow_hash(stage().seed(), sent), director,
                        backend);
  }
  if (mode() == Mode::l2) return forwarded(sent, director, backend);
  End from{client, source_port(sent)};
  if (mode() == Mode::snat) from = {director, translated_port(sent)};
  return translated(sent, from, {backend, backend_port}, director, backend);
}

End ModeTest::peer_of_backend(L4Proto l4_proto) {
  if (mode() == Mode::nat) return {client, kClientPort};
  return {director, translated_port(request(l4_proto))};
}

Packet ModeTest::reply(L4Proto l4_proto, const std::string& payload,
                       const std::vector<uint16_t>& tpids) {
  const End to = peer_of_backend(l4_proto);
  Packet packet = Packet().ethernet(packets::backend_one, director);
  for (const uint16_t tpid : tpids) packet.vlan(7, tpid);
  packet.ip(family(), packets::backend_one, to.host);
  return with_l4(packet, l4_proto, kBackendPort, to.port, payload, packets::tcp_ack);
}

Packet ModeTest::at_client(const Packet& sent) const {
  return translated(sent, {service_one, kServicePort}, {client, kClientPort}, director_front,
                    gateway);
}

void ModeTest::expect_reaches_backend(const Packet& sent) {
  const uint64_t before = stage().counted();
  const Outcome outcome = stage().steer(sent.frame());
  EXPECT_EQ(outcome.action, XDP_REDIRECT) << describe(sent);
  EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent).frame()));
  EXPECT_EQ(stage().counted(), before + 1);
}

void ModeTest::expect_passes(const Frame& frame, const std::string& verdict, Device device) {
  const uint64_t before = stage().counted();
  const uint64_t verdict_before = stage().verdicts(0)[verdict];
  const Outcome outcome = stage().steer(frame, device);
  EXPECT_EQ(outcome.action, XDP_PASS);
  EXPECT_TRUE(same_packet(outcome.frame, frame));
  EXPECT_EQ(stage().verdicts(0)[verdict], verdict_before + 1) << verdict;
  EXPECT_EQ(stage().counted(), before + 1);
}

void ModeTest::expect_dropped(const Frame& frame, const std::string& verdict,
                              const Service& service) {
  const uint64_t before = stage().counted();
  const uint64_t verdict_before = stage().verdicts(service.number)[verdict];
  EXPECT_EQ(stage().steer(frame).action, XDP_DROP);
  EXPECT_EQ(stage().verdicts(service.number)[verdict], verdict_before + 1) << verdict;
  EXPECT_EQ(stage().counted(), before + 1);
}

std::vector<Combination> every_combination() {
  std::vector<Combination> combinations;
  for (const Mode mode : {Mode::ipip, Mode::gue, Mode::l2, Mode::nat, Mode::snat}) {
    for (const Combination& combination : every_combination_of(mode))
      combinations.push_back(combination);
  }
  return combinations;
}

std::vector<Combination> every_combination_of(Mode mode) {
  std::vector<Combination> combinations;
  for (const Family family : packets::both_families) {
    if (mode != Mode::ipip && mode != Mode::gue) {
      combinations.push_back({family, mode});
      continue;
    }
    for (const Family outer : packets::both_families) {
      if (mode == Mode::ipip) combinations.push_back({family, mode, Outer(outer)});
      if (mode != Mode::gue) continue;
      combinations.push_back({family, mode, Outer(outer, uint8_t{0})});
      combinations.push_back({family, mode, Outer(outer, uint8_t{1})});
    }
  }
  return combinations;
}

std::vector<Combination> every_combination_of(Family family) {
  std::vector<Combination> combinations;
  for (const Combination& combination : every_combination()) {
    if (combination.family == family) combinations.push_back(combination);
  }
  return combinations;
}

std::vector<Combination> combinations_by_ring() {
  std::vector<Combination> combinations;
  for (const Combination& combination : every_combination()) {
    if (combination.mode != Mode::snat) combinations.push_back(combination);
  }
  return combinations;
}

std::vector<Combination> combinations_with_replies() {
  std::vector<Combination> combinations = every_combination_of(Mode::nat);
  for (const Combination& combination : every_combination_of(Mode::snat))
    combinations.push_back(combination);
  return combinations;
}

void PrintTo(const Combination& combination, std::ostream* out) {
  *out << family_text(combination.family) << '_' << mode_text(combination.mode);
  if (combination.outer && combination.outer->gue_variant)
    *out << int{*combination.outer->gue_variant};
  if (combination.outer) *out << "_in_" << family_text(combination.outer->family);
}

std::string combination_name(const testing::TestParamInfo<Combination>& info) {
  return testing::PrintToString(info.param);
}

}  // namespace sluice::stage
