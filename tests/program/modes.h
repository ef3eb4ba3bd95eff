// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture of what holds in every mode: a service of each protocol, and how a client's packet
// arrives at its backend.
#pragma once

#include <linux/bpf.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "expectations.h"
#include "stage.h"
#include "translation.h"

namespace sluice::stage {

using packets::Packet;

// A client of one family, a mode, and where it puts a header on, which.
struct Way {
  Family family;
  Mode mode;
  std::optional<Outer> outer{};
};

class ModeTest : public StageTest, public testing::WithParamInterface<Way> {
 protected:
  void SetUp() override;

  [[nodiscard]] Family family() const { return GetParam().family; }
  [[nodiscard]] Mode mode() const { return GetParam().mode; }
  // The backends' family, which only an outer header may change.
  [[nodiscard]] Family outer() const { return GetParam().outer.value_or(family()).family; }
  [[nodiscard]] bool translates() const { return mode() == Mode::nat || mode() == Mode::snat; }

  struct Served {
    Service service;
    Backend backend;
  };
  // A service of this mode as `patch` has it, all of whose slots are the backend's.
  Served serve(Service patch, const Host& backend = packets::backend_one,
               uint16_t backend_port = kBackendPort, const Policy& policy = {});
  Served serve(L4Proto l4_proto, uint16_t port, const Host& backend = packets::backend_one) {
    return serve(patch(l4_proto, port), backend);
  }
  [[nodiscard]] Service patch(L4Proto l4_proto, uint16_t port,
                              const Host& host = packets::service_one) const;

  // From a client, by way of the gateway, with these tags.
  [[nodiscard]] Packet from_client(const std::vector<uint16_t>& tpids = {},
                                   const Host& to = packets::service_one) const;
  [[nodiscard]] static Packet with_l4(Packet packet, L4Proto l4_proto, uint16_t source_port,
                                      uint16_t destination_port, const std::string& payload,
                                      uint8_t flags = packets::tcp_syn);
  [[nodiscard]] Packet request(L4Proto l4_proto, const std::string& payload = "question") const {
    return with_l4(from_client(), l4_proto, kClientPort, kServicePort, payload);
  }
  // As it arrives; in mode snat its connection has to be known by now.
  [[nodiscard]] Packet at_backend(const Packet& sent, const Host& backend = packets::backend_one,
                                  uint16_t backend_port = kBackendPort);
  // Modes nat and snat: the backend's answer to a connection that is known, and how it arrives.
  [[nodiscard]] Packet reply(L4Proto l4_proto, const std::string& payload = "answer",
                             const std::vector<uint16_t>& tpids = {});
  [[nodiscard]] Packet at_client(const Packet& sent) const;
  // To whom and which port the backend answers: the director, or the client itself.
  [[nodiscard]] End peer_of_backend(L4Proto l4_proto);
  // That port of the director's; nothing known: 0.
  [[nodiscard]] uint16_t translated_port(const Packet& sent);

  void expect_reaches_backend(const Packet& sent);
  // It passes as it came, and is counted once, under this.
  void expect_passes(const Frame& frame, const std::string& verdict, Device device = Device::front);
  // It is dropped, and counted once, under this name of this service's.
  void expect_dropped(const Frame& frame, const std::string& verdict, const Service& service);

  Served tcp_;
  Served udp_;
};

[[nodiscard]] std::vector<Way> every_way();
[[nodiscard]] std::vector<Way> every_way_of(Mode mode);
[[nodiscard]] std::vector<Way> every_way_of(Family family);
// Those without state: where a packet goes is the ring's affair.
[[nodiscard]] std::vector<Way> every_way_by_ring();
// Those whose replies come back.
[[nodiscard]] std::vector<Way> every_way_back();
// By its name, in what a failure says.
void PrintTo(const Way& way, std::ostream* out);
std::string way_name(const testing::TestParamInfo<Way>& info);

}  // namespace sluice::stage
