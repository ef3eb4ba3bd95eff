// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets that exceed the path to their backend: the sender is told the length that fits (RFC 1191,
// RFC 8201), up to a rate limit, and never about an ICMP error.
#include "kernel/system/clock.h"
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::client;
using packets::director;
using packets::gateway;
using packets::Icmp;
using packets::Ipv4;
using packets::outsider;
using packets::same_packet;
using packets::service_one;

constexpr size_t kQuoteBytes = 512;

class SteerTellsTooBig : public ModeTest {
 protected:
  [[nodiscard]] size_t fits() const {
    return kMtu - (GetParam().outer ? GetParam().outer->bytes() : 0);
  }
  // A request of this length, counted from the IP header on.
  [[nodiscard]] Packet of_bytes(size_t bytes, L4Proto l4_proto = L4Proto::tcp) const {
    return request(l4_proto, std::string(bytes - request(l4_proto, "").datagram().size(), 'x'));
  }
  // The report about a packet: from its destination to its source, by the device it came by.
  [[nodiscard]] Packet report(const Packet& about, size_t mtu, const Host& from = service_one,
                              const Host& to = client) const {
    Packet out = between(Packet().add(about.layers().front()), director_front, gateway);
    if (family() == Family::v4) {
      out.add(Ipv4{.source = from.v4, .destination = to.v4, .fragment = 0});
    } else {
      out.ip(family(), from, to);
    }
    out.icmp(family() == Family::v4 ? Icmp{.type = 3, .code = 4, .rest = static_cast<uint32_t>(mtu)}
                                    : Icmp{.type = 2, .rest = static_cast<uint32_t>(mtu)});
    return out.quote(about, kQuoteBytes);
  }
  void expect_reported(const Packet& sent, const Service& service) {
    const uint64_t before = stage().counted();
    const uint64_t reported_before = stage().verdicts(service.number)["too_big_reported"];
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_EQ(outcome.action, XDP_TX);
    EXPECT_TRUE(same_packet(outcome.frame, report(sent, fits()).frame()));
    EXPECT_EQ(stage().verdicts(service.number)["too_big_reported"], reported_before + 1);
    EXPECT_EQ(stage().counted(), before + 1);
  }
};

TEST_P(SteerTellsTooBig, APacketThatFitsIsForwardedAndOneByteMoreIsReported) {
  expect_reaches_backend(of_bytes(fits()));
  expect_reported(of_bytes(fits() + 1), tcp_.service);
  expect_reaches_backend(of_bytes(fits(), L4Proto::udp));
  expect_reported(of_bytes(fits() + 1, L4Proto::udp), udp_.service);
  expect_reported(of_bytes(fits() + 1000), tcp_.service);
}

// The program sums the quote separately from the headers.
TEST_P(SteerTellsTooBig, ReportsOfAnyContentHaveCorrectChecksums) {
  for (int i = 0; i < 64; i++) {
    std::string payload(1500, '\0');
    for (size_t at = 0; at < payload.size(); at++) {
      payload[at] = static_cast<char>(at * static_cast<size_t>(i * 37) >> (i % 5));
    }
    stage().silence_reports(false);
    expect_reported(request(L4Proto::udp, payload), udp_.service);
  }
}

TEST_P(SteerTellsTooBig, AFirstFragmentIsReported) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  expect_reported(fragments_of(whole, 1600, 9)[0], udp_.service);
}

TEST_P(SteerTellsTooBig, ALaterFragmentIsNotReported) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  stage().steer(fragments_of(whole, 800, 9)[0].frame());
  expect_dropped(fragments_of(whole, 800, 9)[1].frame(), "too_big", udp_.service);
}

// RFC 1122, 3.2.2.
TEST_P(SteerTellsTooBig, AnErrorIsNotReported) {
  stage().steer(request(L4Proto::tcp).frame());
  const Packet about = with_l4(Packet().ip(family(), service_one, client), L4Proto::tcp,
                               kServicePort, kClientPort, std::string(1600, 'x'));
  const Packet sent = Packet()
                          .ethernet(gateway, director_front)
                          .ip(family(), outsider, service_one)
                          .icmp({.type = static_cast<uint8_t>(family() == Family::v4 ? 3 : 1)})
                          .quote(about, 1600);
  expect_dropped(sent.frame(), "too_big", tcp_.service);
}

TEST_P(SteerTellsTooBig, NoReportIsSentBeyondTheRateLimit) {
  stage().silence_reports(true);
  expect_dropped(of_bytes(fits() + 1).frame(), "too_big", tcp_.service);
  stage().silence_reports(false);
  expect_reported(of_bytes(fits() + 1), tcp_.service);
}

// The burst at once, then one per interval.
TEST_P(SteerTellsTooBig, ReportsAreLimitedToBurstAndRate) {
  constexpr uint64_t sent = 2000;
  constexpr uint64_t interval_ns = 1000000000 / SLUICE_REPORTS_PER_S;
  const Frame frame = of_bytes(fits() + 1).frame();
  const uint64_t began_ns = monotonic_ns();
  for (uint64_t i = 0; i < sent; i++) stage().steer(frame);
  const uint64_t intervals = (monotonic_ns() - began_ns) / interval_ns + 1;
  Verdicts verdicts = stage().verdicts(tcp_.service.number);
  EXPECT_EQ(verdicts["too_big_reported"] + verdicts["too_big"], sent);
  EXPECT_GE(verdicts["too_big_reported"], uint64_t{SLUICE_REPORTS_BURST});
  EXPECT_LE(verdicts["too_big_reported"], SLUICE_REPORTS_BURST + 1 + intervals);
}

TEST_P(SteerTellsTooBig, PacketsThatAreTooBigAreNotTracked) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  stage().steer(fragments_of(whole, 1600, 9)[0].frame());
  EXPECT_TRUE(stage().fragments().entries()->empty());
  EXPECT_EQ(stage().traffic(udp_.backend), Traffic{});
}

class SteerTellsTooBigReplies : public SteerTellsTooBig {};

TEST_P(SteerTellsTooBigReplies, ABackendReceivesReports) {
  stage().steer(request(L4Proto::tcp).frame());
  const Packet answer = reply(L4Proto::tcp, std::string(1500, 'y'));
  const Outcome outcome = stage().steer(answer.frame(), Device::back);
  EXPECT_EQ(outcome.action, XDP_TX);
  const Packet expected =
      between(report(answer, kMtu, peer_of_backend(L4Proto::tcp).host, packets::backend_one),
              director, packets::backend_one);
  EXPECT_TRUE(same_packet(outcome.frame, expected.frame()));
  EXPECT_EQ(stage().verdicts(tcp_.service.number), (Verdicts{{"too_big_reported", 1}}));
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerTellsTooBig, testing::ValuesIn(every_combination()),
                         combination_name);
INSTANTIATE_TEST_SUITE_P(EveryModeWithReplies, SteerTellsTooBigReplies,
                         testing::ValuesIn(combinations_with_replies()), combination_name);

}  // namespace
}  // namespace sluice::stage
