// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// No packet is lost silently, in any mode and any state of a backend: every packet is counted once,
// by one verdict or one backend. Punted packets are counted by both.
#include <algorithm>
#include <map>
#include <set>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_three;
using packets::backend_two;
using packets::client;
using packets::director;
using packets::service_one;

class SteerKinds : public ModeTest {
 protected:
  // Services of both protocols, each with its backend in another state.
  void populate() {
    uint16_t port = 1000;
    for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
      const auto add = [&](const Host& backend, BackendState state, const Policy& policy = {}) {
        Service service = patch(l4_proto, port);
        service.quic = l4_proto == L4Proto::udp && port % 2 == 0;
        Served served = serve(service, backend, port++, policy);
        stage().set_state(served.service, served.backend, state);
        ports_.insert(served.service.endpoint.port);
        services_ = served.service.number;
        backends_.push_back(served.backend);
        return served;
      };
      add(backend_one, BackendState::up);
      add(backend_one, BackendState::draining);
      add(backend_one, BackendState::down);
      add(backend_lost, BackendState::up);
      add(backend_three, BackendState::up);
      add(backend_far, BackendState::up);
      add(backend_one, BackendState::up, {.flow_rate_bytes_per_sec = 1000000});
      add(backend_one, BackendState::up, {.connections_per_sec = 1});
      const Served moves = add(backend_two, BackendState::up);
      const Backend one =
          stage().add_backend(moves.service, outer(), backend_one, BackendState::up, 999);
      backends_.push_back(one);
      stage().set_ring(
          moves.service,
          Ring(256, {.backend = moves.backend.number, .previous = one.number, .moving = true}));
      const Served closed = add(backend_one, BackendState::up);
      stage().add_filter(closed.service,
                         family() == Family::v4 ? "198.51.100.0/24" : "2001:db8::/32",
                         FilterAction::deny);
      stage().set_ring(add(backend_one, BackendState::up).service, Ring(256));
      ports_.insert(port++);  // of no service
    }
  }
  // Packets of one flow: whole, tagged, too long, with a TTL of 1, fragmented, quoted in an error,
  // echo requests, replies; each whole, truncated and padded.
  [[nodiscard]] std::vector<Frame> kinds(L4Proto l4_proto, uint16_t port) const {
    std::vector<Packet> packets;
    for (const uint8_t flags : {packets::tcp_syn, packets::tcp_ack, packets::tcp_rst}) {
      packets.push_back(with_l4(from_client(), l4_proto, kClientPort, port, "question", flags));
    }
    packets.push_back(
        with_l4(from_client({0x88a8, 0x8100}), l4_proto, kClientPort, port, "question"));
    packets.push_back(with_ttl(packets.front(), 1));
    packets.push_back(with_l4(from_client(), l4_proto, kClientPort, port, std::string(1600, 'x')));
    const Packet large =
        with_l4(from_client(), l4_proto, kClientPort, port, std::string(300, '\x40'));
    for (const Packet& fragment : fragments_of(large, 64, port)) packets.push_back(fragment);
    packets.push_back(fragments_of(large, 64, uint32_t{port} + 1000)[1]);
    const Packet about = with_l4(Packet().ip(family(), service_one, client), l4_proto, port,
                                 kClientPort, std::string(1600, 'y'), packets::tcp_ack);
    for (const size_t bytes : {size_t{20}, size_t{64}, size_t{1600}}) {
      packets.push_back(from_client()
                            .icmp({.type = static_cast<uint8_t>(family() == Family::v4 ? 3 : 1)})
                            .quote(about, bytes));
    }
    packets.push_back(from_client().icmp({.type = 8}));
    packets.push_back(from_client().icmp({.type = 128}));
    packets.push_back(
        with_l4(Packet().ethernet(backend_one, director).ip(family(), backend_one, client),
                l4_proto, port, kClientPort, "answer", packets::tcp_ack));
    std::vector<Frame> frames;
    for (const Packet& packet : packets) {
      const Frame frame = packet.frame();
      for (const size_t bytes : {frame.size(), frame.size() - 1, size_t{40}}) {
        frames.push_back(frame.truncated(bytes));
      }
      frames.push_back(padded(frame, 120));
    }
    return frames;
  }

  struct Count {
    uint64_t forwarded = 0;  // to backends
    uint64_t punted = 0;     // in addition to the backend
    uint64_t other = 0;
  };
  [[nodiscard]] Count count() {
    Count count;
    for (uint32_t service = 0; service <= services_; service++) {
      for (const auto& [name, packets] : stage().verdicts(service)) {
        const bool is_punted =
            name == "neighbour_unknown" || name == "punted_to_pace" || name == "other_device";
        (is_punted ? count.punted : count.other) += packets;
      }
    }
    for (const Backend& backend : backends_) count.forwarded += stage().traffic(backend).packets;
    return count;
  }

  uint32_t services_ = 0;
  std::vector<Backend> backends_;
  std::set<uint16_t> ports_;
};

TEST_P(SteerKinds, EveryPacketIsCountedExactlyOnce) {
  populate();
  std::map<int, uint64_t> actions;
  Count before = count();
  for (const Device device : {Device::front, Device::back}) {
    for (const uint16_t port : ports_) {
      for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
        for (const Frame& frame : kinds(l4_proto, port)) {
          const int action = stage().steer(frame, device).action;
          const Count after = count();
          actions[action]++;
          const uint64_t punted = after.punted - before.punted;
          const uint64_t forwarded = after.forwarded - before.forwarded;
          const uint64_t other = after.other - before.other;
          // A punted reply is counted by its verdict only.
          ASSERT_EQ(other + std::max(forwarded, punted), 1u) << describe(frame);
          before = after;
          if (forwarded > 0 && punted == 0) {
            ASSERT_TRUE(action == XDP_TX || action == XDP_REDIRECT);
          }
        }
      }
    }
  }
  for (const int action : {XDP_PASS, XDP_DROP, XDP_REDIRECT, XDP_TX}) {
    EXPECT_GT(actions[action], 50u) << action;
  }
  EXPECT_EQ(actions.size(), 4u) << "an unknown action";
}

INSTANTIATE_TEST_SUITE_P(EveryMode, SteerKinds, testing::ValuesIn(every_combination()),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
