// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode gue: both variants, any family in any. The client's packet leaves unchanged behind an IP
// header, UDP and, in variant 0, GUE's four bytes. decap removes these headers and changes no other
// packet to that port.
#include <set>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::client;
using packets::director;
using packets::Ipv4;
using packets::Ipv6;
using packets::same_packet;
using packets::service_one;
using packets::Udp;

constexpr uint16_t kGuePort = 6080;
constexpr uint16_t kDynamicPortFirst = 0xc000;

class SteerGue : public ModeTest {
 protected:
  [[nodiscard]] uint8_t variant() const { return *GetParam().outer->gue_variant; }
};

TEST_P(SteerGue, PacketsOfEveryLengthHaveCorrectLengthsAndChecksums) {
  for (size_t bytes = 0; bytes <= 1380; bytes += 13) {
    expect_reaches_backend(request(L4Proto::tcp, std::string(bytes, 'x')));
    expect_reaches_backend(request(L4Proto::udp, std::string(bytes, 'x')));
  }
}

// Routers spread flows over paths by this port alone, behind an outer IPv4 header at least.
TEST_P(SteerGue, TheSourcePortCarriesTheTopOfTheFlowsHash) {
  std::set<uint16_t> ports;
  for (uint16_t port = 1024; port < 1224; port++) {
    const Packet sent = with_l4(from_client(), L4Proto::tcp, port, kServicePort, "question");
    const Outcome outcome = stage().steer(sent.frame());
    ASSERT_TRUE(same_packet(outcome.frame, at_backend(sent).frame())) << port;
    const uint16_t entropy = Packet::parse(outcome.frame).find<Udp>()->source_port;
    EXPECT_GE(entropy, kDynamicPortFirst);
    ports.insert(entropy);
  }
  EXPECT_GT(ports.size(), 190u);
}

TEST_P(SteerGue, AnEmptyDatagramIsSteered) {
  Packet sent = from_client().udp({.source_port = kClientPort, .destination_port = kServicePort});
  for (int i = 0; i < 2; i++) expect_reaches_backend(sent);
}

TEST_P(SteerGue, PaddingOfAShortFrameIsKept) {
  const Packet sent = request(L4Proto::udp, "");
  const size_t bytes = sent.frame().size() + 10;
  const Outcome outcome = stage().steer(padded(sent.frame(), bytes));
  EXPECT_TRUE(same_packet(outcome.frame,
                          padded(at_backend(sent).frame(), bytes + GetParam().outer->bytes())));
}

TEST_P(SteerGue, DecapRemovesTheHeadersThatSteerAdds) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    const Packet sent = request(l4_proto);
    const Outcome outcome = stage().decap(stage().steer(sent.frame()).frame);
    EXPECT_EQ(outcome.action, XDP_PASS);
    EXPECT_TRUE(same_packet(outcome.frame, forwarded(sent, director, backend_one).frame()));
    const Service& service = l4_proto == L4Proto::tcp ? tcp_.service : udp_.service;
    EXPECT_EQ(stage().verdicts(service.number), (Verdicts{{"decapsulated", 1}}));
  }
}

TEST_P(SteerGue, DecapRemovesTheHeadersOfFragmentsAndErrors) {
  std::vector<Packet> inner;
  for (const Packet& fragment : fragments_of(request(L4Proto::udp), 8, 9)) {
    inner.push_back(fragment);
  }
  const Packet about = with_l4(Packet().ip(family(), service_one, client), L4Proto::tcp,
                               kServicePort, kClientPort, "");
  inner.push_back(from_client()
                      .icmp({.type = static_cast<uint8_t>(family() == Family::v4 ? 3 : 1)})
                      .quote(about, 1000));
  for (const Packet& sent : inner) {
    const Frame steered = stage().steer(sent.frame()).frame;
    EXPECT_TRUE(
        same_packet(stage().decap(steered).frame, forwarded(sent, director, backend_one).frame()));
  }
}

class DecapGue : public SteerGue {
 protected:
  [[nodiscard]] Packet in_gue() { return at_backend(request(L4Proto::tcp)); }
  void expect_untouched(const std::string& what, const Frame& frame) {
    const uint64_t before = stage().counted();
    const Outcome outcome = stage().decap(frame);
    EXPECT_EQ(outcome.action, XDP_PASS) << what;
    EXPECT_TRUE(same_packet(outcome.frame, frame)) << what;
    EXPECT_EQ(stage().verdicts(0)["not_encapsulated"], before + 1) << what;
    EXPECT_EQ(stage().counted(), before + 1) << what;
  }
};

TEST_P(DecapGue, PacketsForAnotherPortOrAddressAreUntouched) {
  Packet other_port = in_gue();
  other_port.find<Udp>()->destination_port = kGuePort + 1;
  expect_untouched("another port", other_port.frame());
  Packet swapped = in_gue();
  std::swap(swapped.find<Udp>()->source_port, swapped.find<Udp>()->destination_port);
  expect_untouched("from the GUE port", swapped.frame());
  Packet foreign_inside = in_gue();
  const size_t second = outer() == family() ? 1 : 0;
  if (family() == Family::v4) {
    foreign_inside.find<Ipv4>(second)->destination = packets::outsider.v4;
  } else {
    foreign_inside.find<Ipv6>(second)->destination = packets::outsider.v6;
  }
  expect_untouched("for another address", foreign_inside.frame());
}

TEST_P(DecapGue, APacketWithAUdpChecksumIsDecapsulated) {
  Packet packet = in_gue();
  packet.find<Udp>()->checksum.reset();
  EXPECT_TRUE(same_packet(stage().decap(packet.frame()).frame,
                          forwarded(request(L4Proto::tcp), director, backend_one).frame()));
}

TEST_P(DecapGue, HeadersThatNoDirectorSendsAreUntouched) {
  if (variant() == 1) {
    // The inner version is neither 4 nor 6.
    for (const int first : {0x55, 0x75, 0x85, 0xc5, 0x25}) {
      Frame frame = in_gue().frame();
      frame.bytes[14 + GetParam().outer->bytes()] = static_cast<uint8_t>(first);
      expect_untouched(fmt::format("{:#x}", first), frame);
    }
    return;
  }
  const size_t gue = 14 + GetParam().outer->bytes() - 4;
  const auto with_byte = [&](size_t at, uint8_t value) {
    Frame frame = in_gue().frame();
    frame.bytes[gue + at] = value;
    return frame;
  };
  expect_untouched("a control message", with_byte(0, 0x20));
  expect_untouched("options", with_byte(0, 0x01));
  expect_untouched("variant 2", with_byte(0, 0x80));
  expect_untouched("a flag", with_byte(2, 0x80));
  expect_untouched("another flag", with_byte(3, 0x01));
  expect_untouched("no protocol", with_byte(1, 0));
  expect_untouched("TCP", with_byte(1, 6));
  expect_untouched("the other family", with_byte(1, family() == Family::v4 ? 41 : 4));
}

TEST_P(DecapGue, PacketsTruncatedAtAnyByteAreUntouched) {
  const Frame whole = in_gue().frame();
  for (size_t bytes = 14; bytes < whole.size(); bytes++) {
    expect_untouched(fmt::format("{} bytes", bytes), whole.truncated(bytes));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryNesting, SteerGue, testing::ValuesIn(every_combination_of(Mode::gue)),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryNesting, DecapGue, testing::ValuesIn(every_combination_of(Mode::gue)),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
