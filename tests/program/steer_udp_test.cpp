// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Selection of a backend for UDP in a moving slot: time-outs separate new flows from old ones.
#include "flow_fixture.h"

namespace sluice::stage {
namespace {

class SteerPicksUdp : public FlowTest {};

TEST_P(SteerPicksUdp, AnUntrackedUdpFlowGoesToThePreviousBackendWithinTheTimeOut) {
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT - 5);
  EXPECT_EQ(reached(udp()), "backend_one");
  EXPECT_EQ(established(udp()), udp_.one.number);
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT + 5);
  EXPECT_EQ(reached(udp()), "backend_one") << "tracked by now";
  EXPECT_EQ(tracked_flows(), 1u);
}

TEST_P(SteerPicksUdp, AnUntrackedUdpFlowIsNewAfterTheTimeOut) {
  stage().set_ring_of_age(udp_.service, moving(udp_.one.number, udp_.two.number),
                          SLUICE_UDP_TIMEOUT_S_DEFAULT + 2);
  EXPECT_EQ(reached(udp()), "backend_two");
  EXPECT_EQ(established(udp()), udp_.two.number);
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.far.number));
  EXPECT_EQ(reached(udp()), "backend_two");
}

TEST_P(SteerPicksUdp, AUdpFlowToABackendThatIsDownBeginsElsewhere) {
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.two.number));
  EXPECT_EQ(reached(udp()), "backend_one");
  stage().set_state(udp_.service, udp_.one, BackendState::down);
  stage().set_ring(udp_.service, moving(udp_.two.number, udp_.two.number));
  EXPECT_EQ(reached(udp()), "backend_two");
  EXPECT_EQ(established(udp()), udp_.two.number);
  EXPECT_EQ(reached(udp()), "backend_two");
}

TEST_P(SteerPicksUdp, AUdpFlowSilentForTheTimeOutBeginsAgain) {
  stage().set_ring(udp_.service, moving(udp_.one.number, udp_.two.number));
  const uint32_t now_s = stage().now_s();
  ASSERT_TRUE(stage().flows().put(flow_of(udp(1)), {udp_.far.number, now_s - 55}));
  ASSERT_TRUE(stage().flows().put(flow_of(udp(2)), {udp_.far.number, now_s - 65}));
  EXPECT_EQ(reached(udp(1)), "backend_far");
  EXPECT_EQ(reached(udp(2)), "backend_two");
  EXPECT_EQ(established(udp(2)), udp_.two.number);
}

TEST_P(SteerPicksUdp, TheUdpTimeOutIsTheServicesOwn) {
  Service long_timeout = udp_.service;
  long_timeout.udp_timeout_s = 1000;
  stage().set_ring_of_age(long_timeout, moving(udp_.one.number, udp_.two.number), 900);
  ASSERT_TRUE(stage().flows().put(flow_of(udp(1)), {udp_.far.number, stage().now_s() - 900}));
  EXPECT_EQ(reached(udp(1)), "backend_far");
  EXPECT_EQ(reached(udp(2)), "backend_one");
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPicksUdp, testing::ValuesIn(packets::both_families),
                         family_name);

}  // namespace
}  // namespace sluice::stage
