// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// No packet is lost silently: every packet, from either device and in every state of a backend, is
// counted once, by one verdict or one backend.
#include <linux/bpf.h>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_three;
using packets::backend_two;
using packets::client;
using packets::director;
using packets::gateway;
using packets::outsider;
using packets::Packet;
using packets::service_one;
using packets::service_two;

class SteerCounts : public StageTestOfFamily {
 protected:
  // Packets to services in every state and to other addresses, whole, truncated and padded.
  [[nodiscard]] std::vector<Frame> assortment() const {
    std::vector<Packet> packets;
    for (const Host* host : {&service_one, &service_two, &director, &outsider}) {
      for (const uint16_t port : {uint16_t{80}, uint16_t{81}, uint16_t{82}, uint16_t{83},
                                  uint16_t{84}, uint16_t{85}, uint16_t{86}, uint16_t{2000}}) {
        const Packet ip = Packet().ethernet(gateway, director_front).ip(family(), client, *host);
        for (const uint8_t flags : {packets::tcp_syn, packets::tcp_ack, packets::tcp_rst}) {
          packets.push_back(Packet(ip)
                                .tcp({.source_port = static_cast<uint16_t>(40000 + flags),
                                      .destination_port = port,
                                      .flags = flags})
                                .payload("hello"));
        }
        packets.push_back(Packet(ip).udp({.source_port = 40000, .destination_port = port}));
        packets.push_back(with_ttl(packets.back(), 1));
        packets.push_back(Packet(ip)
                              .udp({.source_port = 40000, .destination_port = port})
                              .payload(std::string(1470, 'x')));
      }
      packets.push_back(
          Packet().ethernet(gateway, director_front).ip(family(), client, *host).icmp({.type = 8}));
      packets.push_back(
          Packet().ethernet(gateway, director_front).vlan(5).ip(family(), client, *host).tcp({}));
    }
    std::vector<Frame> frames;
    for (const Packet& packet : packets) {
      frames.push_back(packet.frame());
      frames.push_back(packet.frame().truncated(14));
      frames.push_back(packet.frame().truncated(30));
      frames.push_back(packet.frame().truncated(packet.size() - 1));
      frames.push_back(padded(packet.frame(), 100));
    }
    return frames;
  }

  // In both modes and protocols, a service on each of these ports, each in another state.
  void populate() {
    for (const Mode mode : {Mode::ipip, Mode::snat}) {
      const Host& host = mode == Mode::ipip ? service_one : service_two;
      for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
        uint16_t port = 80;
        const auto add = [&](const Host& backend, BackendState state) {
          const Service service = stage().add_service(family(), host, port++, l4_proto, mode);
          stage().settle(service, stage().add_backend(service, family(), backend, state));
        };
        add(backend_one, BackendState::up);
        add(backend_one, BackendState::draining);
        add(backend_one, BackendState::down);
        add(backend_lost, BackendState::up);
        stage().add_service(family(), host, port++, l4_proto, mode);
        const Service moves = stage().add_service(family(), host, port++, l4_proto, mode);
        const Backend one = stage().add_backend(moves, family(), backend_one);
        const Backend two = stage().add_backend(moves, family(), backend_two);
        stage().set_ring(moves, Ring(256, {two.number, one.number, true}));
      }
    }
  }

  // The verdicts of punted packets are counted in addition to the backend; they are left out here.
  [[nodiscard]] uint64_t counted_once() {
    uint64_t punted = 0;
    for (uint32_t service = 0; service <= 40; service++) {
      const Verdicts verdicts = stage().verdicts(service);
      for (const char* name : {"neighbour_unknown", "punted_to_pace", "other_device"}) {
        if (verdicts.contains(name)) punted += verdicts.at(name);
      }
    }
    return stage().counted() - punted;
  }
};

TEST_P(SteerCounts, EveryPacketIsCountedExactlyOnce) {
  populate();
  uint64_t sent = 0;
  std::map<int, uint64_t> actions;
  for (const Device device : {Device::front, Device::back}) {
    for (const Frame& frame : assortment()) {
      actions[stage().steer(frame, device).action]++;
      ASSERT_EQ(stage().counted(), ++sent) << describe(frame);
    }
  }
  EXPECT_GT(actions[XDP_PASS], 100u);
  EXPECT_GT(actions[XDP_DROP], 100u);
  EXPECT_GT(actions[XDP_REDIRECT], 20u);
  EXPECT_GT(actions[XDP_TX], 20u);
  EXPECT_EQ(actions.size(), 4u) << "an unknown action";
}

TEST_P(SteerCounts, PuntedPacketsAreCountedByVerdictAndBackend) {
  for (const Mode mode : {Mode::ipip, Mode::snat}) {
    const Host& host = mode == Mode::ipip ? service_one : service_two;
    const Service unknown = stage().add_service(family(), host, 80, L4Proto::udp, mode);
    stage().settle(unknown, stage().add_backend(unknown, family(), backend_three));
    const Service paced = stage().add_service(family(), host, 81, L4Proto::udp, mode, true);
    stage().settle(paced, stage().add_backend(paced, family(), backend_one));
  }
  uint64_t sent = 0;
  for (const Frame& frame : assortment()) {
    stage().steer(frame);
    ASSERT_EQ(counted_once(), ++sent) << describe(frame);
  }
}

TEST_P(SteerCounts, BytesAreCountedFromTheIpHeaderOn) {
  const Service service = stage().add_service(family(), service_one, 80, L4Proto::tcp, Mode::ipip);
  const Backend backend = stage().add_backend(service, family(), backend_one);
  stage().settle(service, backend);
  uint64_t bytes = 0;
  for (size_t payload = 0; payload < 100; payload++) {
    const Packet packet = Packet()
                              .ethernet(gateway, director_front)
                              .ip(family(), client, service_one)
                              .tcp({.source_port = 40000, .destination_port = 80})
                              .payload(std::string(payload, 'x'));
    bytes += packet.datagram().size();
    stage().steer(padded(packet.frame(), 90));
  }
  EXPECT_EQ(stage().traffic(backend), (Traffic{100, bytes, 0}));
}

TEST_P(SteerCounts, EachBackendCountsItsOwnPackets) {
  const Service service = stage().add_service(family(), service_one, 80, L4Proto::tcp, Mode::ipip);
  const Backend one = stage().add_backend(service, family(), backend_one);
  const Backend two = stage().add_backend(service, family(), backend_two);
  Ring ring(256, {one.number, 0, false});
  for (size_t slot = 0; slot < 128; slot++) ring[slot].backend = two.number;
  stage().set_ring(service, ring);
  uint64_t expected_two = 0;
  for (uint16_t port = 1; port <= 1000; port++) {
    const Packet packet =
        Packet()
            .ethernet(gateway, director_front)
            .ip(family(), client, service_one)
            .tcp({.source_port = port, .destination_port = 80, .flags = packets::tcp_syn});
    if (slot_of(flow_hash(stage().seed(), packet), 256) < 128) expected_two++;
    stage().steer(packet.frame());
  }
  EXPECT_EQ(stage().traffic(two).packets, expected_two);
  EXPECT_EQ(stage().traffic(two).connections, expected_two);
  EXPECT_EQ(stage().traffic(one).packets, 1000 - expected_two);
  EXPECT_EQ(stage().traffic(one).connections, 1000 - expected_two);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerCounts, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
