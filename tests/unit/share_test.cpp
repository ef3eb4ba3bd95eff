// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A rate that flows share (pure/fair_share.h): the total, each flow's share by weight, and how soon
// both follow when flows begin, end or need less.
#include "pure/fair_share.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "unit/support/share_walk.h"

namespace sluice::test {
namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t mbit = 125'000;

std::vector<Sender> weighted(size_t count, const Sender& like = {}) {
  std::vector<Sender> senders(count, like);
  for (size_t i = 0; i < count; i++) senders[i].weight = static_cast<uint16_t>(1 + i % 3);
  return senders;
}

double weight_of(const std::vector<Sender>& senders) {
  double sum = 0;
  for (const Sender& sender : senders) sum += sender.weight;
  return sum;
}

struct Case {
  const char* name;
  uint64_t rate;
  std::vector<Sender> senders;
  uint64_t settled_ms = 500;
  uint64_t until_ms = 3000;
};

class ShareOfBusyFlows : public testing::TestWithParam<Case> {};

TEST_P(ShareOfBusyFlows, TheTotalIsTheRateAndSharesFollowWeights) {
  const Case& one = GetParam();
  ShareWalk walk(one.rate, one.senders);
  walk.play_until(one.until_ms * ms);
  const uint64_t from = one.settled_ms * ms;
  const uint64_t to = (one.until_ms - 100) * ms;
  EXPECT_NEAR(walk.total(from, to), 1.0, 0.02);
  const double weights = weight_of(one.senders);
  for (size_t i = 0; i < one.senders.size(); i++) {
    const double fair = one.senders[i].weight / weights;
    EXPECT_NEAR(walk.part(i, from, to) / fair, 1.0, 0.1) << "sender " << i;
  }
  EXPECT_EQ(walk.dropped(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ShareOfBusyFlows,
    testing::Values(
        Case{"one_alone", 50 * mbit, weighted(1)}, Case{"two", 50 * mbit, weighted(2)},
        Case{"ten_at_50_mbit", 50 * mbit, weighted(10)},
        Case{"ten_that_send_one_packet_at_a_time", 50 * mbit, weighted(10, {.packets = 1})},
        Case{"ten_with_a_path", 50 * mbit, weighted(10, {.packets = 20, .answer_ns = 20 * ms})},
        Case{"ten_with_a_deep_queue", 50 * mbit, weighted(10, {.packets = 100})},
        Case{"four_of_9000_bytes", 50 * mbit, weighted(4, {.bytes = 9000})},
        Case{"four_at_1_mbit", 1 * mbit, weighted(4), 5000, 20000},
        Case{"four_at_1_gbit", 1000 * mbit, weighted(4), 200, 1000},
        Case{"ten_at_10_gbit", 10000 * mbit, weighted(10, {.packets = 64}), 100, 300}),
    [](const auto& one) { return one.param.name; });

TEST(Share, FlowsBelowAPacketAnEpochShareToo) {
  const auto senders = weighted(100);
  ShareWalk walk(20 * mbit, senders);
  walk.play_until(7000 * ms);
  EXPECT_NEAR(walk.total(1000 * ms, 6500 * ms), 1.0, 0.02);
  std::array<double, 3> by_weight{};
  for (size_t i = 0; i < 99; i++) by_weight.at(i % 3) += walk.part(i, 1000 * ms, 6500 * ms);
  EXPECT_NEAR(by_weight[1] / by_weight[0], 2.0, 0.2);
  EXPECT_NEAR(by_weight[2] / by_weight[0], 3.0, 0.4);
}

TEST(Share, UnusedSharesGoToBusyFlows) {
  std::vector<Sender> senders(9, {.bytes_per_sec = 50 * mbit / 20});
  senders.push_back({});
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(3000 * ms);
  for (size_t i = 0; i < 9; i++) EXPECT_NEAR(walk.part(i, 500 * ms, 2900 * ms), 0.05, 0.003);
  EXPECT_NEAR(walk.part(9, 500 * ms, 2900 * ms), 0.55, 0.02);
}

TEST(Share, BurstsDoNotCountAsHeldBack) {
  std::vector<Sender> senders(9, {.bytes_per_sec = 50 * mbit / 20, .burst = 8});
  senders.push_back({});
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(3000 * ms);
  for (size_t i = 0; i < 9; i++) EXPECT_NEAR(walk.part(i, 500 * ms, 2900 * ms), 0.05, 0.005);
  EXPECT_NEAR(walk.part(9, 500 * ms, 2900 * ms), 0.55, 0.055);
}

TEST(Share, AModestFlowDoesNotWaitBesideGreedyOnes) {
  std::vector<Sender> senders(4, {.packets = 50});
  senders.push_back({.bytes_per_sec = 50 * mbit / 10});
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(3000 * ms);
  EXPECT_NEAR(walk.part(4, 500 * ms, 2900 * ms), 0.1, 0.005);
  EXPECT_NEAR(walk.total(500 * ms, 2900 * ms), 1.0, 0.02);
}

TEST(Share, AnUnresponsiveFlowGetsNoMoreThanItsShare) {
  ShareWalk walk(50 * mbit, {{}, {.bytes_per_sec = 100 * mbit}});
  walk.play_until(8000 * ms);
  EXPECT_GT(walk.dropped(), 0U);
  EXPECT_NEAR(walk.total(4000 * ms, 8000 * ms), 1.0, 0.02);
  EXPECT_NEAR(walk.part(0, 4000 * ms, 8000 * ms), 0.5, 0.1);
}

TEST(Share, RemainingFlowsHaveTheRateWithin100Ms) {
  std::vector<Sender> senders(10);
  for (size_t i = 0; i < 9; i++) senders[i].until_ns = 1000 * ms;
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(2000 * ms);
  EXPECT_NEAR(walk.part(9, 500 * ms, 1000 * ms), 0.1, 0.01);
  EXPECT_GT(walk.part(9, 1050 * ms, 1100 * ms), 0.9);
  EXPECT_GT(walk.part(9, 1100 * ms, 1900 * ms), 0.98);
}

TEST(Share, APausedFlowRegainsItsShare) {
  std::vector<Sender> senders(4);
  senders.push_back({.until_ns = 500 * ms});
  senders.push_back({.from_ns = 1000 * ms});
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(2000 * ms);
  EXPECT_NEAR(walk.part(0, 300 * ms, 500 * ms), 0.2, 0.02);
  EXPECT_NEAR(walk.part(0, 600 * ms, 1000 * ms), 0.25, 0.02);
  EXPECT_NEAR(walk.part(0, 1100 * ms, 1900 * ms), 0.2, 0.02);
  EXPECT_NEAR(walk.part(5, 1100 * ms, 1900 * ms), 0.2, 0.02);
}

TEST(Share, TheTotalHoldsWhenManyFlowsBeginAtOnce) {
  std::vector<Sender> senders(50, {.packets = 10, .from_ns = 1000 * ms});
  senders.push_back({});
  ShareWalk walk(50 * mbit, senders);
  walk.play_until(2000 * ms);
  // Half an epoch may leave early, and an eighth may come from the epoch before.
  EXPECT_LT(walk.most_in(100 * ms), 1.2);
  EXPECT_LT(walk.most_in(500 * ms), 1.06);
  EXPECT_NEAR(walk.total(1100 * ms, 1900 * ms), 1.0, 0.03);
}

TEST(Share, ASingleFlowHasTheWholeRate) {
  ShareWalk walk(50 * mbit, {{.packets = 1}});
  walk.play_until(1000 * ms);
  EXPECT_NEAR(walk.total(100 * ms, 900 * ms), 1.0, 0.01);
}

TEST(Share, ANewRateHoldsFromTheNextPacket) {
  sluice_share share{};
  share_set_rate(&share, 50 * mbit);
  EXPECT_EQ(share.epoch_shift, SHARE_EPOCH_SHIFT_MIN);
  EXPECT_EQ(share.epoch_bytes, (50 * mbit << 24) / 1'000'000'000);
  share_set_rate(&share, 1000);
  EXPECT_GE(share.epoch_bytes, SHARE_EPOCH_BYTES_MIN);
  EXPECT_EQ(share.unit_rate_bytes_per_sec, 1000U);
  EXPECT_EQ(share.rate_bytes_per_sec, 1000U);
}

TEST(Share, BytesOfFlowsThatDoNotWaitAreSubtractedFirst) {
  sluice_share share{};
  share_set_rate(&share, 50 * mbit);
  const uint64_t epoch = share_epoch_ns(&share);
  const uint64_t now = 1000 * epoch;
  share_watch(&share, now);
  // One packet comes long after its turn: its flow does not wait. The other flow, of weight 2, has
  // waited for two epochs.
  sluice_departure idle{};
  idle.departs_ns = now - 100 * ms;
  idle.weight = 1;
  share_measure(&share, &idle, now, 5000, ms);
  EXPECT_EQ(share.free_bytes, 5000U);
  EXPECT_EQ(share.held_back, 0U);
  const uint64_t tick = uint64_t{1} << SLUICE_TICK_SHIFT;
  sluice_departure busy{};
  busy.seen_ticks = share_ticks(now - epoch);
  busy.departs_ns = now + ms;
  busy.held_since_ticks = share_ticks(now - 2 * epoch);
  busy.weight = 2;
  share_measure(&share, &busy, now, 5000, ms);
  EXPECT_EQ(share.free_bytes, 5000U);
  EXPECT_NEAR(static_cast<double>(share.held_back), 2.0 * static_cast<double>(epoch),
              2.0 * static_cast<double>(tick));
  // All bytes left in the epoch, so there is nothing to compensate.
  share.calendar[now / epoch % SLUICE_SHARE_EPOCHS] =
      (now / epoch) << 32 | (share.epoch_bytes & 0xffffffff);
  share_watch(&share, now + epoch);
  const double rest = 50.0 * mbit - 5000.0 * 1e9 / static_cast<double>(epoch);
  EXPECT_NEAR(static_cast<double>(share.unit_rate_bytes_per_sec) / (rest / 2), 1.0, 0.001);
}

TEST(Share, AnEpochAddsAnEighthOfUnusedBytesAndSubtractsOverdrawnOnes) {
  sluice_share share{};
  share_set_rate(&share, 50 * mbit);
  const uint64_t epoch = 1000;
  const uint64_t bytes = share.epoch_bytes;
  const auto full_at = [&](uint64_t before) {
    share.calendar[(epoch - 1) % SLUICE_SHARE_EPOCHS] = (epoch - 1) << 32 | before;
    uint64_t booked = 0;
    while (share_is_full(&share, epoch, booked) == 0) booked++;
    return booked;
  };
  EXPECT_EQ(full_at(0), bytes + bytes / 8);
  EXPECT_EQ(full_at(bytes / 2), bytes + bytes / 8);
  EXPECT_EQ(full_at(bytes - 1000), bytes + 1000);
  EXPECT_EQ(full_at(bytes), bytes);
  EXPECT_EQ(full_at(bytes + 1000), bytes - 1000);
}

// The extremes of a policy: 8kbit and 400gbit.
TEST(Share, NothingOverflows) {
  for (const uint64_t rate : {uint64_t{1000}, uint64_t{50'000'000'000}}) {
    sluice_share share{};
    share_set_rate(&share, rate);
    const uint64_t now = 1'000'000 * SLUICE_NS_PER_SEC;
    share_watch(&share, now);
    share.held_back = 0xffff'ffff'ffff'ffff;
    share.free_bytes = 0xffff'ffff;
    share_watch(&share, now + share_epoch_ns(&share));
    EXPECT_GE(share.unit_rate_bytes_per_sec, 1U);
    EXPECT_LE(share.unit_rate_bytes_per_sec, rate);
    const uint64_t time = share_book(&share, now, now, 0x10000);
    EXPECT_GE(time, now);
    EXPECT_LE(time, now + 2 * share_epoch_ns(&share));
  }
}

TEST(Share, NothingIsBookedPastTheHorizon) {
  sluice_share share{};
  share_set_rate(&share, 50 * mbit);
  const uint64_t now = 1000 * SLUICE_NS_PER_SEC;
  uint64_t last = 0;
  int booked = 0;
  // All at once: each epoch takes its bytes, and the next search starts where the last ended.
  for (; booked < 100'000; booked++) {
    const uint64_t time = share_book(&share, now, now, 1514);
    if (time == DEPARTURE_NEVER) break;
    EXPECT_LE(time, now + DEPARTURE_HORIZON_NS);
    EXPECT_GE(time + share_epoch_ns(&share), last);
    last = time;
  }
  EXPECT_NEAR(booked * 1514.0 / (50.0 * mbit * 2), 1.0, 0.02);
}

TEST(Share, SeveralCpusBookNoMoreThanTheRate) {
  sluice_share share{};
  share_set_rate(&share, 100 * mbit);
  const uint64_t now = 1000 * SLUICE_NS_PER_SEC;
  std::array<uint64_t, 4> bytes{};
  std::vector<std::thread> cpus;
  for (uint64_t& mine : bytes) {
    cpus.emplace_back([&share, &mine] {
      for (int i = 0; i < 20'000; i++) {
        const uint64_t at = now + static_cast<uint64_t>(i) * 25'000;  // half a second in all
        const uint64_t time = share_book(&share, at, at, 1000);
        if (time < now + 500 * ms) mine += 1000;
      }
    });
  }
  for (std::thread& cpu : cpus) cpu.join();
  // Requested: 80 MB. Available: 6.25 MB, and an epoch more at each end.
  const double all = static_cast<double>(bytes[0] + bytes[1] + bytes[2] + bytes[3]);
  EXPECT_NEAR(all / (100.0 * mbit / 2), 1.0, 0.08);
}

}  // namespace
}  // namespace sluice::test
