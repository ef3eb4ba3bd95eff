// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture of mode snat: a client, one service, and its only backend, which is backend_one
// unless a test moves the service.
#pragma once

#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {

struct Transport {
  Family family;
  L4Proto l4_proto;
};

inline constexpr uint16_t kServicePort = 80;
inline constexpr uint16_t kBackendPort = 8080;
inline constexpr uint16_t kClientPort = 40000;

// `packet` with a TCP header (sequence numbers 7 and 9) or a UDP header, and a payload. UDP ignores
// the flags.
[[nodiscard]] packets::Packet with_l4(packets::Packet packet, L4Proto l4_proto,
                                      uint16_t source_port, uint16_t destination_port,
                                      const std::string& payload, uint8_t flags = packets::tcp_syn);

// `packet` with an IPv4 header with 40 bytes of options, or an IPv6 header with six extension
// headers, from `client` to service_one.
[[nodiscard]] packets::Packet with_long_ip_header(packets::Packet packet, Family family);

class SnatTest : public StageTest, public testing::WithParamInterface<Transport> {
 protected:
  void SetUp() override;

  [[nodiscard]] Family family() const { return GetParam().family; }

  // Adds a backend and gives it all slots of the ring.
  Backend move_to(const Host& host);

  // From a client through the gateway; UDP ignores the flags.
  [[nodiscard]] packets::Packet request(uint8_t flags, uint16_t port = kClientPort,
                                        const std::string& payload = "question") const;
  [[nodiscard]] packets::Packet opening(uint16_t port = kClientPort) const {
    return request(packets::tcp_syn, port);
  }
  [[nodiscard]] packets::Packet with_l4(packets::Packet packet, uint16_t source_port,
                                        uint16_t destination_port, uint8_t flags,
                                        const std::string& payload) const {
    return stage::with_l4(std::move(packet), GetParam().l4_proto, source_port, destination_port,
                          payload, flags);
  }
  // The client's packet as the backend receives it, and the backend's as the client receives it.
  [[nodiscard]] packets::Packet at_backend(const packets::Packet& sent, uint16_t port,
                                           const Host& backend = packets::backend_one) const;
  [[nodiscard]] packets::Packet reply(uint16_t port, uint8_t flags = packets::tcp_ack,
                                      const Host& backend = packets::backend_one) const;
  [[nodiscard]] packets::Packet at_client(const packets::Packet& sent,
                                          uint16_t client_port = kClientPort) const;

  // Sends the packet and returns its source port at the director; 0 if it was not forwarded.
  uint16_t port_of(const packets::Packet& sent);
  std::optional<sluice_translation> translation(const sluice_flow& flow);
  std::optional<sluice_translation> forward_entry(uint16_t port = kClientPort) {
    return translation(flow_of(opening(port)));
  }
  std::optional<sluice_translation> reply_entry(uint16_t port) {
    return translation(flow_of(reply(port)));
  }
  [[nodiscard]] size_t translations() { return stage().translations().entries()->size(); }

  Service service_;
  Backend backend_;
};

std::string transport_name(const testing::TestParamInfo<Transport>& info);
std::vector<Transport> every_transport();
std::vector<Transport> every_transport_of(L4Proto l4_proto);

}  // namespace sluice::stage
