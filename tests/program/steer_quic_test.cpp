// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// QUIC: for a service with this option, three bytes of the connection id name the backend
// (bpf/steer/quic.h). A packet whose id names no backend of the service goes by its 5-tuple.
#include "modes.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::backend_two;
using packets::Bytes;
using packets::same_packet;
using packets::service_two;

constexpr uint16_t kQuicPort = 443;
constexpr uint32_t kVersion1 = 1;
constexpr uint32_t kVersion2 = 0x6b3343cf;  // RFC 9369
constexpr uint32_t kDraft29 = 0xff00001d;

// Types of a long header in version 1.
enum Type : uint8_t { initial = 0, zero_rtt = 1, handshake = 2, retry = 3 };

class SteerQuic : public ModeTest {
 protected:
  // The hash selects backend_one for every packet; only an id can name backend_two.
  void SetUp() override {
    ModeTest::SetUp();
    if (IsSkipped()) return;
    Service quic = patch(L4Proto::udp, kQuicPort);
    quic.quic = true;
    by_hash_ = serve(quic);
    named_ = stage().add_backend(by_hash_.service, outer(), backend_two);
  }
  static Bytes connection_id(uint32_t number, size_t bytes = 8) {
    Bytes id{0x47, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
             static_cast<uint8_t>(number)};
    id.resize(bytes, 0xee);
    return id;
  }
  static Bytes short_header(const Bytes& id) {
    Bytes out{0x40};
    out.insert(out.end(), id.begin(), id.end());
    return out;
  }
  static Bytes long_header(uint8_t type, const Bytes& id, uint32_t version = kVersion1) {
    Bytes out{static_cast<uint8_t>(0xc0 | type << 4)};
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<uint8_t>(version >> shift));
    out.push_back(static_cast<uint8_t>(id.size()));
    out.insert(out.end(), id.begin(), id.end());
    out.resize(out.size() + 20, 0xaa);
    return out;
  }
  [[nodiscard]] Packet datagram(const Bytes& quic, uint16_t port = kQuicPort) const {
    return from_client().udp({.source_port = kClientPort, .destination_port = port}).add(quic);
  }
  void expect_at(const Bytes& quic, const Host& backend, const std::string& what) {
    const uint64_t before = stage().counted();
    const Packet sent = datagram(quic);
    const Outcome outcome = stage().steer(sent.frame());
    EXPECT_TRUE(same_packet(outcome.frame, at_backend(sent, backend).frame())) << what;
    EXPECT_EQ(stage().counted(), before + 1) << what;
  }
  void expect_named(const Bytes& quic, const std::string& what) {
    expect_at(quic, backend_two, what);
  }
  void expect_by_hash(const Bytes& quic, const std::string& what) {
    expect_at(quic, backend_one, what);
  }

  Served by_hash_;
  Backend named_;
};

TEST_P(SteerQuic, AShortHeaderGoesToTheBackendThatItsIdNames) {
  expect_named(short_header(connection_id(named_.number)), "short");
  expect_named(short_header(connection_id(named_.number, 4)), "the shortest id that names one");
  expect_named(short_header(connection_id(named_.number, 20)), "a long one");
  EXPECT_EQ(stage().traffic(named_).packets, 3u);
  EXPECT_EQ(stage().traffic(named_).connections, 0u);
}

TEST_P(SteerQuic, FlagsOtherThanTheHeaderFormAreIgnored) {
  for (int flags = 0; flags < 0x80; flags += 7) {
    Bytes quic = short_header(connection_id(named_.number));
    quic[0] = static_cast<uint8_t>(flags);
    expect_named(quic, std::to_string(flags));
  }
}

TEST_P(SteerQuic, ALongHeaderNamesABackendOnlyAfterTheFirstFlight) {
  const Bytes id = connection_id(named_.number);
  expect_by_hash(long_header(initial, id), "Initial");
  expect_by_hash(long_header(zero_rtt, id), "0-RTT");
  expect_named(long_header(handshake, id), "Handshake");
  expect_named(long_header(handshake, id, kDraft29), "Handshake of a draft");
  expect_named(long_header(handshake, connection_id(named_.number, 20)), "a long id");
  expect_named(long_header(handshake, connection_id(named_.number, 4)), "the shortest id");
  expect_by_hash(long_header(handshake, connection_id(named_.number, 3)), "an id too short");
  expect_by_hash(long_header(handshake, {}), "no id");
}

TEST_P(SteerQuic, TheTypesOfVersion2AreShiftedByOne) {
  const Bytes id = connection_id(named_.number);
  expect_by_hash(long_header(initial + 1, id, kVersion2), "Initial");
  expect_by_hash(long_header(zero_rtt + 1, id, kVersion2), "0-RTT");
  expect_named(long_header(handshake + 1, id, kVersion2), "Handshake");
  expect_named(long_header((retry + 1) % 4, id, kVersion2), "Retry");
}

TEST_P(SteerQuic, AnIdThatNamesNoBackendOfTheServiceGoesByHash) {
  Service other_settings = patch(L4Proto::udp, kQuicPort, service_two);
  const Served other = serve(other_settings, backend_two);
  expect_by_hash(short_header(connection_id(0)), "0");
  expect_by_hash(short_header(connection_id(63)), "an unused number");
  expect_by_hash(short_header(connection_id(0xffffff)), "a number beyond the table");
  expect_by_hash(short_header(connection_id(other.backend.number)), "another service's backend");
  expect_by_hash(long_header(handshake, connection_id(other.backend.number)), "the same, long");
}

TEST_P(SteerQuic, AnIdOfADrainingBackendIsHonouredAndOneOfADownBackendIsNot) {
  stage().set_state(by_hash_.service, named_, BackendState::draining);
  expect_named(short_header(connection_id(named_.number)), "draining");
  stage().set_state(by_hash_.service, named_, BackendState::down);
  expect_by_hash(short_header(connection_id(named_.number)), "down");
}

TEST_P(SteerQuic, ATruncatedHeaderGoesByHash) {
  const Bytes short_one = short_header(connection_id(named_.number, 4));
  for (size_t bytes = 0; bytes < short_one.size(); bytes++) {
    expect_by_hash(Bytes(short_one.begin(), short_one.begin() + static_cast<ptrdiff_t>(bytes)),
                   fmt::format("{} bytes of a short header", bytes));
  }
  const Bytes long_one = long_header(handshake, connection_id(named_.number, 4));
  for (size_t bytes = 0; bytes < 10; bytes++) {
    expect_by_hash(Bytes(long_one.begin(), long_one.begin() + static_cast<ptrdiff_t>(bytes)),
                   fmt::format("{} bytes of a long header", bytes));
  }
}

// Bytes behind the end of the datagram are the frame's padding.
TEST_P(SteerQuic, PaddingNamesNoBackend) {
  const Bytes whole = short_header(connection_id(named_.number, 4));
  const Packet sent = datagram({whole[0]});
  Frame frame = sent.frame();
  frame.bytes.insert(frame.bytes.end(), whole.begin() + 1, whole.end());
  Frame expected = at_backend(sent, backend_one).frame();
  expected.bytes.insert(expected.bytes.end(), whole.begin() + 1, whole.end());
  EXPECT_TRUE(same_packet(stage().steer(frame).frame, expected));
}

TEST_P(SteerQuic, AServiceWithoutTheOptionGoesByHash) {
  Packet sent = datagram(short_header(connection_id(named_.number)), kServicePort);
  expect_reaches_backend(sent);
}

TEST_P(SteerQuic, AnInitialPacketOpensAConnection) {
  const Bytes id = connection_id(named_.number);
  for (const Bytes& quic : {long_header(initial, id), long_header(zero_rtt, id)}) {
    stage().steer(datagram(quic).frame());
  }
  stage().steer(datagram(long_header(handshake, connection_id(0))).frame());
  stage().steer(datagram(short_header(connection_id(0))).frame());
  EXPECT_EQ(stage().traffic(by_hash_.backend).packets, 4u);
  EXPECT_EQ(stage().traffic(by_hash_.backend).connections, 2u);
}

TEST_P(SteerQuic, InAMovingSlotOnlyAnInitialPacketIsANewConnection) {
  stage().set_ring(
      by_hash_.service,
      Ring(256, {.backend = named_.number, .previous = by_hash_.backend.number, .moving = true}));
  Packet unknown = datagram(short_header(connection_id(0)));
  unknown.find<packets::Udp>()->source_port = kClientPort + 1;
  EXPECT_TRUE(
      same_packet(stage().steer(unknown.frame()).frame, at_backend(unknown, backend_one).frame()));
  expect_at(long_header(initial, connection_id(0)), backend_two, "Initial");
  EXPECT_EQ(stage().half_open().entries()->size(), 1u);
  expect_at(long_header(handshake, connection_id(0)), backend_two, "the following packet");
  EXPECT_TRUE(stage().half_open().entries()->empty());
  EXPECT_EQ(stage().flows().entries()->size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(EveryModeByRing, SteerQuic, testing::ValuesIn(combinations_by_ring()),
                         combination_name);

}  // namespace
}  // namespace sluice::stage
