// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture of mode snat: a client that speaks to a service, whose one backend is backend_one
// unless a test says otherwise, and answers.
#pragma once

#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {

struct Speech {
  Family family;
  L4Proto l4_proto;
};

inline constexpr uint16_t kServicePort = 80;
inline constexpr uint16_t kBackendPort = 8080;
inline constexpr uint16_t kClientPort = 40000;

class SnatTest : public StageTest, public testing::WithParamInterface<Speech> {
 protected:
  void SetUp() override;

  [[nodiscard]] Family family() const { return GetParam().family; }
  [[nodiscard]] bool is_tcp() const { return GetParam().l4_proto == L4Proto::tcp; }

  // The service's new connections all go there.
  Backend move_to(const Host& host);

  // From a client, by way of the gateway; UDP has no flags.
  [[nodiscard]] packets::Packet request(uint8_t flags, uint16_t port = kClientPort,
                                        const std::string& payload = "question") const;
  [[nodiscard]] packets::Packet opening(uint16_t port = kClientPort) const {
    return request(packets::tcp_syn, port);
  }
  [[nodiscard]] packets::Packet with_l4(packets::Packet packet, uint16_t source_port,
                                        uint16_t destination_port, uint8_t flags,
                                        const std::string& payload) const;
  // As the client's packet arrives at the backend, and the backend's at the client.
  [[nodiscard]] packets::Packet at_backend(const packets::Packet& sent, uint16_t port,
                                           const Host& backend = packets::backend_one) const;
  [[nodiscard]] packets::Packet reply(uint16_t port, uint8_t flags = packets::tcp_ack,
                                      const Host& backend = packets::backend_one) const;
  [[nodiscard]] packets::Packet at_client(const packets::Packet& sent,
                                          uint16_t client_port = kClientPort) const;

  // Sends it and answers the director's port that it left from; 0: it went nowhere.
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

std::string speech_name(const testing::TestParamInfo<Speech>& info);
std::vector<Speech> every_speech();
std::vector<Speech> every_speech_of(L4Proto l4_proto);

}  // namespace sluice::stage
