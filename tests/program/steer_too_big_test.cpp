// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is too long for the way to its backend: its sender is told the length that fits (RFC 1191,
// RFC 8201), as often as it may be, and never of an error.
#include "kernel/system/clock.h"
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::Bytes;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Icmp;
using packets::Ipv4;
using packets::same_packet;
using packets::service_one;
using packets::stranger;

constexpr size_t kQuoteBytes = 512;

class SteerTellsTooBig : public ModeTest {
 protected:
  [[nodiscard]] size_t fits() const {
    return kMtu - (GetParam().outer ? GetParam().outer->bytes() : 0);
  }
  // From the IP header on as long as it says.
  [[nodiscard]] Packet of_bytes(size_t bytes, L4Proto l4_proto = L4Proto::tcp) const {
    return request(l4_proto, std::string(bytes - request(l4_proto, "").datagram().size(), 'x'));
  }
  // From whom the packet was for, to whom it came from, out of where it came in.
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

TEST_P(SteerTellsTooBig, TheLengthThatFitsGoesThroughAndOneMoreIsReported) {
  expect_reaches_backend(of_bytes(fits()));
  expect_reported(of_bytes(fits() + 1), tcp_.service);
  expect_reaches_backend(of_bytes(fits(), L4Proto::udp));
  expect_reported(of_bytes(fits() + 1, L4Proto::udp), udp_.service);
  expect_reported(of_bytes(fits() + 1000), tcp_.service);
}

// The sum over the quote is taken apart from the rest: odd and even, and every byte of it.
TEST_P(SteerTellsTooBig, ChecksumsComeOutRightWhateverIsQuoted) {
  for (int i = 0; i < 64; i++) {
    std::string payload(1500, '\0');
    for (size_t at = 0; at < payload.size(); at++) {
      payload[at] = static_cast<char>(at * static_cast<size_t>(i * 37) >> (i % 5));
    }
    stage().silence_reports(false);
    expect_reported(request(L4Proto::udp, payload), udp_.service);
  }
}

TEST_P(SteerTellsTooBig, AFirstFragmentIsReportedToo) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  expect_reported(fragments_of(whole, 1600, 9)[0], udp_.service);
}

TEST_P(SteerTellsTooBig, ALaterFragmentIsNot) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  stage().steer(fragments_of(whole, 800, 9)[0].frame());
  expect_dropped(fragments_of(whole, 800, 9)[1].frame(), "too_big", udp_.service);
}

// RFC 1122, 3.2.2: no error is sent about an error.
TEST_P(SteerTellsTooBig, AnErrorIsNot) {
  stage().steer(request(L4Proto::tcp).frame());
  const Packet about = with_l4(Packet().ip(family(), service_one, client), L4Proto::tcp,
                               kServicePort, kClientPort, std::string(1600, 'x'));
  const Packet sent = Packet()
                          .ethernet(gateway, director_front)
                          .ip(family(), stranger, service_one)
                          .icmp({.type = static_cast<uint8_t>(family() == Family::v4 ? 3 : 1)})
                          .quote(about, 1600);
  expect_dropped(sent.frame(), "too_big", tcp_.service);
}

TEST_P(SteerTellsTooBig, WhoWasToldOftenEnoughIsToldNoMore) {
  stage().silence_reports(true);
  expect_dropped(of_bytes(fits() + 1).frame(), "too_big", tcp_.service);
  stage().silence_reports(false);
  expect_reported(of_bytes(fits() + 1), tcp_.service);
}

// So many at once, and then only as many as time allows.
TEST_P(SteerTellsTooBig, ReportsAreLimitedToTheBurst) {
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

TEST_P(SteerTellsTooBig, NothingIsTrackedOfWhatIsTooBig) {
  const Packet whole = of_bytes(2800, L4Proto::udp);
  stage().steer(fragments_of(whole, 1600, 9)[0].frame());
  EXPECT_TRUE(stage().fragments().entries()->empty());
  EXPECT_EQ(stage().traffic(udp_.backend), Traffic{});
}

class SteerTellsTooBigBack : public SteerTellsTooBig {};

TEST_P(SteerTellsTooBigBack, ABackendIsToldToo) {
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

INSTANTIATE_TEST_SUITE_P(EveryWay, SteerTellsTooBig, testing::ValuesIn(every_way()), way_name);
INSTANTIATE_TEST_SUITE_P(EveryWayBack, SteerTellsTooBigBack, testing::ValuesIn(every_way_back()),
                         way_name);

}  // namespace
}  // namespace sluice::stage
