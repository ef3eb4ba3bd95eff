// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The emulated link of the lab: queue, ECN marks, paths and histogram.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "linkem/ecn.h"
#include "linkem/histogram.h"
#include "linkem/paths.h"
#include "linkem/queue.h"

namespace sluice::linkem {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kPacket = 1500;
constexpr uint64_t kSeed = 7;
// 12 Mbit/s: a packet of 1500 bytes takes 1 ms.
constexpr LinkShape kSlow{.rate_bytes_per_sec = 1'500'000, .delay = 20ms, .buffer_bytes = 4500};

Passage offer(Queue& queue, nanoseconds now) {
  return queue.offer(now, kPacket, false);
}

TEST(LinkQueue, AnIdleLinkDelaysByTransmissionAndPropagation) {
  Queue queue(kSlow, kSeed);
  const Passage passage = offer(queue, 5ms);
  EXPECT_EQ(passage.fate, Fate::carried);
  EXPECT_EQ(passage.queued, 0ns);
  EXPECT_EQ(passage.due, 26ms);
}

TEST(LinkQueue, APacketWaitsForThePacketsBeforeIt) {
  Queue queue(kSlow, kSeed);
  offer(queue, 0ms);
  offer(queue, 0ms);
  const Passage third = offer(queue, 500us);
  EXPECT_EQ(third.queued, 1500us);
  EXPECT_EQ(third.due, 23ms);
}

TEST(LinkQueue, PropagationDelayUsesNoBuffer) {
  // The packets of one full delay are in flight, and the buffer is empty.
  Queue queue(kSlow, kSeed);
  for (int i = 0; i < 20; i++) EXPECT_EQ(offer(queue, i * 1ms).queued, 0ns);
  EXPECT_EQ(queue.backlog_bytes(20ms), 0U);
}

TEST(LinkQueue, TheBacklogIsExactToTheByte) {
  Queue queue(kSlow, kSeed);
  offer(queue, 0ms);
  offer(queue, 0ms);
  EXPECT_EQ(queue.backlog_bytes(0ms), 3000U);
  EXPECT_EQ(queue.backlog_bytes(500us), 2250U);
  EXPECT_EQ(queue.backlog_bytes(2ms), 0U);
}

TEST(LinkQueue, AFullBufferDropsTheArrivingPacket) {
  Queue queue(kSlow, kSeed);
  for (int i = 0; i < 3; i++) EXPECT_EQ(offer(queue, 0ms).fate, Fate::carried);
  EXPECT_EQ(offer(queue, 0ms).fate, Fate::overflowed);
  // One packet has left; the next one queues behind the other two.
  const Passage next = offer(queue, 1ms);
  EXPECT_EQ(next.fate, Fate::carried);
  EXPECT_EQ(next.queued, 2ms);
  EXPECT_EQ(offer(queue, 1ms).fate, Fate::overflowed);
}

TEST(LinkQueue, AnIdleLinkCarriesAPacketLargerThanItsBuffer) {
  LinkShape shape = kSlow;
  shape.buffer_bytes = 100;
  Queue queue(shape, kSeed);
  EXPECT_EQ(offer(queue, 0ms).fate, Fate::carried);
  EXPECT_EQ(offer(queue, 0ms).fate, Fate::overflowed);
  EXPECT_EQ(offer(queue, 1ms).fate, Fate::carried);
}

TEST(LinkQueue, AnOverloadedLinkCarriesExactlyItsRate) {
  // Arrivals at 10 times 50 Mbit/s for 10 s, sizes that do not divide the rate.
  const LinkShape shape{.rate_bytes_per_sec = 6'250'000, .buffer_bytes = 125'000};
  Queue queue(shape, kSeed);
  uint64_t carried = 0;
  nanoseconds last{0};
  for (nanoseconds now{0}; now < 10s; now += 20us) {
    const Passage passage = queue.offer(now, 1237, false);
    if (passage.fate == Fate::carried) carried += 1237;
    if (passage.fate == Fate::carried) last = passage.due;
  }
  const double seconds = std::chrono::duration<double>(last).count();
  EXPECT_NEAR(static_cast<double>(carried) / seconds, 6'250'000, 6'250'000 * 1e-5);
}

TEST(LinkQueue, ALinkWithoutARateOnlyDelays) {
  Queue queue({.delay = 20ms}, kSeed);
  for (int i = 0; i < 1000; i++) {
    const Passage passage = offer(queue, 1ms);
    EXPECT_EQ(passage.fate, Fate::carried);
    EXPECT_EQ(passage.due, 21ms);
  }
}

TEST(LinkQueue, JitterStaysWithinItsBoundAndKeepsOrder) {
  Queue queue({.delay = 20ms, .jitter = 5ms}, kSeed);
  nanoseconds last{0};
  nanoseconds least = nanoseconds::max();
  nanoseconds most{0};
  for (nanoseconds now{0}; now < 10s; now += 1ms) {
    const Passage passage = offer(queue, now);
    EXPECT_GE(passage.due, last);
    last = passage.due;
    least = std::min(least, passage.due - now);
    most = std::max(most, passage.due - now);
  }
  EXPECT_GE(least, 20ms);
  EXPECT_LT(least, 21ms);
  EXPECT_GT(most, 24ms);
  EXPECT_LT(most, 25ms);
}

TEST(LinkQueue, ReorderingJitterIsEvenlyDistributed) {
  Queue queue({.delay = 20ms, .jitter = 10ms, .reorder = true}, kSeed);
  nanoseconds last{0};
  int overtaken = 0;
  std::vector<int> tenths(10);
  for (nanoseconds now{0}; now < 10s; now += 1ms) {
    const Passage passage = offer(queue, now);
    const nanoseconds jitter = passage.due - now - 20ms;
    ASSERT_GE(jitter, 0ns);
    ASSERT_LT(jitter, 10ms);
    tenths[static_cast<size_t>(jitter / 1ms)]++;
    if (passage.due < last) overtaken++;
    last = passage.due;
  }
  // Expected: 1000 each; four standard deviations are 120.
  for (const int tenth : tenths) EXPECT_NEAR(tenth, 1000, 120);
  // A packet overtakes if its jitter is more than 1 ms less: a share of 0.9 * 0.9 / 2.
  EXPECT_NEAR(overtaken, 4050, 200);
}

TEST(LinkQueue, ADetourDelaysItsOwnPathOnly) {
  LinkShape shape = kSlow;
  shape.detours = {30ms};
  Queue queue(shape, kSeed);
  EXPECT_EQ(queue.offer(0ms, kPacket, false, 1).due, 51ms);
  // Queued behind the first at the bottleneck, due before it at the other end.
  const Passage second = queue.offer(0ms, kPacket, false, 0);
  EXPECT_EQ(second.queued, 1ms);
  EXPECT_EQ(second.due, 22ms);
  EXPECT_EQ(queue.offer(0ms, kPacket, false, 7).due, 23ms) << "no such path: path 0";
}

TEST(LinkQueue, MarkingBeginsAtTheThresholdAtAnyRate) {
  // The queue grows steadily: 12 Mbit/s offered to 10 Mbit/s.
  const LinkShape shape{
      .rate_bytes_per_sec = 1'250'000, .buffer_bytes = 1'000'000, .ecn_threshold_bytes = 30'000};
  Queue queue(shape, kSeed);
  for (nanoseconds now{0}; now < 2s; now += 1ms) {
    const uint64_t backlog = queue.backlog_bytes(now);
    EXPECT_EQ(queue.offer(now, kPacket, true).marked, backlog > 30'000) << backlog;
  }
  EXPECT_GT(queue.backlog_bytes(2s), 400'000U);
}

std::vector<bool> losses(uint64_t seed) {
  Queue queue({.loss = 0.01}, seed);
  std::vector<bool> lost;
  for (int i = 0; i < 100'000; i++) lost.push_back(offer(queue, i * 1us).fate == Fate::lost);
  return lost;
}

TEST(LinkQueue, RandomLossHasTheConfiguredProbability) {
  const auto lost = losses(kSeed);
  // Expected: 1000; four standard deviations are 126.
  EXPECT_NEAR(static_cast<double>(std::count(lost.begin(), lost.end(), true)), 1000, 126);
}

TEST(LinkQueue, TheSameSeedLosesTheSamePackets) {
  EXPECT_EQ(losses(kSeed), losses(kSeed));
  EXPECT_NE(losses(kSeed), losses(kSeed + 1));
}

TEST(LinkQueue, ABacklogAboveTheThresholdMarksOnlyEcnCapablePackets) {
  LinkShape shape = kSlow;
  shape.ecn_threshold_bytes = 1500;
  Queue queue(shape, kSeed);
  EXPECT_FALSE(queue.offer(0ms, kPacket, true).marked);
  EXPECT_FALSE(queue.offer(0ms, kPacket, true).marked);  // backlog 1500: at the threshold
  EXPECT_TRUE(queue.offer(0ms, kPacket, true).marked);
  EXPECT_FALSE(queue.offer(1ms, kPacket, false).marked);
}

// 40 bytes; the destination is 198.51.100.11.
std::vector<uint8_t> ipv4_packet(uint8_t tos) {
  std::vector<uint8_t> packet{0x45, tos, 0,   40, 0x12, 0x34, 0x40, 0,  64,  6,
                              0,    0,   192, 0,  2,    1,    198,  51, 100, 11};
  packet.resize(40);
  return packet;
}

uint16_t ipv4_header_sum(std::span<const uint8_t> packet) {
  unsigned sum = 0;
  for (size_t i = 0; i < 20; i += 2) sum += packet[i] << 8U | packet[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  return static_cast<uint16_t>(sum);
}

void finish_checksum(std::span<uint8_t> packet) {
  const auto checksum = static_cast<uint16_t>(~ipv4_header_sum(packet));
  packet[10] = static_cast<uint8_t>(checksum >> 8U);
  packet[11] = static_cast<uint8_t>(checksum);
}

TEST(LinkEcn, AMarkKeepsTheIpv4ChecksumValid) {
  for (unsigned tos = 0; tos < 256; tos++) {
    auto packet = ipv4_packet(static_cast<uint8_t>(tos));
    finish_checksum(packet);
    EXPECT_EQ(ecn_capable(packet), (tos & 3) != 0);
    auto expected = ipv4_packet(static_cast<uint8_t>(tos | 3));
    finish_checksum(expected);
    mark_congestion(packet);
    EXPECT_EQ(packet, expected) << "tos " << tos;
  }
}

TEST(LinkEcn, AMarkChangesTheIpv6TrafficClassOnly) {
  for (uint8_t ecn = 0; ecn < 4; ecn++) {
    std::vector<uint8_t> packet(40, 0xa5);
    packet[0] = 0x6b;                                   // version, upper half of the class
    packet[1] = static_cast<uint8_t>(0x89 | ecn << 4);  // lower half, then the flow label
    EXPECT_EQ(ecn_capable(packet), ecn != 0);
    auto expected = packet;
    expected[1] = 0x89 | 3 << 4;
    mark_congestion(packet);
    EXPECT_EQ(packet, expected);
  }
}

TEST(LinkEcn, TruncatedAndOtherPacketsAreUnchanged) {
  for (std::vector<uint8_t> packet :
       {std::vector<uint8_t>{}, std::vector<uint8_t>(19, 0x4f), std::vector<uint8_t>(39, 0x6f),
        std::vector<uint8_t>(60, 0x5f)}) {
    const auto before = packet;
    EXPECT_FALSE(ecn_capable(packet));
    mark_congestion(packet);
    EXPECT_EQ(packet, before);
  }
}

sluice_address ipv4_address(uint8_t last) {
  sluice_address raw{};
  raw.bytes[10] = raw.bytes[11] = 0xff;
  raw.bytes[12] = 198;
  raw.bytes[13] = 51;
  raw.bytes[14] = 100;
  raw.bytes[15] = last;
  return raw;
}

TEST(LinkPaths, TheDestinationSelectsThePath) {
  LinkShape shape;
  Paths paths;
  EXPECT_EQ(paths.of(ipv4_packet(0)), 0U) << "no host was added";
  paths.add(Address(ipv4_address(12)), 5ms, shape);
  paths.add(Address(ipv4_address(11)), 30ms, shape);
  paths.add(*Address::parse("2001:db8::7"), 40ms, shape);
  EXPECT_EQ(shape.detours, (std::vector<nanoseconds>{5ms, 30ms, 40ms}));
  EXPECT_EQ(paths.of(ipv4_packet(0)), 2U);

  std::vector<uint8_t> v6(40);
  v6[0] = 0x60;
  const sluice_address to = Address::parse("2001:db8::7")->raw();
  std::copy_n(to.bytes, 16, v6.begin() + 24);
  EXPECT_EQ(paths.of(v6), 3U);
  std::copy_n(to.bytes, 16, v6.begin() + 8);  // as its source
  v6[39]++;
  EXPECT_EQ(paths.of(v6), 0U);
  EXPECT_EQ(paths.of(std::vector<uint8_t>{0x45, 0}), 0U);
}

TEST(LinkHistogram, QuantilesAreExactToTheMicrosecond) {
  Histogram histogram;
  for (int i = 1000; i >= 1; i--) histogram.add(i * 1us);
  EXPECT_EQ(histogram.count(), 1000U);
  EXPECT_EQ(histogram.quantile(500), 500us);
  EXPECT_EQ(histogram.quantile(990), 990us);
  EXPECT_EQ(histogram.quantile(999), 999us);
  EXPECT_EQ(histogram.max(), 1000us);
  EXPECT_DOUBLE_EQ(histogram.mean_microseconds(), 500.5);
}

TEST(LinkHistogram, AQuantileIsOneOfTheValues) {
  Histogram histogram;
  histogram.add(1ms);
  histogram.add(100ms);
  EXPECT_EQ(histogram.quantile(500), 1ms);
  EXPECT_EQ(histogram.quantile(501), 100ms);
  EXPECT_EQ(histogram.quantile(0), 1ms);
}

TEST(LinkHistogram, AnEmptyHistogramReturnsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.quantile(500), 0us);
  EXPECT_EQ(histogram.max(), 0us);
  EXPECT_EQ(histogram.mean_microseconds(), 0);
}

}  // namespace
}  // namespace sluice::linkem
