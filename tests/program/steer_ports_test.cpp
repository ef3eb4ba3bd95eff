// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode snat when ports run out: whose port may be taken over, and whose never.
#include <endian.h>

#include "translation.h"

namespace sluice::stage {
namespace {

using packets::backend_two;
using packets::director;
using packets::tcp_ack;
using packets::tcp_rst;
using packets::tcp_syn;

// How the two ways of the connections that hold the ports were left.
struct Left {
  sluice_translation_state forward = SLUICE_TRANSLATION_OPEN;
  sluice_translation_state reply = SLUICE_TRANSLATION_OPEN;
  uint32_t forward_silence_s = 0;
  uint32_t reply_silence_s = 0;
};

constexpr uint32_t kSlack = 3;  // the clock ticks while a test runs

class SteerFindsPorts : public SnatTest {
 protected:
  // A connection of some other client that holds this port, and its two entries.
  [[nodiscard]] packets::Packet holder(uint16_t port) const {
    return with_l4(packets::Packet()
                       .ethernet(packets::gateway, director_front)
                       .ip(family(), packets::client_two, packets::service_one),
                   port, kServicePort, tcp_ack, "");
  }
  // Holds every port that `which` picks.
  template <typename Which>
  void hold_ports(const Left& left, Which which) {
    sluice_flow forward_key = flow_of(holder(1));
    sluice_flow reply_key = flow_of(reply(1));
    sluice_translation forward{};
    forward.backend = backend_.number;
    forward.service = service_.number;
    forward.state = static_cast<uint8_t>(left.forward);
    forward.seen_s = stage().now_s() - left.forward_silence_s;
    sluice_translation backward = forward;
    backward.state = static_cast<uint8_t>(left.reply);
    backward.seen_s = stage().now_s() - left.reply_silence_s;
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
    stage().remember(keys, entries);
  }
  void hold_all_ports(const Left& left) {
    hold_ports(left, [](uint16_t) { return true; });
  }
  // With every port held like this, does a new connection get one, and is its holder gone?
  void expect_taken_over(const Left& left) {
    hold_all_ports(left);
    const size_t entries = translations();
    const uint16_t port = port_of(opening());
    ASSERT_NE(port, 0);
    EXPECT_EQ(translations(), entries);
    EXPECT_FALSE(translation(flow_of(holder(port))));
    EXPECT_TRUE(same_flow(reply_entry(port)->translated_tuple, reverse(flow_of(opening()))));
    EXPECT_EQ(reply_entry(port)->claimed, 0u);
    EXPECT_EQ(port_of(request(tcp_ack)), port);
  }
  void expect_exhausted(const Left& left) {
    hold_all_ports(left);
    const size_t entries = translations();
    EXPECT_EQ(stage().steer(opening().frame()).action, XDP_DROP);
    EXPECT_EQ(stage().verdicts(service_.number), (Verdicts{{"ports_exhausted", 1}}));
    EXPECT_EQ(stage().counted(), 1u);
    EXPECT_EQ(translations(), entries);
    EXPECT_FALSE(forward_entry());
  }
  // Both, at both sides of a limit; SetUp() clears the stage between them.
  void expect_limit(Left left, uint32_t limit_s) {
    left.forward_silence_s = left.reply_silence_s = limit_s - kSlack;
    expect_exhausted(left);
    left.forward_silence_s = left.reply_silence_s = limit_s + kSlack;
    SetUp();
    expect_taken_over(left);
  }
};

class SteerFindsPortsTcp : public SteerFindsPorts {};
class SteerFindsPortsUdp : public SteerFindsPorts {};

TEST_P(SteerFindsPorts, WhereOnePortInFourIsFreeConnectionsFindIt) {
  hold_ports({}, [](uint16_t port) { return port % 4 != 0; });
  for (uint16_t client_port = 1; client_port <= 500; client_port++) {
    const uint16_t port = port_of(opening(client_port));
    ASSERT_NE(port, 0) << client_port;
    ASSERT_EQ(port % 4, 0) << "taken from its holder";
  }
}

TEST_P(SteerFindsPorts, WithEveryPortHeldByTheLivingANewConnectionIsDropped) {
  expect_exhausted({});
}

TEST_P(SteerFindsPorts, PortsTowardsAnotherBackendAreOthers) {
  hold_all_ports({});
  move_to(backend_two);
  EXPECT_NE(port_of(opening()), 0);
}

TEST_P(SteerFindsPorts, AConnectionThatLivesEitherWayKeepsItsPort) {
  constexpr uint32_t long_ago = SLUICE_SNAT_ESTABLISHED_S + 100;
  expect_exhausted({.reply_silence_s = long_ago});
  SetUp();
  expect_exhausted({.forward_silence_s = long_ago});
}

TEST_P(SteerFindsPorts, APortWhoseHolderLostItsOtherEntryIsTakenOverInItsTime) {
  hold_all_ports({.reply_silence_s = SLUICE_SNAT_ESTABLISHED_S + kSlack});
  const auto held = stage().translations().entries();
  ASSERT_TRUE(held);
  for (const auto& [key, entry] : *held) {
    if (entry.reply == 1) continue;
    ASSERT_TRUE(stage().translations().erase(key));
  }
  EXPECT_NE(port_of(opening()), 0);
}

TEST_P(SteerFindsPorts, PortsTowardsABackendThatLeftAreFree) {
  hold_all_ports({});
  stage().purge(backend_);
  EXPECT_NE(port_of(opening()), 0);
}

// Its address is the one that snat takes ports from, and its requests come to that very port.
TEST_P(SteerFindsPorts, APortOnWhichAServiceListensIsNeverTaken) {
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
  // So that what was just seen says something: without that service it is a port like any other.
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

TEST_P(SteerFindsPortsTcp, AConnectionThatNobodyAnswersHoldsItsPortForHalfAMinute) {
  expect_limit({.forward = SLUICE_TRANSLATION_OPENING, .reply = SLUICE_TRANSLATION_OPENING},
               SLUICE_SNAT_OPENING_S);
}

// As every SYN of a flood from forged addresses leaves it: the backend answers, the client never.
TEST_P(SteerFindsPortsTcp, AConnectionThatItsClientNeverConfirmsHoldsItsPortForHalfAMinute) {
  expect_limit({.forward = SLUICE_TRANSLATION_OPENING, .reply = SLUICE_TRANSLATION_OPEN},
               SLUICE_SNAT_OPENING_S);
}

TEST_P(SteerFindsPortsTcp, ASynSentAgainConfirmsNothing) {
  const uint16_t port = port_of(opening());
  stage().steer(reply(port, tcp_syn | tcp_ack).frame(), Device::back);
  EXPECT_EQ(port_of(opening()), port);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPENING);
  EXPECT_EQ(port_of(request(tcp_ack)), port);
  EXPECT_EQ(forward_entry()->state, SLUICE_TRANSLATION_OPEN);
}

TEST_P(SteerFindsPortsTcp, AConnectionThatBothHaveClosedFreesItsPortInSeconds) {
  expect_limit({.forward = SLUICE_TRANSLATION_FINISHED, .reply = SLUICE_TRANSLATION_FINISHED},
               SLUICE_SNAT_CLOSED_S);
}

TEST_P(SteerFindsPortsTcp, AConnectionThatWasResetFreesItsPortInSeconds) {
  expect_limit({.reply = SLUICE_TRANSLATION_RESET}, SLUICE_SNAT_CLOSED_S);
  SetUp();
  expect_limit({.forward = SLUICE_TRANSLATION_RESET}, SLUICE_SNAT_CLOSED_S);
}

TEST_P(SteerFindsPortsUdp, AFlowHoldsItsPortForFiveMinutes) {
  expect_limit({}, SLUICE_SNAT_UDP_S);
}

// The 5-tuple began anew on another port, and its first port is what the next connection gets.
TEST_P(SteerFindsPortsTcp, TakingOverAnOldPortLeavesTheConnectionsNewOneAlone) {
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
  // Of so many new connections one gets the old port.
  uint16_t client_port = 1;
  while (client_port < 5000 && port_of(opening(client_port)) != old_port) client_port++;
  ASSERT_LT(client_port, 5000);
  EXPECT_EQ(port_of(request(tcp_ack)), port);
  const auto answer = reply(port);
  EXPECT_TRUE(packets::same_packet(stage().steer(answer.frame(), Device::back).frame,
                                   at_client(answer).frame()));
}

INSTANTIATE_TEST_SUITE_P(Every, SteerFindsPorts, testing::ValuesIn(every_speech()), speech_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerFindsPortsTcp,
                         testing::ValuesIn(every_speech_of(L4Proto::tcp)), speech_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerFindsPortsUdp,
                         testing::ValuesIn(every_speech_of(L4Proto::udp)), speech_name);

}  // namespace
}  // namespace sluice::stage
