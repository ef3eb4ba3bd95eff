// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Services whose address is a prefix: the longest prefix with the packet's port and protocol wins;
// a service of the exact address takes precedence over all prefixes.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::same_packet;

// Nested, from the widest prefix to one address; kBeside is outside.
const Host kWide{"wide", 31, "192.0.2.0", "2001:db8:77::"};             // /24, /48
const Host kNarrow{"narrow", 32, "192.0.2.128", "2001:db8:77:8000::"};  // /25, /49
const Host kInWide{"in_wide", 33, "192.0.2.9", "2001:db8:77:7fff::9"};
const Host kInNarrow{"in_narrow", 34, "192.0.2.200", "2001:db8:77:8001::9"};
const Host kExact{"exact", 35, "192.0.2.201", "2001:db8:77:8001::a"};
const Host kBeside{"beside", 36, "192.0.3.9", "2001:db8:78::9"};

class SteerPrefixes : public ModeTest {
 protected:
  Served serve_prefix(const Host& host, bool wide, uint16_t port, const Host& backend,
                      uint16_t backend_port = kBackendPort) {
    Service service = patch(L4Proto::tcp, port, host);
    service.endpoint.prefix_bits = family() == Family::v4 ? 96 + 24 : 48;
    if (!wide) service.endpoint.prefix_bits++;
    return serve(service, backend, backend_port);
  }
  [[nodiscard]] Packet to(const Host& host, uint16_t port = kServicePort,
                          L4Proto l4_proto = L4Proto::tcp) const {
    return with_l4(from_client({}, host), l4_proto, kClientPort, port, "question");
  }
  void expect_at(const Packet& sent, const Host& backend, uint16_t backend_port = kBackendPort) {
    const uint64_t before = stage().counted();
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT) << describe(sent);
    EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, backend, backend_port).frame()));
    EXPECT_EQ(stage().counted(), before + 1);
  }
};

TEST_P(SteerPrefixes, AddressesInThePrefixAreServedAndOthersAreNot) {
  serve_prefix(kWide, true, kServicePort, backend_two);
  for (const Host* host : {&kWide, &kNarrow, &kInWide, &kInNarrow})
    expect_at(to(*host), backend_two);
  expect_passes(to(kBeside).frame(), "not_ours");
}

TEST_P(SteerPrefixes, OtherPortsAndProtocolsAreNotServed) {
  serve_prefix(kWide, true, kServicePort, backend_two);
  expect_passes(to(kInWide, kServicePort + 1).frame(), "not_ours");
  expect_passes(to(kInWide, kServicePort, L4Proto::udp).frame(), "not_ours");
}

TEST_P(SteerPrefixes, TheLongestPrefixOfThePortWins) {
  serve_prefix(kWide, true, kServicePort, backend_one);
  serve_prefix(kNarrow, false, kServicePort, backend_two);
  serve_prefix(kNarrow, false, 443, backend_two);
  expect_at(to(kInWide), backend_one);
  expect_at(to(kInNarrow), backend_two);
  // The narrow prefix of port 443 does not affect port 80, nor the wide one port 443.
  expect_at(to(kInNarrow, 443), backend_two);
  expect_passes(to(kInWide, 443).frame(), "not_ours");
}

TEST_P(SteerPrefixes, AServiceOfTheExactAddressTakesPrecedence) {
  serve_prefix(kNarrow, false, kServicePort, backend_one);
  serve(patch(L4Proto::tcp, kServicePort, kExact), backend_two);
  expect_at(to(kExact), backend_two);
  expect_at(to(kInNarrow), backend_one);
}

TEST_P(SteerPrefixes, APrefixMayHaveAnyPort) {
  serve_prefix(kWide, true, 0, backend_one, 0);
  serve_prefix(kWide, true, 443, backend_two);
  expect_at(to(kInWide, 12345), backend_one, 12345);
  expect_at(to(kInWide, 443), backend_two);
}

TEST_P(SteerPrefixes, ServicesOfSingleAddressesAreUnaffected) {
  serve_prefix(kWide, true, kServicePort, backend_two);
  expect_reaches_backend(request(L4Proto::tcp));
  expect_reaches_backend(request(L4Proto::udp));
}

TEST_P(SteerPrefixes, AddressesInThePrefixAnswerEchoAndOthersDoNot) {
  serve_prefix(kWide, true, kServicePort, backend_two);
  const uint8_t type = family() == Family::v4 ? 8 : 128;
  const uint8_t answer = family() == Family::v4 ? 0 : 129;
  for (const Host* host : {&kInWide, &kInNarrow}) {
    const Outcome outcome =
        stage().steer(from_client({}, *host).icmp({.type = type, .rest = 1}).frame());
    EXPECT_EQ(outcome.action, XDP_TX);
    EXPECT_TRUE(same_packet(outcome.frame, Packet()
                                               .ethernet(director_front, packets::gateway)
                                               .ip(family(), *host, packets::client)
                                               .icmp({.type = answer, .rest = 1})
                                               .frame()));
  }
  expect_passes(from_client({}, kBeside).icmp({.type = type, .rest = 1}).frame(), "not_ours");
}

TEST_P(SteerPrefixes, ErrorsAndFragmentsFollowTheirFlows) {
  const Served served = serve_prefix(kWide, true, kServicePort, backend_two);
  stage().steer(to(kInWide).frame());
  const Packet about = with_l4(Packet().ip(family(), kInWide, packets::client), L4Proto::tcp,
                               kServicePort, kClientPort, "");
  const Packet error = Packet()
                           .ethernet(packets::gateway, director_front)
                           .ip(family(), packets::outsider, kInWide)
                           .icmp({.type = static_cast<uint8_t>(family() == Family::v4 ? 3 : 1)})
                           .quote(about, 1000);
  EXPECT_EQ(stage().steer(error.frame()).action, XDP_REDIRECT);
  for (const Packet& fragment : fragments_of(to(kInWide), 24, 9)) {
    EXPECT_EQ(stage().steer(fragment.frame()).action, XDP_REDIRECT);
  }
  EXPECT_EQ(stage().traffic(served.backend).packets, 4u);
}

class SteerPrefixesReplies : public SteerPrefixes {};

TEST_P(SteerPrefixesReplies, AReplyComesFromTheRequestedAddress) {
  serve_prefix(kWide, true, kServicePort, backend_two);
  for (const Host* host : {&kInWide, &kInNarrow}) {
    const Packet sent = to(*host);
    stage().steer(sent.frame());
    const Packet answer =
        with_l4(Packet()
                    .ethernet(backend_two, packets::director)
                    .ip(family(), backend_two, packets::director),
                L4Proto::tcp, kBackendPort, translated_port(sent), "answer", packets::tcp_ack);
    const Outcome outcome = stage().steer(answer.frame(), Device::back);
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    EXPECT_TRUE(same_packet(
        outcome.frame, translated(answer, {*host, kServicePort}, {packets::client, kClientPort},
                                  director_front, packets::gateway)
                           .frame()));
  }
}

TEST_P(SteerPrefixes, PacketsForAnyAddressOfThePrefixAreDecapsulated) {
  if (!GetParam().outer) return;
  serve_prefix(kWide, true, kServicePort, backend_two);
  const Packet in = to(kInWide);
  EXPECT_TRUE(same_packet(stage().decap(at_backend(in, backend_two).frame()).frame,
                          forwarded(in, packets::director, backend_two).frame()));
  const Frame beside = at_backend(to(kBeside), backend_two).frame();
  EXPECT_TRUE(same_packet(stage().decap(beside).frame, beside));
}

// Not mode nat: it has no state that tells which address of the prefix a reply comes from.
std::vector<Combination> combinations_for_prefixes() {
  std::vector<Combination> combinations;
  for (const Combination& combination : every_combination()) {
    if (combination.mode != Mode::nat) combinations.push_back(combination);
  }
  return combinations;
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerPrefixes, testing::ValuesIn(combinations_for_prefixes()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerPrefixesReplies,
                         testing::ValuesIn(every_combination_of(Mode::snat)), combination_name);

}  // namespace
}  // namespace sluice::stage
