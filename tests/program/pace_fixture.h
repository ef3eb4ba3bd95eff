// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fixture of the tests of pace that send single packets: packet in, whole packet out, in both
// families.
#pragma once

#include <linux/pkt_cls.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "pace_instance.h"

namespace sluice::packets {

inline constexpr uint8_t scale = 7;
inline constexpr uint32_t client_isn = 0xfffffff0;  // sequence numbers wrap in every case
inline constexpr uint32_t server_isn = 0xffffff00;

inline const Bytes scaling =
    tcp_options({option_mss(1460), option_sack_permitted(), option_nop(), option_window_scale(7)});
inline const Bytes without_scaling = tcp_options({option_mss(1460)});
inline const Bytes timestamps =
    tcp_options({option_nop(), option_nop(), option_timestamps(100, 200)});

class PaceFixture : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
    pace_.emplace();
    pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 6), web);
    pace_->add_endpoint(service_one.endpoint(GetParam(), web_port, 17), web);
    set_window(256 * 1024);
  }

  void set_window(uint32_t window_bytes) { pace_->set_policy(web, 0, window_bytes); }

  [[nodiscard]] Packet to_service(Tcp tcp) const {
    return begin_to_service(Packet().ethernet(client, director), std::move(tcp));
  }
  [[nodiscard]] Packet begin_to_service(Packet begun, Tcp tcp) const {
    tcp.source_port = client_port;
    tcp.destination_port = web_port;
    return begun.ip(GetParam(), client, service_one).tcp(std::move(tcp));
  }
  [[nodiscard]] Packet to_client(Tcp tcp) const {
    tcp.source_port = web_port;
    tcp.destination_port = client_port;
    return Packet()
        .ethernet(director, client)
        .ip(GetParam(), service_one, client)
        .tcp(std::move(tcp));
  }
  [[nodiscard]] Packet syn(const Bytes& options, uint16_t window = 65535) const {
    return to_service({.seq = client_isn, .flags = tcp_syn, .window = window, .options = options});
  }
  [[nodiscard]] Packet syn_ack(const Bytes& options) const {
    return to_client(
        {.seq = server_isn, .ack = client_isn + 1, .flags = tcp_syn | tcp_ack, .options = options});
  }
  // An ACK in mid-connection that acknowledges so many bytes.
  [[nodiscard]] Packet ack(uint16_t window, uint32_t acked = 0) const {
    return to_service({.seq = client_isn + 1, .ack = server_isn + 1 + acked, .window = window});
  }

  Frame pass(PaceHook hook, const Packet& packet) {
    const PaceOutcome outcome = pace_->run(hook, packet.frame());
    EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
    return outcome.frame;
  }
  Frame pass_in(const Packet& packet) { return pass(PaceHook::ingress, packet); }
  Frame pass_out(const Packet& packet) { return pass(PaceHook::egress, packet); }

  void handshake(const Bytes& client_options, const Bytes& server_options) {
    pass_in(syn(client_options));
    pass_out(syn_ack(server_options));
  }

  void expect_untouched(const Packet& packet) { expect_untouched(packet.frame()); }
  void expect_untouched(const Frame& frame) {
    for (const PaceHook hook : pace_hooks) {
      const PaceOutcome outcome = pace_->run(hook, frame);
      EXPECT_EQ(outcome.action, TC_ACT_UNSPEC);
      EXPECT_TRUE(same_packet(outcome.frame, frame));
    }
  }
  // The same packet with another window, and a checksum to match.
  static Frame with_window(const Packet& packet, uint16_t window) {
    Packet changed = packet;
    changed.find<Tcp>()->window = window;
    return changed.frame();
  }
  void expect_window(const Packet& packet, uint16_t window) {
    EXPECT_TRUE(same_packet(pass_in(packet), with_window(packet, window)));
  }

  [[nodiscard]] uint64_t count(uint32_t service, sluice_verdict verdict) const {
    return pace_->verdict(service, verdict).packets;
  }
  [[nodiscard]] std::optional<sluice_paced_flow> flow() const {
    return pace_->flow(flow_key(client, service_one, GetParam(), client_port, web_port, 6));
  }

  std::optional<PaceInstance> pace_;
};

}  // namespace sluice::packets
