// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode snat when ports run out: which connection's port may be taken over, and after how long.
#include <endian.h>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_two;
using packets::director;
using packets::tcp_ack;
using packets::tcp_rst;
using packets::tcp_syn;

// State and idle time of both directions of the connections that hold the ports.
struct HolderState {
  sluice_translation_state forward = SLUICE_TRANSLATION_OPEN;
  sluice_translation_state reply = SLUICE_TRANSLATION_OPEN;
  uint32_t forward_silence_s = 0;
  uint32_t reply_silence_s = 0;
};

constexpr uint32_t kSlack = 3;  // seconds; the clock advances while a test runs

class SteerFindsPorts : public SnatTest {
 protected:
  // A packet of the other client's connection that holds this port.
  [[nodiscard]] packets::Packet holder(uint16_t port) const {
    return with_l4(packets::Packet()
                       .ethernet(packets::gateway, director_front)
                       .ip(family(), packets::client_two, packets::service_one),
                   port, kServicePort, tcp_ack, "");
  }
  // Adds both entries of a connection for each port that `which` selects.
  template <typename Which>
  void hold_ports(const HolderState& holder_state, Which which) {
    sluice_flow forward_key = flow_of(holder(1));
    sluice_flow reply_key = flow_of(reply(1));
    sluice_translation forward{};
    forward.backend = backend_.number;
    forward.service = service_.number;
    forward.state = static_cast<uint8_t>(holder_state.forward);
    forward.seen_s = stage().now_s() - holder_state.forward_silence_s;
    sluice_translation backward = forward;
    backward.state = static_cast<uint8_t>(holder_state.reply);
    backward.seen_s = stage().now_s() - holder_state.reply_silence_s;
    backward.reply = 1;
    std::vector<sluice_flow> keys;
    std::vector<sluice_translation> entries;
    for (uint16_t port = SLUICE_SNAT_PORT_FIRST; port <= SLUICE_SNAT_PORT_LAST; port++) {
      if (!which(port)) continue;
      forward_key.source_port = reply_key.destination_port = htobe16(port);
      forward.translated_tuple = reverse(reply_key);
      backward.translated_tuple = reverse(forward_key);
      keys.insert(keys.end(), {forward_key, reply_key});
      entries.insert(entries.end(), {forward, backward});
    }
    stage().add_translations(keys, entries);
  }
  void hold_all_ports(const HolderState& holder_state) {
    hold_ports(holder_state, [](uint16_t) { return true; });
  }
  // With all ports held in this state, a new connection gets one, and its holder is deleted.
  void expect_taken_over(const HolderState& holder_state) {
    hold_all_ports(holder_state);
    const size_t entries = translations();
    const uint16_t port = port_of(opening());
    ASSERT_NE(port, 0);
    EXPECT_EQ(translations(), entries);
    EXPECT_FALSE(translation(flow_of(holder(port))));
    EXPECT_TRUE(same_flow(reply_entry(port)->translated_tuple, reverse(flow_of(opening()))));
    EXPECT_EQ(reply_entry(port)->claimed, 0u);
    EXPECT_EQ(port_of(request(tcp_ack)), port);
  }
  void expect_exhausted(const HolderState& holder_state) {
    hold_all_ports(holder_state);
    const size_t entries = translations();
    EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
    EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ports_exhausted", 1}}));
    EXPECT_EQ(stage().counted(), 1u);
    EXPECT_EQ(translations(), entries);
    EXPECT_FALSE(forward_entry());
  }
  // Exhausted before, taken over after the limit; SetUp() clears the stage in between.
  void expect_limit(HolderState holder_state, uint32_t limit_s) {
    holder_state.forward_silence_s = holder_state.reply_silence_s = limit_s - kSlack;
    expect_exhausted(holder_state);
    holder_state.forward_silence_s = holder_state.reply_silence_s = limit_s + kSlack;
    SetUp();
    expect_taken_over(holder_state);
  }
};

class SteerFindsPortsTcp : public SteerFindsPorts {};
class SteerFindsPortsUdp : public SteerFindsPorts {};

TEST_P(SteerFindsPorts, ConnectionsFindAFreePortWhenOneInFourIsFree) {
  hold_ports({}, [](uint16_t port) { return port % 4 != 0; });
  for (uint16_t client_port = 1; client_port <= 500; client_port++) {
    const uint16_t port = port_of(opening(client_port));
    ASSERT_NE(port, 0) << client_port;
    ASSERT_EQ(port % 4, 0) << "the port was held";
  }
}

TEST_P(SteerFindsPorts, ANewConnectionIsDroppedWhenLiveConnectionsHoldAllPorts) {
  expect_exhausted({});
}

TEST_P(SteerFindsPorts, EachBackendHasItsOwnPorts) {
  hold_all_ports({});
  move_to(backend_two);
  EXPECT_NE(port_of(opening()), 0);
}

TEST_P(SteerFindsPorts, AConnectionLiveInEitherDirectionKeepsItsPort) {
  constexpr uint32_t long_ago = SLUICE_SNAT_ESTABLISHED_S + 100;
  expect_exhausted({.reply_silence_s = long_ago});
  SetUp();
  expect_exhausted({.forward_silence_s = long_ago});
}

TEST_P(SteerFindsPorts, APortWithOnlyAReplyEntryIsTakenOverAfterTheTimeOut) {
  hold_all_ports({.reply_silence_s = SLUICE_SNAT_ESTABLISHED_S + kSlack});
  const auto held = stage().translations().entries();
  ASSERT_TRUE(held);
  for (const auto& [key, entry] : *held) {
    if (entry.reply == 1) continue;
    ASSERT_TRUE(stage().translations().erase(key));
  }
  EXPECT_NE(port_of(opening()), 0);
}

TEST_P(SteerFindsPorts, PurgingABackendFreesItsPorts) {
  hold_all_ports({});
  stage().purge(backend_);
  EXPECT_NE(port_of(opening()), 0);
}

// The service has the director's address, from which snat allocates ports.
TEST_P(SteerFindsPorts, APortThatAServiceListensOnIsNeverAllocated) {
  constexpr uint16_t listens = 2000;
  const auto but_one = [](uint16_t port) { return port != listens; };
  hold_ports({}, but_one);
  const auto got_it = [&] {
    for (uint16_t client_port = 1; client_port <= 3000; client_port++) {
      if (port_of(opening(client_port)) == listens) return true;
    }
    return false;
  };
  const Service own =
      stage().add_service(family(), director, listens, GetParam().l4_proto, Mode::ipip);
  stage().settle(own, stage().add_backend(own, family(), backend_two));
  EXPECT_FALSE(got_it());
  EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ports_exhausted", 3000}}));
  // Counter-check: without that service the port is allocated.
  SetUp();
  hold_ports({}, but_one);
  EXPECT_TRUE(got_it());
}

TEST_P(SteerFindsPortsTcp, AnOpenConnectionHoldsItsPortForTwoHours) {
  expect_limit({}, SLUICE_SNAT_ESTABLISHED_S);
}

TEST_P(SteerFindsPortsTcp, AHalfClosedConnectionHoldsItsPortForTwoHours) {
  expect_limit({.forward = SLUICE_TRANSLATION_FINISHED}, SLUICE_SNAT_ESTABLISHED_S);
}

TEST_P(SteerFindsPortsTcp, AnUnansweredConnectionHoldsItsPortForHalfAMinute) {
  expect_limit({.forward = SLUICE_TRANSLATION_OPENING, .reply = SLUICE_TRANSLATION_OPENING},
               SLUICE_SNAT_OPENING_S);
}

// The state after a SYN from a forged address: the backend answers, the client never does.
TEST_P(SteerFindsPortsTcp, AConnectionThatTheClientNeverConfirmsHoldsItsPortForHalfAMinute) {
  expect_limit({.forward = SLUICE_TRANSLATION_OPENING, .reply = SLUICE_TRANSLATION_OPEN},
               SLUICE_SNAT_OPENING_S);
}

TEST_P(SteerFindsPortsTcp, ARepeatedSynDoesNotConfirmAConnection) {
  const uint16_t port = port_of(opening());
  stage().steer(reply(port, tcp_syn | tcp_ack).frame(), Device::back);
  EXPECT_EQ(port_of(opening()), port);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPENING);
  EXPECT_EQ(port_of(request(tcp_ack)), port);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPEN);
}

TEST_P(SteerFindsPortsTcp, AConnectionClosedByBothSidesFreesItsPortInSeconds) {
  expect_limit({.forward = SLUICE_TRANSLATION_FINISHED, .reply = SLUICE_TRANSLATION_FINISHED},
               SLUICE_SNAT_CLOSED_S);
}

TEST_P(SteerFindsPortsTcp, AResetConnectionFreesItsPortInSeconds) {
  expect_limit({.reply = SLUICE_TRANSLATION_RESET}, SLUICE_SNAT_CLOSED_S);
  SetUp();
  expect_limit({.forward = SLUICE_TRANSLATION_RESET}, SLUICE_SNAT_CLOSED_S);
}

TEST_P(SteerFindsPortsUdp, AFlowHoldsItsPortForFiveMinutes) {
  expect_limit({}, SLUICE_SNAT_UDP_S);
}

// A 5-tuple begins again on another port, and the next connection takes over its first port.
TEST_P(SteerFindsPortsTcp, TakingOverAnOldPortKeepsTheConnectionsNewPort) {
  const uint16_t old_port = port_of(opening());
  stage().steer(reply(old_port, tcp_rst).frame(), Device::back);
  const uint16_t port = port_of(opening());
  ASSERT_NE(port, old_port);
  port_of(request(tcp_ack));
  const auto old = [&](const sluice_flow& key) {
    sluice_translation entry = *translation(key);
    entry.seen_s -= 2 * SLUICE_SNAT_CLOSED_S;
    ASSERT_TRUE(stage().translations().put(key, entry));
  };
  old(flow_of(opening()));
  old(flow_of(reply(old_port)));
  hold_ports({}, [=](uint16_t other) { return other != port && other != old_port; });
  // One of these new connections gets the old port.
  uint16_t client_port = 1;
  while (client_port < 5000 && port_of(opening(client_port)) != old_port) client_port++;
  ASSERT_LT(client_port, 5000);
  EXPECT_EQ(port_of(request(tcp_ack)), port);
  const auto answer = reply(port);
  EXPECT_TRUE(packets::same_packet(stage().steer(answer.frame(), Device::back).frame,
                                   at_client(answer).frame()));
}

INSTANTIATE_TEST_SUITE_P(Every, SteerFindsPorts, testing::ValuesIn(every_transport()),
                         transport_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerFindsPortsTcp,
                         testing::ValuesIn(every_transport_of(L4Proto::tcp)), transport_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerFindsPortsUdp,
                         testing::ValuesIn(every_transport_of(L4Proto::udp)), transport_name);

}  // namespace
}  // namespace sluice::stage
