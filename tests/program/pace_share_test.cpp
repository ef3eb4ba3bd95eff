// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace: a rate that flows share, their weights, marks, and impairments.
#include <linux/pkt_cls.h>
#include <unistd.h>

#include "kernel/state/records.h"
#include "kernel/system/clock.h"
#include "pace_instance.h"
#include "pure/departure_time.h"
#include "pure/fair_share.h"

namespace sluice::packets {
namespace {

constexpr uint8_t ect_0 = 2;          // RFC 3168, 5
constexpr uint8_t ect_1 = 1;
constexpr uint8_t ce = 3;

class PaceShare : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
    pace_.emplace();
    pace_->add_endpoint(service_one.endpoint(family(), web_port, 6), web);
  }
  [[nodiscard]] static Family family() { return GetParam(); }

  void set(const Policy& policy) { pace_->set_policy(web, policy_record(policy)); }

  [[nodiscard]] static Packet to_client(const Host& host = client, uint8_t ecn = 0,
                                        uint16_t port = 40000) {
    Packet packet = Packet().ethernet(director, host).ip(family(), service_one, host);
    if (auto* ip = packet.find<Ipv4>()) ip->tos = ecn;
    if (auto* ip = packet.find<Ipv6>()) ip->traffic_class = ecn;
    return packet.tcp({.source_port = web_port, .destination_port = port})
        .payload(std::string(1000, 'x'));
  }
  [[nodiscard]] static Packet to_service() {
    return Packet()
        .ethernet(client, director)
        .ip(family(), client, service_one)
        .tcp({.source_port = 40000, .destination_port = web_port})
        .payload(std::string(1000, 'x'));
  }
  PaceOutcome send(const Packet& packet, PaceHook hook = PaceHook::egress_edt,
                   PaceMetadata metadata = {}) {
    return pace_->run(hook, packet.frame(), metadata);
  }
  uint64_t departure(const Packet& packet) { return send(packet).metadata.tstamp; }

  [[nodiscard]] static sluice_flow key(const Host& host = client, uint16_t port = 40000) {
    return flow_key(host, service_one, family(), port, web_port, 6);
  }
  void owe(uint64_t ns) {
    send(to_client());
    pace_->set_departs(key(), monotonic_ns() + ns);
  }
  uint64_t packets(sluice_verdict verdict) { return pace_->verdict(web, verdict).packets; }

  std::optional<PaceInstance> pace_;
};

TEST_P(PaceShare, ASingleFlowHasTheWholeRate) {
  set({.rate_bytes_per_sec = rate});
  const Packet packet = to_client();
  owe(SLUICE_NS_PER_SEC);
  const uint64_t turn = departure(packet);
  for (uint64_t i = 1; i < 50; i++) {
    EXPECT_EQ(departure(packet), turn + i * packet.size() * 1000);
  }
}

TEST_P(PaceShare, TheFlowRateHoldsBesideTheServiceRate) {
  set({.flow_rate_bytes_per_sec = rate / 4, .rate_bytes_per_sec = rate});
  const Packet packet = to_client();
  owe(SLUICE_NS_PER_SEC);
  const uint64_t turn = departure(packet);
  EXPECT_EQ(departure(packet), turn + packet.size() * 4000);
}

// All begin at once, before anything is measured: the calendar alone keeps the total.
TEST_P(PaceShare, ManyFlowsThatBeginAtOnceKeepTheTotal) {
  set({.rate_bytes_per_sec = rate});
  const uint64_t before = monotonic_ns();
  uint64_t last = 0;
  constexpr uint16_t flows = 400;
  for (uint16_t port = 1; port <= flows; port++) {
    const uint64_t departs = departure(to_client(client, 0, port));
    EXPECT_GE(departs, before);
    last = std::max(last, departs);
  }
  const uint64_t bytes_ns = flows * to_client().size() * 1000;
  const sluice_share share = pace_->share(web).value();
  const uint64_t epoch_ns = share_epoch_ns(&share);
  EXPECT_GE(last + 2 * epoch_ns, before + bytes_ns);
  EXPECT_LE(last, monotonic_ns() + bytes_ns + epoch_ns);
}

TEST_P(PaceShare, PacketsPastTheHorizonAreDroppedAndTakeNoTurn) {
  set({.rate_bytes_per_sec = rate});
  const uint64_t began = monotonic_ns();
  uint64_t dropped = 0;
  for (uint16_t port = 1; port <= 4000; port++) {
    if (send(to_client(client, 0, port)).action == TC_ACT_SHOT) dropped++;
  }
  const uint64_t ended = monotonic_ns();
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(packets(SLUICE_VERDICT_HORIZON), dropped);
  // A byte is a microsecond. The margin: the first epoch, which had begun; half an epoch by which
  // the calendar may be ahead; the last packet of each epoch, which the next one subtracts.
  const sluice_share share = pace_->share(web).value();
  const uint64_t epoch_ns = share_epoch_ns(&share);
  const uint64_t sent_ns = packets(SLUICE_VERDICT_PACED) * to_client().size() * 1000;
  EXPECT_GE(sent_ns + epoch_ns, DEPARTURE_HORIZON_NS);
  EXPECT_LE(sent_ns, DEPARTURE_HORIZON_NS + (ended - began) + 3 * epoch_ns);
}

TEST_P(PaceShare, ANewRateHoldsAtOnce) {
  set({.rate_bytes_per_sec = rate});
  send(to_client());
  EXPECT_EQ(pace_->share(web)->rate_bytes_per_sec, rate);
  set({.rate_bytes_per_sec = 2 * rate});
  send(to_client());
  EXPECT_EQ(pace_->share(web)->rate_bytes_per_sec, 2 * rate);
  EXPECT_EQ(pace_->share(web)->unit_rate_bytes_per_sec, 2 * rate);
}

TEST_P(PaceShare, WithoutAServiceRateNothingIsShared) {
  set({.flow_rate_bytes_per_sec = rate});
  send(to_client());
  EXPECT_FALSE(pace_->share(web));
}

TEST_P(PaceShare, ASlotHasTheNameOfItsFlow) {
  set({.flow_rate_bytes_per_sec = rate});
  send(to_client());
  const auto name = pace_->departure_name(key());
  ASSERT_TRUE(name);
  const sluice_flow flow = key();
  EXPECT_EQ(std::memcmp(&name->flow, &flow, sizeof(flow)), 0);
  EXPECT_EQ(name->service, web);
  EXPECT_EQ(name->tag, pace_->departure(key())->tag);
}

TEST_P(PaceShare, AFlowsWeightIsItsClientsOrThePolicysOrOne) {
  set({.rate_bytes_per_sec = rate});
  send(to_client());
  EXPECT_EQ(pace_->departure(key())->weight, 1);
  set({.rate_bytes_per_sec = rate, .flow_weight = 5});
  pace_->set_weight(web, client_two.at(family()), 128, 3);
  pace_->set_weight(web + 1, client.at(family()), 128, 9);  // of another service
  send(to_client(client_two));
  EXPECT_EQ(pace_->departure(key(client_two))->weight, 3);
  send(to_client(client, 0, 1));
  EXPECT_EQ(pace_->departure(key(client, 1))->weight, 5);
  // The longest prefix decides.
  pace_->set_weight(web, client_two.at(family()), 96, 2);
  send(to_client(client_two, 0, 2));
  EXPECT_EQ(pace_->departure(key(client_two, 2))->weight, 3);
}

TEST_P(PaceShare, AChangedWeightReachesARunningFlow) {
  set({.rate_bytes_per_sec = rate});
  send(to_client());
  pace_->set_weight(web, client.at(family()), 128, 7);
  const uint64_t began = monotonic_ns();
  while (pace_->departure(key())->weight != 7 && monotonic_ns() < began + 3 * SLUICE_NS_PER_SEC) {
    usleep(10'000);
    send(to_client());
  }
  EXPECT_EQ(pace_->departure(key())->weight, 7);
}

TEST_P(PaceShare, AnEctPacketThatWaitsLongIsMarked) {
  set({.flow_rate_bytes_per_sec = rate});
  for (const uint8_t ecn : {ect_0, ect_1}) {
    owe(SLUICE_NS_PER_SEC);
    const PaceOutcome outcome = send(to_client(client, ecn));
    EXPECT_TRUE(same_packet(outcome.frame, to_client(client, ce).frame()));
    EXPECT_GT(outcome.metadata.tstamp, monotonic_ns());
  }
  EXPECT_EQ(packets(SLUICE_VERDICT_MARKED), 2U);
}

TEST_P(PaceShare, APacketWithoutEctIsNotMarked) {
  set({.flow_rate_bytes_per_sec = rate});
  owe(SLUICE_NS_PER_SEC);
  EXPECT_TRUE(same_packet(send(to_client()).frame, to_client().frame()));
  EXPECT_EQ(packets(SLUICE_VERDICT_MARKED), 0U);
}

TEST_P(PaceShare, APacketThatWaitsBrieflyIsNotMarked) {
  set({.flow_rate_bytes_per_sec = rate});
  owe(DEPARTURE_MARK_NS / 2);
  EXPECT_TRUE(same_packet(send(to_client(client, ect_0)).frame, to_client(client, ect_0).frame()));
}

TEST_P(PaceShare, AtALowRateTheSecondOfTwoPacketsIsNotMarked) {
  set({.flow_rate_bytes_per_sec = 1000});
  send(to_client(client, ect_0));
  const PaceOutcome second = send(to_client(client, ect_0));
  EXPECT_GT(second.metadata.tstamp, monotonic_ns() + DEPARTURE_MARK_NS);
  EXPECT_TRUE(same_packet(second.frame, to_client(client, ect_0).frame()));
}

TEST_P(PaceShare, InjectedLossHasThePolicysProbability) {
  set({.loss_ppm = 250'000});
  uint64_t dropped = 0;
  for (int i = 0; i < 4000; i++) {
    if (send(to_client(), PaceHook::egress).action == TC_ACT_SHOT) dropped++;
  }
  EXPECT_NEAR(static_cast<double>(dropped), 1000, 150);  // more than five standard deviations
  EXPECT_EQ(packets(SLUICE_VERDICT_INJECTED_LOSS), dropped);
  EXPECT_EQ(packets(SLUICE_VERDICT_UNPACED), 4000 - dropped);
}

TEST_P(PaceShare, PacketsOfClientsHaveNoInjectedLoss) {
  set({.loss_ppm = 500'000, .mark_ppm = 1'000'000});
  for (const PaceHook hook : pace_hooks) {
    for (int i = 0; i < 100; i++) EXPECT_EQ(send(to_service(), hook).action, TC_ACT_UNSPEC);
  }
  // At the ingress of a director a packet to a client is not impaired: its egress does that.
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(send(to_client(), PaceHook::ingress).action, TC_ACT_UNSPEC);
  }
}

TEST_P(PaceShare, InjectedMarksHaveThePolicysProbability) {
  set({.flow_rate_bytes_per_sec = rate, .mark_ppm = 1'000'000});
  EXPECT_TRUE(same_packet(send(to_client(client, ect_0)).frame, to_client(client, ce).frame()));
  EXPECT_TRUE(same_packet(send(to_client()).frame, to_client().frame()));
  EXPECT_EQ(packets(SLUICE_VERDICT_INJECTED_MARK), 1U);
  EXPECT_EQ(packets(SLUICE_VERDICT_PACED), 1U);
  set({.mark_ppm = 250'000});
  uint64_t marked = 0;
  for (int i = 0; i < 4000; i++) {
    if (!(send(to_client(client, ect_0), PaceHook::egress).frame ==
          to_client(client, ect_0).frame())) {
      marked++;
    }
  }
  EXPECT_NEAR(static_cast<double>(marked), 1000, 150);
}

TEST_P(PaceShare, PacketsBeyondTheIngressRateAreDropped) {
  set({.ingress_rate_bytes_per_sec = 1000});  // too slow to refill the bucket during the test
  uint64_t passed = 0;
  while (send(to_service(), PaceHook::ingress).action == TC_ACT_UNSPEC && passed < 1000) passed++;
  const double burst = 2.0 * SLUICE_POLICING_BURST_BYTES / static_cast<double>(to_service().size());
  EXPECT_NEAR(static_cast<double>(passed), burst, 3);
  EXPECT_EQ(packets(SLUICE_VERDICT_INGRESS_RATE), 1U);
  // A packet to a backend was policed at ingress; replies are not from clients.
  EXPECT_EQ(send(to_service(), PaceHook::egress).action, TC_ACT_UNSPEC);
  EXPECT_EQ(send(to_client(), PaceHook::ingress).action, TC_ACT_UNSPEC);
  EXPECT_EQ(send(to_client(), PaceHook::egress).action, TC_ACT_UNSPEC);
}

INSTANTIATE_TEST_SUITE_P(Families, PaceShare, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
