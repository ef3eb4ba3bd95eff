// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mode l2: only the MACs and the TTL change. A punted packet names the backend in its destination
// MAC, because its IP header does not.
#include <linux/pkt_cls.h>

#include <cstring>

#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_three;
using packets::director;
using packets::Ethernet;
using packets::Ipv4;
using packets::same_packet;

class SteerL2 : public ModeTest {
 protected:
  // `sent` as steer punts it for this backend.
  static Packet marked(Packet sent, uint32_t backend) {
    sent = forwarded(std::move(sent), punt_sent, punt_sent);
    auto& mac = sent.find<Ethernet>()->destination;
    mac = {};
    memcpy(mac.data() + 2, &backend, sizeof(backend));
    return sent;
  }
  void expect_punted(const Packet& sent, const Served& served, const std::string& verdict) {
    const Outcome steered = stage().steer(sent.frame());
    EXPECT_EQ(steered.action, XDP_PASS);
    EXPECT_TRUE(same_packet(steered.frame, marked(sent, served.backend.number).frame()));
    EXPECT_EQ(stage().verdicts(served.service.number), (Verdicts{{verdict, 1}}));
    EXPECT_EQ(stage().traffic(served.backend).packets, 1u);
    EXPECT_EQ(stage().punt(steered.frame).action, TC_ACT_REDIRECT);
    EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 1}}));
  }
};

TEST_P(SteerL2, OnlyTheMacsAndTheTtlChange) {
  for (const L4Proto l4_proto : {L4Proto::tcp, L4Proto::udp}) {
    for (const size_t bytes : {size_t{0}, size_t{1}, size_t{1400}}) {
      const Packet sent = request(l4_proto, std::string(bytes, 'x'));
      for (int i = 0; i < 2; i++) {
        const Outcome outcome = stage().steer(sent.frame());
        EXPECT_EQ(outcome.action, XDP_REDIRECT);
        EXPECT_TRUE(
            same_packet(outcome.frame, with_ttl(between(sent, director, backend_one), 63).frame()));
      }
    }
  }
}

TEST_P(SteerL2, TheTtlIsDecrementedAndTheChecksumUpdated) {
  for (int ttl = 2; ttl < 256; ttl++) {
    expect_reaches_backend(with_ttl(request(L4Proto::udp), static_cast<uint8_t>(ttl)));
  }
  if (family() == Family::v6) return;
  for (uint32_t id = 0; id < 65536; id += 111) {
    Packet sent = request(L4Proto::udp);
    sent.find<Ipv4>()->id = static_cast<uint16_t>(id);
    expect_reaches_backend(sent);
  }
}

TEST_P(SteerL2, APacketMayFillTheMtu) {
  const size_t headers = request(L4Proto::tcp, "").datagram().size();
  expect_reaches_backend(request(L4Proto::tcp, std::string(kMtu - headers, 'x')));
}

TEST_P(SteerL2, APacketForAnUnknownNeighbourIsPuntedWithItsBackend) {
  const Served served = serve(L4Proto::tcp, 443, backend_three);
  expect_punted(with_l4(from_client(), L4Proto::tcp, kClientPort, 443, "question"), served,
                "neighbour_unknown");
}

TEST_P(SteerL2, APacketForADeviceWithoutSteerIsPuntedWithItsBackend) {
  stage().detach(Device::back);
  expect_punted(request(L4Proto::tcp), tcp_, "other_device");
}

// punt looks up the route to the backend: a backend without a route drops the packet, although the
// packet's destination has one.
TEST_P(SteerL2, PuntSendsToTheBackendAndNotToTheDestination) {
  const Served lost = serve(L4Proto::udp, 443, backend_lost);
  const Packet sent = with_l4(from_client(), L4Proto::udp, kClientPort, 443, "question");
  EXPECT_EQ(stage().punt(marked(sent, lost.backend.number).frame()).action, TC_ACT_SHOT);
  EXPECT_EQ(stage().punt(marked(sent, tcp_.backend.number).frame()).action, TC_ACT_REDIRECT);
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_sent", 1}, {"punt_no_route", 1}}));
}

TEST_P(SteerL2, APuntedPacketWithABackendBeyondTheTableIsDropped) {
  EXPECT_EQ(stage().punt(marked(request(L4Proto::tcp), 0xfffffff).frame()).action, TC_ACT_SHOT);
  EXPECT_EQ(stage().verdicts(0), (Verdicts{{"punt_no_route", 1}}));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, SteerL2, testing::ValuesIn(every_combination_of(Mode::l2)),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
