// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fixture for tests that hold in every mode: one service per protocol, and the packet that the
// backend is expected to receive.
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

// A client's family, a forwarding mode and, in the modes that encapsulate, the outer header.
struct Combination {
  Family family;
  Mode mode;
  std::optional<Outer> outer{};
};

class ModeTest : public StageTest, public testing::WithParamInterface<Combination> {
 protected:
  void SetUp() override;

  [[nodiscard]] Family family() const { return GetParam().family; }
  [[nodiscard]] Mode mode() const { return GetParam().mode; }
  // The backends' family: the client's, unless an outer header changes it.
  [[nodiscard]] Family outer() const { return GetParam().outer.value_or(family()).family; }
  [[nodiscard]] bool translates() const { return mode() == Mode::nat || mode() == Mode::snat; }

  struct Served {
    Service service;
    Backend backend;
  };
  // Adds the service `patch` with one backend that has all slots of its ring.
  Served serve(Service patch, const Host& backend = packets::backend_one,
               uint16_t backend_port = kBackendPort, const Policy& policy = {});
  Served serve(L4Proto l4_proto, uint16_t port, const Host& backend = packets::backend_one) {
    return serve(patch(l4_proto, port), backend);
  }
  [[nodiscard]] Service patch(L4Proto l4_proto, uint16_t port,
                              const Host& host = packets::service_one) const;

  // From a client through the gateway, with these VLAN tags.
  [[nodiscard]] Packet from_client(const std::vector<uint16_t>& tpids = {},
                                   const Host& to = packets::service_one) const;
  [[nodiscard]] Packet request(L4Proto l4_proto, const std::string& payload = "question") const {
    return with_l4(from_client(), l4_proto, kClientPort, kServicePort, payload);
  }
  // `sent` as the backend receives it. Mode snat: only after the connection is tracked.
  [[nodiscard]] Packet at_backend(const Packet& sent, const Host& backend = packets::backend_one,
                                  uint16_t backend_port = kBackendPort);
  // Modes nat and snat: the backend's reply, and `sent` as the client receives it.
  [[nodiscard]] Packet reply(L4Proto l4_proto, const std::string& payload = "answer",
                             const std::vector<uint16_t>& tpids = {});
  [[nodiscard]] Packet at_client(const Packet& sent) const;
  // The destination of the backend's replies: the director (snat) or the client (nat).
  [[nodiscard]] End peer_of_backend(L4Proto l4_proto);
  // The director's port for this flow; 0 if the flow is not tracked.
  [[nodiscard]] uint16_t translated_port(const Packet& sent);

  void expect_reaches_backend(const Packet& sent);
  // The frame passes unchanged and is counted once, under this verdict of no service.
  void expect_passes(const Frame& frame, const std::string& verdict, Device device = Device::front);
  // The frame is dropped and counted once, under this verdict of the service.
  void expect_dropped(const Frame& frame, const std::string& verdict, const Service& service);

  Served tcp_;
  Served udp_;
};

[[nodiscard]] std::vector<Combination> every_combination();
[[nodiscard]] std::vector<Combination> every_combination_of(Mode mode);
[[nodiscard]] std::vector<Combination> every_combination_of(Family family);
// The modes in which the ring alone decides: all but snat.
[[nodiscard]] std::vector<Combination> combinations_by_ring();
// The modes whose replies pass the director: nat and snat.
[[nodiscard]] std::vector<Combination> combinations_with_replies();
void PrintTo(const Combination& combination, std::ostream* out);
std::string combination_name(const testing::TestParamInfo<Combination>& info);

}  // namespace sluice::stage
