// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Admission to a service: lists of source prefixes, and limits on new connections and on bytes per
// second.
#include "kernel/system/clock.h"
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::client;
using packets::client_two;
using packets::gateway;
using packets::outsider;
using packets::service_one;

constexpr uint16_t kPort = 443;

class SteerAdmits : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    if (IsSkipped()) return;
    served_ = serve(patch(L4Proto::tcp, kPort), packets::backend_one);
    udp_served_ = serve(patch(L4Proto::udp, kPort), packets::backend_one);
  }
  void filter(FilterAction action, const std::string& v4, const std::string& v6) {
    stage().add_filter(served_.service, family() == Family::v4 ? v4 : v6, action);
  }
  [[nodiscard]] Packet from(const Host& host, L4Proto l4_proto = L4Proto::tcp,
                            uint8_t flags = packets::tcp_syn) const {
    return with_l4(Packet().ethernet(gateway, director_front).ip(family(), host, service_one),
                   l4_proto, kClientPort, kPort, "question", flags);
  }
  void expect_allowed(const Host& host) {
    const uint64_t before = stage().counted();
    const uint64_t traffic_before = stage().traffic(served_.backend).packets;
    EXPECT_EQ(stage().steer(from(host).frame()).action, XDP_REDIRECT) << host.name;
    EXPECT_EQ(stage().traffic(served_.backend).packets, traffic_before + 1);
    EXPECT_EQ(stage().counted(), before + 1);
  }
  void expect_denied(const Host& host) {
    expect_dropped(from(host).frame(), "source_denied", served_.service);
  }

  Served served_;
  Served udp_served_;
};

TEST_P(SteerAdmits, WithoutFiltersEverySourceIsAdmitted) {
  expect_allowed(client);
  expect_allowed(outsider);
}

TEST_P(SteerAdmits, OutsideDeniedPrefixesSourcesAreAdmitted) {
  filter(FilterAction::deny, "192.0.2.0/24", "2001:db8:bad::/48");
  expect_denied(outsider);
  expect_allowed(client);
  expect_allowed(client_two);
}

TEST_P(SteerAdmits, OutsideAllowedPrefixesSourcesAreDenied) {
  filter(FilterAction::allow, "198.51.100.0/24", "2001:db8:c::/48");
  expect_allowed(client);
  expect_allowed(client_two);
  expect_denied(outsider);
}

TEST_P(SteerAdmits, TheLongestPrefixDecides) {
  filter(FilterAction::allow, "198.51.100.0/24", "2001:db8:c::/48");
  filter(FilterAction::deny, "198.51.100.10", "2001:db8:c::10");
  filter(FilterAction::deny, "192.0.2.0/24", "2001:db8:bad::/48");
  filter(FilterAction::allow, "192.0.2.66", "2001:db8:bad::66");
  expect_denied(client);
  expect_allowed(client_two);
  expect_allowed(outsider);
}

TEST_P(SteerAdmits, APrefixOfLengthZeroCoversEverySource) {
  filter(FilterAction::deny, "0.0.0.0/0", "::/0");
  filter(FilterAction::allow, "198.51.100.16/28", "2001:db8:c::20/123");
  expect_denied(client);
  expect_denied(outsider);
  expect_allowed(client_two);
}

TEST_P(SteerAdmits, FiltersApplyToEveryPacketOfTheirServiceOnly) {
  filter(FilterAction::deny, "198.51.100.0/24", "2001:db8:c::/48");
  expect_dropped(from(client, L4Proto::tcp, packets::tcp_ack).frame(), "source_denied",
                 served_.service);
  EXPECT_EQ(stage().steer(from(client, L4Proto::udp).frame()).action, XDP_REDIRECT);
  expect_reaches_backend(request(L4Proto::tcp));
}

TEST_P(SteerAdmits, ADeniedPacketIsNotTrackedNorCountedAsTraffic) {
  filter(FilterAction::deny, "198.51.100.0/24", "2001:db8:c::/48");
  expect_denied(client);
  EXPECT_TRUE(stage().translations().entries()->empty());
  EXPECT_EQ(stage().traffic(served_.backend), Traffic{});
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerAdmits, testing::ValuesIn(every_combination()),
                         combination_name);

class SteerLimits : public SteerAdmits {
 protected:
  void limit(uint32_t connections_per_sec) {
    Service tcp = patch(L4Proto::tcp, 444);
    Service udp = patch(L4Proto::udp, 444);
    limited_ = serve(tcp, packets::backend_one, kBackendPort,
                     {.connections_per_sec = connections_per_sec});
    limited_udp_ = serve(udp, packets::backend_one, kBackendPort,
                         {.connections_per_sec = connections_per_sec});
  }
  [[nodiscard]] Packet to_limited(uint8_t flags, uint16_t port = kClientPort,
                                  L4Proto l4_proto = L4Proto::tcp) const {
    return with_l4(from_client(), l4_proto, port, 444, "question", flags);
  }
  void due_in(int64_t ns) {
    const sluice_admission admission{
        .due_ns = static_cast<uint64_t>(static_cast<int64_t>(monotonic_ns()) + ns)};
    ASSERT_TRUE(stage().admissions().put(limited_.service.number, admission));
  }

  Served limited_;
  Served limited_udp_;
};

constexpr int64_t kSecondNs = 1000000000;

TEST_P(SteerLimits, ANewConnectionBeyondTheBurstIsDropped) {
  limit(1000);
  EXPECT_EQ(stage().steer(to_limited(packets::tcp_syn).frame()).action, XDP_REDIRECT);
  due_in(3600 * kSecondNs);
  expect_dropped(to_limited(packets::tcp_syn, 5).frame(), "connection_rate", limited_.service);
  due_in(-kSecondNs);
  EXPECT_EQ(stage().steer(to_limited(packets::tcp_syn, 5).frame()).action, XDP_REDIRECT);
}

TEST_P(SteerLimits, EstablishedConnectionsAreNotLimited) {
  limit(1);
  stage().steer(to_limited(packets::tcp_syn).frame());
  due_in(3600 * kSecondNs);
  for (const uint8_t flags : {packets::tcp_ack, uint8_t{packets::tcp_fin | packets::tcp_ack},
                              packets::tcp_rst, uint8_t{packets::tcp_syn | packets::tcp_ack}}) {
    EXPECT_EQ(stage().steer(to_limited(flags).frame()).action, XDP_REDIRECT) << int{flags};
  }
}

// The fast path does not look at a backend's state until its cached path expires. Mode nat has no
// fast path; mode snat has none because its flows are translated.
TEST_P(SteerLimits, OpeningPacketsAloneTakeTheSlowPath) {
  if (translates()) return;
  limit(1000);
  EXPECT_EQ(stage().steer(to_limited(packets::tcp_syn).frame()).action, XDP_REDIRECT);
  stage().set_state(limited_.service, limited_.backend, BackendState::down);
  EXPECT_EQ(stage().steer(to_limited(packets::tcp_ack).frame()).action, XDP_REDIRECT);
  expect_dropped(to_limited(packets::tcp_syn, 5).frame(), "backend_down", limited_.service);
}

TEST_P(SteerLimits, DatagramsAreNotCountedAsConnections) {
  limit(1);
  for (uint16_t port = 1; port < 50; port++) {
    EXPECT_EQ(stage().steer(to_limited(0, port, L4Proto::udp).frame()).action, XDP_REDIRECT);
  }
}

TEST_P(SteerLimits, TheLowestRateAdmitsOneConnection) {
  limit(1);
  EXPECT_EQ(stage().steer(to_limited(packets::tcp_syn).frame()).action, XDP_REDIRECT);
}

TEST_P(SteerLimits, AnotherServicesConnectionsDoNotCount) {
  limit(1);
  due_in(3600 * kSecondNs);
  expect_reaches_backend(request(L4Proto::tcp));
}

// The burst at once, then one per interval.
TEST_P(SteerLimits, ConnectionsAreAdmittedAtTheRate) {
  constexpr uint32_t rate = 1000;
  constexpr uint64_t sent = 1000;
  limit(rate);
  stage().steer(request(L4Proto::tcp).frame());  // publishes the tables, which takes time
  const uint64_t began_ns = monotonic_ns();
  uint64_t admitted = 0;
  for (uint16_t port = 1; port <= sent; port++) {
    if (stage().steer(to_limited(packets::tcp_syn, port).frame()).action == XDP_REDIRECT)
      admitted++;
  }
  const uint64_t intervals = (monotonic_ns() - began_ns) / (kSecondNs / rate) + 1;
  constexpr uint64_t burst = uint64_t{rate} * SLUICE_ADMISSION_BURST_MS / 1000;
  EXPECT_GE(admitted, burst);
  EXPECT_LE(admitted, burst + 1 + intervals);
  EXPECT_EQ(stage().traffic(limited_.backend).connections, admitted);
  EXPECT_EQ(stage().verdicts(limited_.service.number),
            (Verdicts{{"connection_rate", sent - admitted}}));
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerLimits, testing::ValuesIn(every_combination()),
                         combination_name);

class SteerPolices : public SteerLimits {
 protected:
  void police(uint64_t rate_bytes_per_sec) {
    const Policy policy{.ingress_rate_bytes_per_sec = rate_bytes_per_sec};
    limited_ = serve(patch(L4Proto::tcp, 444), packets::backend_one, kBackendPort, policy);
    limited_udp_ = serve(patch(L4Proto::udp, 444), packets::backend_one, kBackendPort, policy);
  }
};

TEST_P(SteerPolices, BytesBeyondTheBurstAreDropped) {
  constexpr uint64_t rate = 1000;
  police(rate);
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    const Frame frame = to_limited(packets::tcp_syn, kClientPort, l4_proto).frame();
    const uint64_t began_ns = monotonic_ns();
    uint64_t passed = 0;
    while (stage().steer(frame).action == XDP_REDIRECT && passed < 10'000) passed++;
    const uint64_t due_bytes = rate * (monotonic_ns() - began_ns) / kSecondNs;
    EXPECT_GE(passed, SLUICE_POLICING_BURST_BYTES / frame.size() - 1);
    EXPECT_LE(passed, (SLUICE_POLICING_BURST_BYTES + due_bytes) / frame.size() + 2);
    const uint32_t service = (l4_proto == L4Proto::tcp ? limited_ : limited_udp_).service.number;
    EXPECT_EQ(stage().verdicts(service), (Verdicts{{"ingress_rate", 1}}));
  }
  expect_reaches_backend(request(L4Proto::tcp));
}

TEST_P(SteerPolices, PacketsWithinTheRatePass) {
  police(12'500'000'000);
  for (int i = 0; i < 2000; i++) {
    EXPECT_EQ(stage().steer(to_limited(packets::tcp_syn).frame()).action, XDP_REDIRECT);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerPolices, testing::ValuesIn(every_combination()),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
