// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// decap removes a director's outer header from packets for services of this instance, and changes
// no other packet.
#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::Bytes;
using packets::client;
using packets::director;
using packets::Ipv4;
using packets::Ipv6;
using packets::Ipv6Extension;
using packets::Packet;
using packets::same_packet;
using packets::service_one;
using packets::service_two;

class Decap : public StageTest, public testing::WithParamInterface<Nesting> {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      const Service service = stage().add_service(inner(), service_one, 80, l4_proto, Mode::ipip);
      (l4_proto == L4Proto::tcp ? tcp_ : udp_) = service;
    }
  }

  [[nodiscard]] Family inner() const { return GetParam().inner; }
  [[nodiscard]] Family outer() const { return GetParam().outer; }

  [[nodiscard]] static Packet begin() { return Packet().ethernet(director, backend_one); }
  [[nodiscard]] Packet tunnel() const { return begin().ip(outer(), director, backend_one); }
  [[nodiscard]] Packet tcp_to(const Host& host, uint16_t port, Packet before) const {
    return before.ip(inner(), client, host)
        .tcp({.source_port = 40000, .destination_port = port})
        .payload("hello");
  }
  [[nodiscard]] Packet udp_to(const Host& host, uint16_t port, Packet before) const {
    return before.ip(inner(), client, host)
        .udp({.source_port = 40000, .destination_port = port})
        .payload("hello");
  }

  // `packet` without its Ethernet header, inside the tunnel.
  [[nodiscard]] Packet in_tunnel(const Packet& packet) const {
    Packet out = tunnel();
    for (size_t i = 1; i < packet.layers().size(); i++) out.add(packet.layers()[i]);
    return out;
  }

  void expect_untouched(const std::string& what, const Frame& frame) {
    const uint64_t before = stage().counted();
    const uint64_t untouched_before = stage().verdicts(0)["not_encapsulated"];
    const Outcome outcome = stage().decap(frame);
    EXPECT_EQ(outcome.action, XDP_PASS) << what;
    EXPECT_TRUE(same_packet(outcome.frame, frame)) << what;
    EXPECT_EQ(stage().counted(), before + 1) << what;
    EXPECT_EQ(stage().verdicts(0), (Verdicts{{"not_encapsulated", untouched_before + 1}})) << what;
  }

  Service tcp_;
  Service udp_;
};

TEST_P(Decap, TheInnerPacketOfAServiceIsDecapsulated) {
  const Outcome tcp = stage().decap(tcp_to(service_one, 80, tunnel()).frame());
  EXPECT_EQ(tcp.action, XDP_PASS);
  EXPECT_TRUE(same_packet(tcp.frame, tcp_to(service_one, 80, begin()).frame()));
  const Outcome udp = stage().decap(udp_to(service_one, 80, tunnel()).frame());
  EXPECT_EQ(udp.action, XDP_PASS);
  EXPECT_TRUE(same_packet(udp.frame, udp_to(service_one, 80, begin()).frame()));
  EXPECT_EQ(stage().verdicts(tcp_.number), (Verdicts{{"decapsulated", 1}}));
  EXPECT_EQ(stage().verdicts(udp_.number), (Verdicts{{"decapsulated", 1}}));
  EXPECT_EQ(stage().counted(), 2u);
}

TEST_P(Decap, DecapRemovesTheHeaderThatSteerAdds) {
  stage().settle(tcp_, stage().add_backend(tcp_, outer(), backend_one));
  const Packet sent = tcp_to(service_one, 80, Packet().ethernet(packets::gateway, director_front));
  const Outcome steered = stage().steer(sent.frame());
  ASSERT_EQ(steered.action, XDP_REDIRECT);
  EXPECT_TRUE(same_packet(stage().decap(steered.frame).frame,
                          with_ttl(between(sent, director, backend_one), 63).frame()));
}

TEST_P(Decap, PaddingStaysBehindTheInnerPacket) {
  const Outcome outcome = stage().decap(padded(tcp_to(service_one, 80, tunnel()).frame(), 200));
  const Frame inner_frame = tcp_to(service_one, 80, begin()).frame();
  const size_t outer_bytes = outer() == Family::v4 ? 20 : 40;
  EXPECT_TRUE(same_packet(outcome.frame, padded(inner_frame, 200 - outer_bytes)));
}

TEST_P(Decap, InnerOptionsAndExtensionHeadersAreKept) {
  const auto with_more = [&](Packet packet) {
    if (inner() == Family::v4) {
      packet.add(Ipv4{.source = client.v4, .destination = service_one.v4, .options = Bytes(40, 1)});
    } else {
      packet.ip(Family::v6, client, service_one).add(Ipv6Extension{.body = Bytes(30)});
    }
    return packet.tcp({.source_port = 40000, .destination_port = 80});
  };
  EXPECT_TRUE(
      same_packet(stage().decap(with_more(tunnel()).frame()).frame, with_more(begin()).frame()));
}

TEST_P(Decap, PacketsForOtherAddressesAndPortsAreLeftToTheKernelsTunnels) {
  expect_untouched("another address", tcp_to(service_two, 80, tunnel()).frame());
  expect_untouched("another port", tcp_to(service_one, 81, tunnel()).frame());
  expect_untouched("the reverse direction", tunnel()
                                                .ip(inner(), service_one, client)
                                                .tcp({.source_port = 80, .destination_port = 40000})
                                                .frame());
  expect_untouched("no transport",
                   tunnel().ip(inner(), client, service_one).icmp({.type = 8}).frame());
  expect_untouched("a tunnel in a tunnel",
                   tcp_to(service_one, 80, tunnel().ip(inner(), director, service_one)).frame());
}

TEST_P(Decap, PacketsOutsideATunnelAreUntouched) {
  expect_untouched("without an outer header", tcp_to(service_one, 80, begin()).frame());
  expect_untouched(
      "ARP", Packet()
                 .add(packets::Ethernet{
                     .destination = backend_one.mac, .source = director.mac, .ethertype = 0x0806})
                 .add(Bytes(28))
                 .frame());
  expect_untouched(
      "VLAN", tcp_to(service_one, 80, begin().vlan(5).ip(outer(), director, backend_one)).frame());
  expect_untouched("the inner packet is of the other family", [&] {
    Packet packet = tcp_to(service_one, 80, tunnel());
    const uint8_t other = inner() == Family::v4 ? 41 : 4;
    if (outer() == Family::v4) {
      packet.find<Ipv4>()->protocol = other;
    } else {
      packet.find<Ipv6>()->next_header = other;
    }
    return packet.frame();
  }());
}

TEST_P(Decap, OuterHeadersThatNoDirectorSendsAreUntouched) {
  const auto with_outer = [&](packets::Layer layer) {
    return tcp_to(service_one, 80, begin().add(std::move(layer)));
  };
  if (outer() == Family::v4) {
    const auto v4 = [](Ipv4 header) {
      header.source = director.v4;
      header.destination = backend_one.v4;
      return header;
    };
    expect_untouched("options", with_outer(v4({.options = Bytes(4, 1)})).frame());
    expect_untouched("the first fragment",
                     with_outer(v4({.fragment = packets::ipv4_more_fragments})).frame());
    expect_untouched("a later fragment", with_outer(v4({.fragment = 100})).frame());
    expect_untouched("ihl 4", with_outer(v4({.version_ihl = 0x44})).frame());
    expect_untouched("version 6", with_outer(v4({.version_ihl = 0x65})).frame());
    expect_untouched("longer than the packet", with_outer(v4({.total_length = 1000})).frame());
    expect_untouched("shorter than the inner packet", with_outer(v4({.total_length = 40})).frame());
    expect_untouched("length 0", with_outer(v4({.total_length = 0})).frame());
  } else {
    const auto v6 = [](Ipv6 header) {
      header.source = director.v6;
      header.destination = backend_one.v6;
      return header;
    };
    expect_untouched("an extension header",
                     tcp_to(service_one, 80, tunnel().add(Ipv6Extension{})).frame());
    expect_untouched(
        "a fragment",
        tcp_to(service_one, 80, tunnel().add(packets::ipv6_fragment_header(0, true, 9))).frame());
    expect_untouched("version 4", with_outer(v6({.version = 4})).frame());
    expect_untouched("longer than the packet", with_outer(v6({.payload_length = 1000})).frame());
    expect_untouched("shorter than the inner packet",
                     with_outer(v6({.payload_length = 40})).frame());
    expect_untouched("length 0", with_outer(v6({.payload_length = 0})).frame());
  }
}

TEST_P(Decap, MalformedInnerHeadersAreUntouched) {
  if (inner() == Family::v4) {
    const auto with_inner = [&](Ipv4 header) {
      header.source = client.v4;
      header.destination = service_one.v4;
      return tunnel().add(header).tcp({.source_port = 40000, .destination_port = 80}).frame();
    };
    expect_untouched("ihl 4", with_inner({.version_ihl = 0x44}));
    expect_untouched("longer than the packet", with_inner({.total_length = 1000}));
  } else {
    const auto with_inner = [&](Ipv6 header) {
      header.source = client.v6;
      header.destination = service_one.v6;
      return tunnel().add(header).tcp({.source_port = 40000, .destination_port = 80}).frame();
    };
    expect_untouched("version 4", with_inner({.version = 4}));
    expect_untouched("longer than the packet", with_inner({.payload_length = 1000}));
  }
}

// Only the first fragment has the service's port; the later ones are accepted by address.
TEST_P(Decap, InnerFragmentsAreDecapsulated) {
  const auto cut = [&](const Packet& packet) { return fragments_of(packet, 24, 0x1234); };
  for (const Packet& fragment : cut(tcp_to(service_one, 80, begin()).payload("and more"))) {
    const Outcome outcome = stage().decap(in_tunnel(fragment).frame());
    EXPECT_EQ(outcome.action, XDP_PASS);
    EXPECT_TRUE(same_packet(outcome.frame, fragment.frame()));
  }
  EXPECT_EQ(stage().verdicts(tcp_.number), (Verdicts{{"decapsulated", 2}}));
}

TEST_P(Decap, InnerFragmentsForOthersAreUntouched) {
  const auto fragment = [&](const Packet& packet, size_t number) {
    return in_tunnel(fragments_of(packet, 24, 0x1234).at(number)).frame();
  };
  const Packet other_port = tcp_to(service_one, 81, begin()).payload("and more");
  const Packet other_address = tcp_to(service_two, 80, begin()).payload("and more");
  expect_untouched("first fragment, another port", fragment(other_port, 0));
  expect_untouched("first fragment, another address", fragment(other_address, 0));
  expect_untouched("later fragment, another address", fragment(other_address, 1));
}

TEST_P(Decap, InnerErrorsAboutAServicesFlowAreDecapsulated) {
  const auto error = [&](Packet before, uint16_t port, size_t bytes) {
    const Packet about = Packet()
                             .ip(inner(), service_one, client)
                             .tcp({.source_port = port, .destination_port = 40000});
    const uint8_t type = inner() == Family::v4 ? 3 : 1;
    return before.ip(inner(), packets::outsider, service_one)
        .icmp({.type = type, .code = 1})
        .quote(about, bytes);
  };
  const size_t ip_bytes = inner() == Family::v4 ? 20 : 40;
  for (const size_t bytes : {ip_bytes + 8, size_t{1000}}) {
    EXPECT_TRUE(same_packet(stage().decap(error(tunnel(), 80, bytes).frame()).frame,
                            error(begin(), 80, bytes).frame()));
  }
  EXPECT_EQ(stage().verdicts(tcp_.number), (Verdicts{{"decapsulated", 2}}));
  expect_untouched("another port", error(tunnel(), 81, 1000).frame());
  expect_untouched("truncated", error(tunnel(), 80, ip_bytes + 7).frame());
}

TEST_P(Decap, PacketsTruncatedAtAnyByteAreUntouched) {
  for (const bool is_tcp : {true, false}) {
    const Frame whole = is_tcp ? tcp_to(service_one, 80, tunnel()).frame()
                               : udp_to(service_one, 80, tunnel()).frame();
    for (size_t bytes = 14; bytes < whole.size(); bytes++) {
      expect_untouched(fmt::format("{} bytes", bytes), whole.truncated(bytes));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryNesting, Decap, testing::ValuesIn(every_nesting), nesting_name);

}  // namespace
}  // namespace sluice::stage
