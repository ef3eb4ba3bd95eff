// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace without fq: packets beyond a policy's rates are dropped and counted, because there is no
// queue to wait in. These packets have no socket; tests/lab/sockets_test.sh tests sockets that pace
// themselves.
#include <linux/pkt_cls.h>
#include <unistd.h>

#include "kernel/state/records.h"
#include "pace_instance.h"
#include "pure/departure_time.h"

namespace sluice::packets {
namespace {

constexpr uint64_t slow = 1000;  // bytes a second: too slow to refill the bucket during a test

class PaceLimit : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
    pace_.emplace();
    pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 6), web);
  }
  void set(const Policy& policy) { pace_->set_policy(web, policy_record(policy)); }

  [[nodiscard]] static Packet to_client(uint16_t port = 40000) {
    return Packet()
        .ethernet(director, client)
        .ip(GetParam(), service_one, client)
        .tcp({.source_port = web_port, .destination_port = port})
        .payload(std::string(1000, 'x'));
  }
  // Packets that pass before the first drop.
  uint64_t passed(uint16_t port = 40000) {
    uint64_t count = 0;
    while (pace_->run(PaceHook::egress, to_client(port).frame()).action == TC_ACT_UNSPEC &&
           count < 1000) {
      count++;
    }
    return count;
  }
  [[nodiscard]] static double burst() {
    return static_cast<double>(SLUICE_POLICING_BURST_BYTES) /
           static_cast<double>(to_client().size());
  }

  std::optional<PaceInstance> pace_;
};

TEST_P(PaceLimit, PacketsBeyondTheFlowRateAreDroppedWithoutHarmToOtherFlows) {
  set({.flow_rate_bytes_per_sec = slow});
  EXPECT_NEAR(static_cast<double>(passed()), burst(), 3);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_POLICED).packets, 1U);
  EXPECT_NEAR(static_cast<double>(passed(40001)), burst(), 3);
}

TEST_P(PaceLimit, PacketsBeyondTheServiceRateAreDropped) {
  set({.rate_bytes_per_sec = slow});
  EXPECT_NEAR(static_cast<double>(passed()), burst(), 3);
  EXPECT_EQ(passed(40001), 0U);
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_POLICED).packets, 2U);
}

TEST_P(PaceLimit, PacketsWithinTheRatePassUnchanged) {
  set({.flow_rate_bytes_per_sec = 1'000'000'000, .rate_bytes_per_sec = 2'000'000'000});
  for (int i = 0; i < 10; i++) {
    const PaceOutcome outcome = pace_->run(PaceHook::egress, to_client().frame());
    EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
    EXPECT_TRUE(same_packet(outcome.frame, to_client().frame()));
    EXPECT_EQ(outcome.metadata.tstamp, 0U);
  }
  EXPECT_EQ(pace_->verdict(web, SLUICE_VERDICT_PACED).packets, 10U);
}

TEST_P(PaceLimit, WithoutARateNothingIsDropped) {
  set({.window_bytes = 65536});
  EXPECT_EQ(passed(), 1000U);
}

INSTANTIATE_TEST_SUITE_P(Families, PaceLimit, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
