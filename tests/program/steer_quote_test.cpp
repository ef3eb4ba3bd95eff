// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An ICMP error goes to the backend of the flow that it quotes; eight bytes behind the quoted IP
// header suffice. If the flow is translated, so is the quoted packet.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Icmp;
using packets::Ipv4;
using packets::outsider;
using packets::same_packet;
using packets::service_one;
using packets::service_two;

class SteerQuotes : public ModeTest {
 protected:
  // Too big, unreachable, time exceeded, parameter problem.
  [[nodiscard]] std::vector<Icmp> errors() const {
    if (family() == Family::v4) {
      return {{.type = 3, .code = 4, .rest = 1400},
              {.type = 3, .code = 1},
              {.type = 11, .code = 0},
              {.type = 12, .code = 0, .rest = 0x01000000}};
    }
    return {{.type = 2, .rest = 1400}, {.type = 1, .code = 4}, {.type = 3}, {.type = 4, .rest = 6}};
  }
  [[nodiscard]] size_t ip_bytes() const { return family() == Family::v4 ? 20 : 40; }
  // Lengths of the quote: eight bytes of the transport header, all of it, the whole packet.
  [[nodiscard]] std::vector<size_t> lengths() const {
    return {ip_bytes() + 8, ip_bytes() + 20, ip_bytes() + 24, 1000};
  }
  // A server's packet as the client receives it.
  [[nodiscard]] Packet sent_to_client(L4Proto l4_proto) const {
    return with_l4(Packet().ip(family(), service_one, client), l4_proto, kServicePort, kClientPort,
                   "answer", packets::tcp_ack);
  }
  // An error from a router on the path to the client.
  [[nodiscard]] Packet error(const Icmp& icmp, const Packet& about, size_t length) const {
    return Packet()
        .ethernet(gateway, director_front)
        .ip(family(), outsider, service_one)
        .icmp(icmp)
        .quote(about, length);
  }
  // The error as the backend receives it: the quote is the packet as that backend sent it.
  [[nodiscard]] Packet error_at_backend(const Icmp& icmp, L4Proto l4_proto, size_t length,
                                        const Host& backend = backend_one) {
    const Packet sent = error(icmp, sent_to_client(l4_proto), length);
    if (GetParam().outer) {
      return encapsulated(sent, *GetParam().outer, backend,
                          flow_hash(stage().seed(), request(l4_proto)), director, backend);
    }
    if (!translates()) return forwarded(sent, director, backend);
    const End to = peer_of_backend(l4_proto);
    const Packet about = with_l4(Packet().ip(family(), backend, to.host), l4_proto, kBackendPort,
                                 to.port, "answer", packets::tcp_ack);
    return with_ttl(Packet()
                        .ethernet(director, backend)
                        .ip(family(), outsider, backend)
                        .icmp(icmp)
                        .quote(about, length),
                    63);
  }
  void open(L4Proto l4_proto) { stage().steer(request(l4_proto).frame()); }
};

class SteerQuotesReplies : public SteerQuotes {};
class SteerQuotesMoving : public SteerQuotes {};

TEST_P(SteerQuotes, AnErrorGoesToTheBackendOfTheFlowThatItQuotes) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    open(l4_proto);
    for (const Icmp& icmp : errors()) {
      for (const size_t length : lengths()) {
        const uint64_t before = stage().counted();
        const Outcome outcome =
            stage().steer(error(icmp, sent_to_client(l4_proto), length).frame());
        EXPECT_EQ(outcome.action, XDP_REDIRECT);
        EXPECT_TRUE(same_packet(outcome.frame, error_at_backend(icmp, l4_proto, length).frame()));
        EXPECT_EQ(stage().counted(), before + 1);
      }
    }
  }
  EXPECT_EQ(stage().traffic(tcp_.backend).connections, 1u) << "an error begins no connection";
}

// IPv4 options are skipped by the header length; IPv6 extension headers in a quote are not
// followed.
TEST_P(SteerQuotes, QuotedOptionsAreSkippedAndQuotedExtensionHeadersPass) {
  open(L4Proto::tcp);
  Packet about;
  if (family() == Family::v4) {
    about.add(
        Ipv4{.source = service_one.v4, .destination = client.v4, .options = packets::Bytes(8, 1)});
  } else {
    about.ip(family(), service_one, client).add(packets::Ipv6Extension{});
  }
  about = with_l4(about, L4Proto::tcp, kServicePort, kClientPort, "answer");
  const Frame sent = error(errors()[0], about, ip_bytes() + 16).frame();
  if (family() == Family::v6) return expect_passes(sent, "not_ours");
  EXPECT_EQ(stage().steer(sent).action, XDP_REDIRECT);
}

TEST_P(SteerQuotes, ATtlOfOneIsDropped) {
  open(L4Proto::tcp);
  const Packet sent = with_ttl(error(errors()[0], sent_to_client(L4Proto::tcp), 1000), 1);
  expect_dropped(sent.frame(), "ttl_expired", tcp_.service);
}

TEST_P(SteerQuotes, AQuoteOfAnotherFlowPasses) {
  serve(patch(L4Proto::tcp, kServicePort, service_two));
  open(L4Proto::tcp);
  const Icmp icmp = errors()[0];
  const auto about = [&](const Host& from, const Host& to, uint16_t from_port, uint16_t to_port) {
    return with_l4(Packet().ip(family(), from, to), L4Proto::tcp, from_port, to_port, "");
  };
  const std::vector<Packet> foreign{
      about(service_one, client, kServicePort + 1, kClientPort),
      // Of another service, whose errors arrive at that service's address.
      about(service_two, client, kServicePort, kClientPort),
      // A client's packet, whose error belongs to the client.
      about(client, service_one, kClientPort, kServicePort),
      about(outsider, client, kServicePort, kClientPort),
  };
  for (const Packet& packet : foreign) {
    expect_passes(error(icmp, packet, 1000).frame(), "not_ours");
  }
  Packet ping = Packet().ip(family(), service_one, client).icmp({.type = 0}).payload("12345678");
  expect_passes(error(icmp, ping, 1000).frame(), "not_ours");
}

TEST_P(SteerQuotes, AQuoteThatIsTooShortPasses) {
  open(L4Proto::tcp);
  const Frame whole = error(errors()[0], sent_to_client(L4Proto::tcp), 1000).frame();
  for (size_t length = 0; length < ip_bytes() + 8; length++) {
    Frame sent = error(errors()[0], sent_to_client(L4Proto::tcp), length).frame();
    expect_passes(sent, "not_ours");
    // The frame has the rest, behind the packet's end.
    sent.bytes.insert(sent.bytes.end(),
                      whole.bytes.begin() + static_cast<std::ptrdiff_t>(sent.size()),
                      whole.bytes.end());
    expect_passes(sent, "not_ours");
  }
}

TEST_P(SteerQuotes, AQuoteOfALaterFragmentPasses) {
  if (family() == Family::v4) {
    Packet about = sent_to_client(L4Proto::tcp);
    about.find<Ipv4>()->fragment = 100;
    expect_passes(error(errors()[0], about, 1000).frame(), "not_ours");
    return;
  }
  const Packet about = with_l4(
      Packet().ip(family(), service_one, client).add(packets::ipv6_fragment_header(100, false, 9)),
      L4Proto::tcp, kServicePort, kClientPort, "");
  expect_passes(error(errors()[0], about, 1000).frame(), "not_ours");
}

TEST_P(SteerQuotes, OtherIcmpTypesPass) {
  const auto of_type = [&](uint8_t type) {
    return error({.type = type}, sent_to_client(L4Proto::tcp), 1000).frame();
  };
  const std::vector<uint8_t> types = family() == Family::v4
                                         ? std::vector<uint8_t>{0, 4, 5, 9, 10, 13, 14}
                                         : std::vector<uint8_t>{0, 5, 100, 127, 129, 133, 135, 137};
  for (const uint8_t type : types) expect_passes(of_type(type), "not_ours");
}

TEST_P(SteerQuotesMoving, AnErrorFollowsItsFlowWhileItsSlotMoves) {
  const Backend two = stage().add_backend(tcp_.service, outer(), backend_two);
  stage().set_ring(
      tcp_.service,
      Ring(256, {.backend = two.number, .previous = tcp_.backend.number, .moving = true}));
  const auto reaches = [&](const Host& backend) {
    const Icmp icmp = errors()[0];
    const Packet sent = error(icmp, sent_to_client(L4Proto::tcp), 1000);
    return same_packet(stage().steer(sent.frame()).frame,
                       error_at_backend(icmp, L4Proto::tcp, 1000, backend).frame());
  };
  EXPECT_TRUE(reaches(backend_one)) << "a flow that began before the change";
  ASSERT_TRUE(stage().flows().erase(flow_of(request(L4Proto::tcp))));
  open(L4Proto::tcp);
  EXPECT_TRUE(reaches(backend_two)) << "a flow that began after the change";
}

TEST_P(SteerQuotesReplies, AnErrorAboutAPacketToABackendGoesToTheClient) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    open(l4_proto);
    const End from = peer_of_backend(l4_proto);
    const auto about = [&](const End& source, const End& destination) {
      return with_l4(Packet().ip(family(), source.host, destination.host), l4_proto, source.port,
                     destination.port, "question");
    };
    for (const Icmp& icmp : errors()) {
      for (const size_t length : lengths()) {
        const Packet sent = Packet()
                                .ethernet(backend_two, director)
                                .ip(family(), backend_two, from.host)
                                .icmp(icmp)
                                .quote(about(from, {backend_one, kBackendPort}), length);
        const Packet expected =
            Packet()
                .ethernet(director_front, gateway)
                .ip(family(), backend_two, client)
                .icmp(icmp)
                .quote(about({client, kClientPort}, {service_one, kServicePort}), length);
        const uint64_t before = stage().counted();
        const Outcome outcome = stage().steer(sent.frame(), Device::back);
        EXPECT_EQ(outcome.action, XDP_REDIRECT);
        EXPECT_TRUE(same_packet(outcome.frame, with_ttl(expected, 63).frame()));
        EXPECT_EQ(stage().counted(), before + 1);
      }
    }
  }
}

TEST_P(SteerQuotesReplies, AQuoteOfAnUntranslatedPacketPasses) {
  open(L4Proto::tcp);
  const End from = peer_of_backend(L4Proto::tcp);
  const auto to_port = static_cast<uint16_t>(kBackendPort + 1);
  const Packet about =
      with_l4(Packet().ip(family(), from.host, backend_one), L4Proto::tcp, from.port, to_port, "");
  const Packet sent = Packet()
                          .ethernet(backend_two, director)
                          .ip(family(), backend_two, from.host)
                          .icmp(errors()[0])
                          .quote(about, 1000);
  expect_passes(sent.frame(), "not_ours", Device::back);
}

class SteerQuotesTranslated : public SteerQuotes {};

TEST_P(SteerQuotesTranslated, AnErrorDoesNotRefreshAnEntry) {
  open(L4Proto::tcp);
  const sluice_flow flow = flow_of(request(L4Proto::tcp));
  sluice_translation entry = **stage().translations().find(flow);
  entry.seen_s -= 10;
  ASSERT_TRUE(stage().translations().put(flow, entry));
  stage().steer(error(errors()[0], sent_to_client(L4Proto::tcp), 1000).frame());
  const sluice_translation after = **stage().translations().find(flow);
  EXPECT_EQ(after.seen_s, entry.seen_s);
  EXPECT_EQ(after.state, SLUICE_TRANSLATION_OPENING);
}

TEST_P(SteerQuotesTranslated, AnErrorAboutAnUntrackedConnectionIsDropped) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    expect_dropped(error(errors()[0], sent_to_client(l4_proto), 1000).frame(), "unknown_flow",
                   l4_proto == L4Proto::tcp ? tcp_.service : udp_.service);
  }
  EXPECT_TRUE(stage().translations().entries()->empty());
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerQuotes, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeByRing, SteerQuotesMoving,
                         testing::ValuesIn(combinations_by_ring()), combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerQuotesReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);
INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerQuotesTranslated,
                         testing::ValuesIn(every_combination_of(Mode::snat)), combination_name);

}  // namespace
}  // namespace sluice::stage
