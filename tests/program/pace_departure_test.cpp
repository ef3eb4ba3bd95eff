// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace, departure times: packets of a service to its clients leave at the policy's rate per flow.
// Only the packet's metadata changes.
#include <linux/pkt_cls.h>
#include <unistd.h>

#include "kernel/system/clock.h"
#include "pace_instance.h"
#include "pure/departure_time.h"

namespace sluice::packets {
namespace {


struct Case {
  Family family;
  uint8_t l4_proto;
};

class PaceDeparture : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
    pace_.emplace();
    pace_->add_endpoint(service_one.endpoint(family(), web_port, GetParam().l4_proto), web);
    pace_->set_policy(web, rate, 0);
  }

  [[nodiscard]] static Family family() { return GetParam().family; }

  [[nodiscard]] static Packet to_client(size_t payload, uint16_t port = client_port) {
    Packet packet = Packet().ethernet(director, client).ip(family(), service_one, client);
    if (GetParam().l4_proto == 6) {
      packet.tcp({.source_port = web_port, .destination_port = port});
    } else {
      packet.udp({.source_port = web_port, .destination_port = port});
    }
    return packet.payload(std::string(payload, 'x'));
  }

  // The next packet of the flow may leave a second from now.
  void owe_a_second() {
    pace_->run(PaceHook::egress_edt, to_client(1).frame());
    pace_->set_departs(key(), monotonic_ns() + SLUICE_NS_PER_SEC);
  }
  [[nodiscard]] uint64_t owed() const { return pace_->departure(key())->departs_ns; }
  [[nodiscard]] uint64_t sent() const { return pace_->departure(key())->bytes; }

  // The departure time of the packet; 0: none.
  uint64_t departure(PaceHook hook, const Packet& packet, PaceMetadata metadata = {}) {
    const PaceOutcome outcome = pace_->run(hook, packet.frame(), metadata);
    EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
    EXPECT_TRUE(same_packet(outcome.frame, packet.frame()));
    return outcome.metadata.tstamp;
  }

  void expect_at_once(const Packet& packet, PaceMetadata metadata = {}) {
    const uint64_t before = monotonic_ns();
    const uint64_t given = departure(PaceHook::egress_edt, packet, metadata);
    EXPECT_GE(given, before);
    EXPECT_LE(given, monotonic_ns());
  }

  [[nodiscard]] static sluice_flow key() {
    return flow_key(client, service_one, family(), client_port, web_port, GetParam().l4_proto);
  }

  std::optional<PaceInstance> pace_;
};

TEST_P(PaceDeparture, PacketsAreSpacedByTheTimeOfTheirBytes) {
  const Packet packet = to_client(1000);
  owe_a_second();  // otherwise the clock overtakes the flow when the test is delayed
  uint64_t turn = owed();
  const uint64_t sent_before = sent();
  const sluice_counter paced_before = pace_->verdict(web, SLUICE_VERDICT_PACED);
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(departure(PaceHook::egress_edt, packet), turn);
    turn += packet.size() * 1000;
  }
  const sluice_counter paced = pace_->verdict(web, SLUICE_VERDICT_PACED);
  EXPECT_EQ(paced.packets - paced_before.packets, 100);
  EXPECT_EQ(paced.bytes - paced_before.bytes, 100 * packet.size());
  EXPECT_EQ(sent() - sent_before, 100 * packet.size());
}

TEST_P(PaceDeparture, AnIdleFlowLeavesAtOnce) {
  expect_at_once(to_client(1000));
}

TEST_P(PaceDeparture, AnUnsegmentedPacketCountsEveryHeader) {
  owe_a_second();
  const uint64_t turn = owed();
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000), {.wire_len = 65000}), turn);
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000)), turn + 65'000'000);
}

TEST_P(PaceDeparture, FlowsDoNotWaitForEachOther) {
  owe_a_second();
  expect_at_once(to_client(1000, client_port + 1));
}

TEST_P(PaceDeparture, ALaterTimeRequestedByTheSenderIsKept) {
  const uint64_t asked = monotonic_ns() + 1'000'000'000;
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000), {.tstamp = asked}), asked);
  // The flow continues from there.
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000)),
            asked + to_client(1000).size() * 1000);
}

TEST_P(PaceDeparture, AnEarlierTimeRequestedByTheSenderIsReplaced) {
  owe_a_second();
  const uint64_t turn = owed();
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000), {.tstamp = turn - 1000}), turn);
}

TEST_P(PaceDeparture, ATimeOfReceptionIsNotTakenForADeparture) {
  const uint64_t received = 1'700'000'000ull * SLUICE_NS_PER_SEC;  // of the other clock
  expect_at_once(to_client(1000), {.tstamp = received});
}

TEST_P(PaceDeparture, PacketsPastTheHorizonAreDroppedAndCounted) {
  const Packet packet = to_client(1000);
  pace_->set_policy(web, 30'000, 0);
  departure(PaceHook::egress_edt, packet, {.wire_len = 65'000});  // 2.17 s
  const uint64_t before = owed();
  const PaceOutcome outcome = pace_->run(PaceHook::egress_edt, packet.frame());
  EXPECT_EQ(outcome.action, TC_ACT_SHOT);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_HORIZON).packets, 1);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_HORIZON).bytes, packet.size());
  EXPECT_EQ(owed(), before);  // a dropped packet takes no turn
  EXPECT_EQ(sent(), 65'000);
}

TEST_P(PaceDeparture, APacketCutOffByItsOwnLengthIsPassed) {
  Packet packet = to_client(1000);
  if (auto* ip = packet.find<Ipv4>()) ip->total_length = 20 + 4;
  if (auto* ip = packet.find<Ipv6>()) ip->payload_length = 4;
  EXPECT_EQ(departure(PaceHook::egress_edt, packet), 0);
  EXPECT_EQ(pace_->verdict(0, SLUICE_VERDICT_UNPACED).packets, 1);
}

TEST_P(PaceDeparture, WithoutARateNothingIsStamped) {
  pace_->set_policy(web, 0, 20000);
  EXPECT_EQ(departure(PaceHook::egress_edt, to_client(1000)), 0);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_UNPACED).packets, 1);
}

TEST_P(PaceDeparture, WithoutAQdiscThatHonoursItNothingIsStamped) {
  EXPECT_EQ(departure(PaceHook::egress, to_client(1000)), 0);
  EXPECT_EQ(departure(PaceHook::ingress, to_client(1000)), 0);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_PACED).packets, 1) << "policed instead";
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_UNPACED).packets, 1);
}

TEST_P(PaceDeparture, PacketsFromTheClientAreNotStamped) {
  Packet packet = Packet().ethernet(client, director).ip(family(), client, service_one);
  if (GetParam().l4_proto == 6) {
    packet.tcp({.source_port = client_port, .destination_port = web_port});
  } else {
    packet.udp({.source_port = client_port, .destination_port = web_port});
  }
  EXPECT_EQ(departure(PaceHook::egress_edt, packet), 0);
}

TEST_P(PaceDeparture, AVlanTagInTheDataIsNoObstacle) {
  Packet packet = Packet().ethernet(director, client).vlan(5).ip(family(), service_one, client);
  if (GetParam().l4_proto == 6) {
    packet.tcp({.source_port = web_port, .destination_port = client_port});
  } else {
    packet.udp({.source_port = web_port, .destination_port = client_port});
  }
  const uint64_t before = monotonic_ns();
  EXPECT_GE(departure(PaceHook::egress_edt, packet), before);
}

TEST_P(PaceDeparture, ASynDoesNotWaitForTheFlowBefore) {
  owe_a_second();
  const uint64_t before = owed();
  pace_->run(PaceHook::ingress, Packet()
                                    .ethernet(client, director)
                                    .ip(family(), client, service_one)
                                    .tcp({.source_port = client_port,
                                          .destination_port = web_port,
                                          .seq = 1,
                                          .flags = tcp_syn})
                                    .frame());
  EXPECT_EQ(owed(), before);
}

INSTANTIATE_TEST_SUITE_P(Flows, PaceDeparture,
                         testing::Values(Case{Family::v4, 6}, Case{Family::v6, 6},
                                         Case{Family::v4, 17}, Case{Family::v6, 17}),
                         [](const auto& flow) {
                           return std::string(family_text(flow.param.family)) +
                                  (flow.param.l4_proto == 6 ? "_tcp" : "_udp");
                         });

}  // namespace
}  // namespace sluice::packets
