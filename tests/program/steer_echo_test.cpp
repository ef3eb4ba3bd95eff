// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// steer answers echo requests for addresses of services. Other ICMP messages and other addresses
// pass.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Icmp;
using packets::Ipv4;
using packets::outsider;
using packets::same_packet;
using packets::service_one;
using packets::service_two;

constexpr uint8_t kTtl = 64;

class SteerEchoes : public ModeTest {
 protected:
  [[nodiscard]] uint8_t request_type() const { return family() == Family::v4 ? 8 : 128; }
  [[nodiscard]] uint8_t answer_type() const { return family() == Family::v4 ? 0 : 129; }
  [[nodiscard]] Packet ping(const Packet& before, uint8_t type, const std::string& text) const {
    return Packet(before).icmp({.type = type, .rest = 0x12340001}).payload(text);
  }
  [[nodiscard]] Packet asked(const std::string& text = "ping",
                             const std::vector<uint16_t>& tpids = {},
                             const Host& host = service_one) const {
    return ping(from_client(tpids, host), request_type(), text);
  }
  [[nodiscard]] Packet answered(const std::string& text = "ping",
                                const std::vector<uint16_t>& tpids = {},
                                const Host& host = service_one) const {
    Packet packet = Packet().ethernet(director_front, gateway);
    for (const uint16_t tpid : tpids) packet.vlan(7, tpid);
    return ping(with_ttl(packet.ip(family(), host, client), kTtl), answer_type(), text);
  }
  void expect_answered(const Packet& sent, const Packet& answer) {
    const uint64_t before = stage().counted();
    const uint64_t answered_before = stage().verdicts(0)["echo_answered"];
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_TX);
    EXPECT_TRUE(same_packet(outcome.frame, answer.frame()));
    EXPECT_EQ(stage().verdicts(0)["echo_answered"], answered_before + 1);
    EXPECT_EQ(stage().counted(), before + 1);
  }
};

TEST_P(SteerEchoes, ServiceAddressesAnswer) {
  for (const std::string& text :
       {std::string(), std::string("ping"), std::string("odd"), std::string(1400, 'x')}) {
    expect_answered(asked(text), answered(text));
  }
}

TEST_P(SteerEchoes, AnAnswerHasTheRequestsTags) {
  for (const std::vector<uint16_t>& tpids : {std::vector<uint16_t>{0x8100}, {0x88a8, 0x8100}}) {
    expect_answered(asked("ping", tpids), answered("ping", tpids));
  }
}

TEST_P(SteerEchoes, AnAnswerHasAFullTtl) {
  for (const uint8_t ttl : {uint8_t{1}, uint8_t{2}, uint8_t{63}, uint8_t{255}}) {
    expect_answered(with_ttl(asked(), ttl), answered());
  }
}

TEST_P(SteerEchoes, ChecksumsOfAllAnswersAreCorrect) {
  for (uint32_t rest = 0; rest < 70000; rest += 997) {
    Packet sent = asked();
    Packet answer = answered();
    sent.find<Icmp>()->rest = answer.find<Icmp>()->rest = rest * 61681;
    expect_answered(sent, answer);
  }
}

TEST_P(SteerEchoes, PaddingOfAShortFrameIsKept) {
  const Outcome outcome = stage().steer(padded(asked("").frame(), 80));
  EXPECT_TRUE(same_packet(outcome.frame, padded(answered("").frame(), 80)));
}

TEST_P(SteerEchoes, OtherAddressesDoNotAnswer) {
  for (const Host* host : {&outsider, &service_two, &director, &director_front, &backend_one}) {
    expect_passes(asked("ping", {}, *host).frame(), "not_ours");
  }
}

TEST_P(SteerEchoes, OtherIcmpTypesPass) {
  for (int type = 0; type < 256; type++) {
    if (type == request_type()) continue;
    expect_passes(ping(from_client(), static_cast<uint8_t>(type), "ping").frame(), "not_ours");
  }
}

TEST_P(SteerEchoes, ARequestWithTheOtherFamilysProtocolPasses) {
  Packet sent = from_client();
  if (auto* v4 = sent.find<Ipv4>()) v4->protocol = 58;
  if (auto* v6 = sent.find<packets::Ipv6>()) v6->next_header = 1;
  expect_passes(ping(sent, request_type(), "ping").frame(), "not_ours");
}

TEST_P(SteerEchoes, AFragmentedRequestPasses) {
  Packet sent = from_client();
  if (auto* v4 = sent.find<Ipv4>()) v4->fragment = packets::ipv4_more_fragments;
  if (family() == Family::v6) sent.add(packets::ipv6_fragment_header(0, true, 9));
  expect_passes(ping(sent, request_type(), "12345678").frame(), "not_ours");
}

TEST_P(SteerEchoes, ATruncatedRequestPasses) {
  const Frame whole = asked().frame();
  const size_t icmp_end = 14 + (family() == Family::v4 ? 20 : 40) + 8;
  for (size_t bytes = 14; bytes < icmp_end; bytes++) {
    EXPECT_EQ(stage().steer(whole.truncated(bytes)).action, XDP_PASS) << bytes;
  }
  EXPECT_EQ(stage().verdicts(0)["echo_answered"], 0u);
}

TEST_P(SteerEchoes, BytesBehindTheEndOfThePacketAreNotPartOfARequest) {
  const packets::Bytes icmp = Packet(ping(Packet(), request_type(), "ping")).bytes();
  for (size_t bytes = 0; bytes < 8; bytes++) {
    Packet sent = from_client();
    if (auto* v4 = sent.find<Ipv4>()) v4->protocol = 1;
    if (auto* v6 = sent.find<packets::Ipv6>()) v6->next_header = 58;
    const auto end = icmp.begin() + static_cast<std::ptrdiff_t>(bytes);
    Frame frame = sent.add(packets::Bytes(icmp.begin(), end)).frame();
    frame.bytes.insert(frame.bytes.end(), end, icmp.end());
    expect_passes(frame, "not_ours");
  }
}

// The answer does not depend on the state of backends and so does not disclose it.
TEST_P(SteerEchoes, AServiceWithoutBackendsAnswers) {
  stage().add_service(patch(L4Proto::tcp, 443, service_two));
  expect_answered(asked("ping", {}, service_two), answered("ping", {}, service_two));
}

std::vector<Combination> one_combination_per_family() {
  return every_combination_of(Mode::snat);
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerEchoes, testing::ValuesIn(one_combination_per_family()),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
