// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture of the tests of packets that steer passes.
#pragma once

#include <linux/bpf.h>

#include <string>
#include <vector>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {

inline constexpr size_t kEthernetBytes = 14;

struct Case {
  std::string name;
  Frame frame;
  std::string verdict;
};

// Services of modes ipip and snat, packets for them, and the check that a packet passes unchanged.
class PassTest : public StageTestOfFamily {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      for (const Mode mode : {Mode::ipip, Mode::snat}) {
        const Host& host = mode == Mode::ipip ? packets::service_one : packets::service_two;
        const Service service = stage().add_service(family(), host, 80, l4_proto, mode);
        stage().settle(service, stage().add_backend(service, family(), packets::backend_one));
      }
    }
  }

  [[nodiscard]] static packets::Packet begin() {
    return packets::Packet().ethernet(packets::gateway, director_front);
  }
  [[nodiscard]] packets::Packet ip(const Host& to = packets::service_one) const {
    return begin().ip(family(), packets::client, to);
  }
  [[nodiscard]] static packets::Tcp tcp() {
    return {.source_port = 40000, .destination_port = 80, .flags = packets::tcp_syn};
  }
  [[nodiscard]] static packets::Udp udp() { return {.source_port = 40000, .destination_port = 80}; }
  // An IP header of this protocol, followed by these bytes.
  [[nodiscard]] packets::Packet raw(uint8_t l4_proto, packets::Bytes bytes) const {
    packets::Packet packet = ip();
    if (auto* v4 = packet.find<packets::Ipv4>()) v4->protocol = l4_proto;
    if (auto* v6 = packet.find<packets::Ipv6>()) v6->next_header = l4_proto;
    return packet.add(std::move(bytes));
  }
  // The packet with its IP length changed by `difference`.
  [[nodiscard]] packets::Packet with_length_off_by(packets::Packet packet, int difference) const {
    const int bytes = static_cast<int>(packet.datagram().size());
    if (auto* v4 = packet.find<packets::Ipv4>())
      v4->total_length = static_cast<uint16_t>(bytes + difference);
    if (auto* v6 = packet.find<packets::Ipv6>())
      v6->payload_length = static_cast<uint16_t>(bytes - 40 + difference);
    return packet;
  }

  // Packets for services, with every header chain that the parser follows.
  [[nodiscard]] std::vector<packets::Packet> ours() const {
    std::vector<packets::Packet> out;
    for (const Host* host : {&packets::service_one, &packets::service_two}) {
      out.push_back(ip(*host).tcp(tcp()).payload("hello"));
      out.push_back(ip(*host).udp(udp()).payload("hello"));
      packets::Tcp with_options = tcp();
      with_options.options =
          packets::tcp_options({packets::option_mss(1460), packets::option_timestamps(1, 0)});
      out.push_back(ip(*host).tcp(with_options));
      for (const bool is_tcp : {true, false}) {
        packets::Packet packet = begin();
        if (family() == Family::v4) {
          packet.add(packets::Ipv4{.source = packets::client.v4,
                                   .destination = host->v4,
                                   .options = packets::Bytes(12, 1)});
        } else {
          packet.ip(family(), packets::client, *host)
              .add(packets::Ipv6Extension{.kind = packets::ipv6_hop_by_hop})
              .add(packets::Ipv6Extension{.body = packets::Bytes(14)});
        }
        out.push_back(is_tcp ? packet.tcp(tcp()).payload("hello") : packet.udp(udp()));
      }
    }
    return out;
  }

  void expect_passed(const Case& row) {
    const uint64_t counted_before = stage().counted();
    const uint64_t verdict_before = stage().verdicts(0)[row.verdict];
    const Outcome outcome = stage().steer(row.frame);
    EXPECT_EQ(outcome.action, XDP_PASS) << row.name;
    EXPECT_TRUE(packets::same_packet(outcome.frame, row.frame)) << row.name;
    EXPECT_EQ(stage().verdicts(0)[row.verdict], verdict_before + 1) << row.name;
    EXPECT_EQ(stage().counted(), counted_before + 1) << row.name;
  }
};

}  // namespace sluice::stage
