// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture of the tests of moving slots: services of mode ipip, the backend that a packet
// reaches, and what the flow tables hold.
#pragma once

#include <linux/bpf.h>

#include <cstring>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {

using packets::Packet;

// A service per protocol, with three backends, and how its ring and tables are set and read.
class FlowTest : public StageTestOfFamily {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      const Service service =
          stage().add_service(family(), packets::service_one, 80, l4_proto, Mode::ipip);
      Pool& pool = l4_proto == L4Proto::tcp ? tcp_ : udp_;
      pool = {service, stage().add_backend(service, family(), packets::backend_one),
              stage().add_backend(service, family(), packets::backend_two),
              stage().add_backend(service, family(), backend_far)};
    }
  }

  // A service and its backends: the slots' previous one, their current one and a later one.
  struct Pool {
    Service service;
    Backend one;
    Backend two;
    Backend far;
  };

  [[nodiscard]] static Ring all(RingSlot slot) { return Ring(kSlots, slot); }
  // All slots move from `previous` to `backend`; 0: no backend.
  [[nodiscard]] static Ring moving(uint32_t previous, uint32_t backend) {
    return all({.backend = backend, .previous = previous, .moving = true});
  }

  [[nodiscard]] Packet tcp(uint8_t flags, uint16_t port = 40000) const {
    return Packet()
        .ethernet(packets::gateway, director_front)
        .ip(family(), packets::client, packets::service_one)
        .tcp({.source_port = port, .destination_port = 80, .flags = flags});
  }
  [[nodiscard]] Packet syn(uint16_t port = 40000) const { return tcp(packets::tcp_syn, port); }
  [[nodiscard]] Packet ack(uint16_t port = 40000) const { return tcp(packets::tcp_ack, port); }
  [[nodiscard]] Packet udp(uint16_t port = 40000) const {
    return Packet()
        .ethernet(packets::gateway, director_front)
        .ip(family(), packets::client, packets::service_one)
        .udp({.source_port = port, .destination_port = 80})
        .payload("question");
  }

  // The name of the backend that received the packet, or "dropped", "passed", "astray".
  std::string reached(const Packet& packet) {
    const Outcome outcome = stage().steer(packet.frame());
    if (outcome.action == XDP_DROP) return "dropped";
    if (outcome.action == XDP_PASS) return "passed";
    Packet out = Packet::parse(outcome.frame);
    for (const Host* host : {&packets::backend_one, &packets::backend_two, &backend_far}) {
      const auto* v4 = out.find<packets::Ipv4>();
      const auto* v6 = out.find<packets::Ipv6>();
      const auto& destination = v4 != nullptr ? v4->destination : v6->destination;
      if (memcmp(&destination, &host->at(family()), sizeof(destination)) == 0) return host->name;
    }
    return "astray";
  }

  // The backend that the table tracks for the packet's flow; 0: none.
  static uint32_t tracked(Tracked& table, const Packet& packet) {
    const auto found = table.find(flow_of(packet));
    return found && *found ? (*found)->backend : 0;
  }
  uint32_t half_open(const Packet& packet) { return tracked(stage().half_open(), packet); }
  uint32_t established(const Packet& packet) { return tracked(stage().flows(), packet); }
  size_t tracked_flows() {
    return stage().flows().entries()->size() + stage().half_open().entries()->size();
  }

  Pool tcp_;
  Pool udp_;
};

}  // namespace sluice::stage
