// The congestion window's arithmetic, replayed without a kernel: against a path of one bottleneck
// with a drop-tail buffer, and by single acknowledgements where one rule is at stake.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pure/window.h"

namespace {

constexpr uint32_t kMss = 1448;

window fresh_window(uint32_t cwnd = WINDOW_INITIAL) {
  window flow{};
  window_open(&flow, cwnd, 0);
  return flow;
}

// An acknowledgement that fills its window and ends nothing.
window_ack plain_ack(const window& flow) {
  window_ack ack{};
  ack.acked_packets = 1;
  ack.inflight_packets = flow.cwnd_packets;
  ack.prior_packets = flow.cwnd_packets;
  ack.ceiling_packets = WINDOW_ENDLESS;
  ack.advanced = true;
  ack.filled = true;
  return ack;
}

// One bottleneck: so many packets fit the path without a queue, so many more its buffer.
struct Path {
  uint32_t rtt_us = 40000;
  uint32_t holds_packets = 167;  // 50 Mbit/s over 40 ms
  uint32_t buffer_packets = 167;

  [[nodiscard]] uint32_t rtt_with(uint32_t packets) const {
    if (packets <= holds_packets) return rtt_us;
    const uint32_t queue = std::min(packets - holds_packets, buffer_packets);
    return rtt_us + queue * (rtt_us / holds_packets);
  }
};

// A flow on its path, a round at a time, one acknowledgement a packet. `foreign` packets of others
// share the queue.
class Flow {
 public:
  explicit Flow(Path path) : path_(path), window_(fresh_window()) {}

  void round(uint32_t foreign = 0, bool filled = true) {
    const uint32_t sent = window_.cwnd_packets;
    const uint32_t rtt = path_.rtt_with(sent + foreign);
    const bool lost = sent + foreign > path_.holds_packets + path_.buffer_packets;
    now_ms_ += std::max(rtt / 1000, uint32_t{WINDOW_ROUND_LEAST_MS});
    for (uint32_t i = 1; i <= sent; ++i) {
      window_ack ack = plain_ack(window_);
      ack.now_ms = now_ms_;
      ack.rtt_us = rtt;
      ack.filled = filled;
      ack.ceiling_packets = ceiling_;
      ack.round_ended = i == sent;
      window_on_ack(&window_, &ack);
    }
    most_ = std::max(most_, window_.cwnd_packets);
    if (lost) lose();
  }

  void rounds(int count, uint32_t foreign = 0) {
    for (int i = 0; i < count; ++i) round(foreign);
  }

  void lose() {
    window_.ssthresh_packets = window_after_loss(window_.cwnd_packets);
    window_on_recovery(&window_);
    window_on_repaired(&window_);
  }

  void limit(uint32_t packets) { ceiling_ = packets; }
  [[nodiscard]] uint32_t state() const { return window_.state; }
  [[nodiscard]] uint32_t cwnd() const { return window_.cwnd_packets; }
  [[nodiscard]] uint32_t most() const { return most_; }
  [[nodiscard]] uint32_t now_ms() const { return now_ms_; }
  Path path_;
  window window_;

 private:
  uint32_t now_ms_ = 0;
  uint32_t ceiling_ = WINDOW_ENDLESS;
  uint32_t most_ = 0;
};

TEST(WindowLaw, WithoutAQueueItGrowsByHalfOfAlphaARound) {
  EXPECT_EQ(window_next(100, 40000, 40000), 103U);
  EXPECT_EQ(window_next(10, 100, 100), 13U);
}

TEST(WindowLaw, RestsWhereAlphaPacketsAreQueuedBeyondTheTolerated) {
  // 6 of 100 packets: base / RTT = 0.94
  EXPECT_EQ(window_next(100, 94000 - WINDOW_TOLERATED_US, 100000), 100U);
  EXPECT_GT(window_next(100, 96000 - WINDOW_TOLERATED_US, 100000), 100U);
  EXPECT_LT(window_next(100, 92000 - WINDOW_TOLERATED_US, 100000), 100U);
}

TEST(WindowLaw, ToleratedDelayIsNoQueue) {
  EXPECT_EQ(window_next(100, 100, 100 + WINDOW_TOLERATED_US), 103U);
  EXPECT_LT(window_next(100, 100, 2 * WINDOW_TOLERATED_US), 103U);
}

TEST(WindowLaw, NeverHalvesInOneRoundHoweverLongTheDelay) {
  EXPECT_GE(window_next(1000, 1000, 4000000), 500U);
}

TEST(WindowLaw, SurvivesExtremes) {
  EXPECT_EQ(window_next(10, 0, 0), 13U);
  EXPECT_GT(window_next(WINDOW_ENDLESS / 2, ~0U / 2, ~0U), 0U);
  EXPECT_EQ(window_after_loss(0), uint32_t{WINDOW_LEAST});
  EXPECT_LE(window_after_loss(WINDOW_ENDLESS), WINDOW_ENDLESS);
  EXPECT_GT(window_pacing_rate(1000000, 65483, 1, WINDOW_PACE_SLOW_START), 0U);
}

TEST(SlowStart, DoublesEveryRound) {
  Flow flow({.holds_packets = 10000});
  flow.round();
  EXPECT_EQ(flow.cwnd(), 20U);
  flow.rounds(3);
  EXPECT_EQ(flow.cwnd(), 160U);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_SLOW_START});
}

TEST(SlowStart, EndsWhenAQueueBuildsAndBeforeTheBufferIsFull) {
  Flow flow({});
  flow.rounds(8);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_LE(flow.most(), 2 * flow.path_.holds_packets);
  EXPECT_GT(flow.window_.ssthresh_packets, flow.path_.holds_packets);
  EXPECT_LT(flow.window_.ssthresh_packets, WINDOW_ENDLESS);
}

TEST(SlowStart, EndsAtItsThreshold) {
  window flow = fresh_window(20);
  flow.ssthresh_packets = 25;
  window_ack ack = plain_ack(flow);
  ack.acked_packets = 20;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 25U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(SlowStart, TakesSoLongADelayForAQueueAsRfc9406Does) {
  EXPECT_FALSE(window_queue_builds(100, 4099));  // at least 4 ms
  EXPECT_TRUE(window_queue_builds(100, 4100));
  EXPECT_FALSE(window_queue_builds(80000, 89999));  // an eighth
  EXPECT_TRUE(window_queue_builds(80000, 90000));
  EXPECT_FALSE(window_queue_builds(800000, 815999));  // at most 16 ms
  EXPECT_TRUE(window_queue_builds(800000, 816000));
}

TEST(SlowStart, OneLateAcknowledgementDoesNotEndIt) {
  window flow = fresh_window(100);
  flow.min_rtt_us = 1000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 50000;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  ack.rtt_us = 1000;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
}

TEST(SlowStart, DoesNotGrowWhileTheApplicationSendsLess) {
  Flow flow({.holds_packets = 10000});
  for (int i = 0; i < 10; ++i) flow.round(0, false);
  EXPECT_EQ(flow.cwnd(), uint32_t{WINDOW_INITIAL});
}

TEST(SlowStart, EndsWhenThePolicyIsWhatHoldsTheFlow) {
  window flow = fresh_window();
  window_ack ack = plain_ack(flow);
  ack.policed = true;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(SlowStart, BeginsAgainWhenThePolicyGivesWay) {
  window flow = fresh_window();
  window_settle(&flow);
  window_reopen(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, WINDOW_ENDLESS);
}

TEST(SlowStart, DoesNotBeginAgainInTheMiddleOfARecovery) {
  window flow = fresh_window();
  window_on_recovery(&flow);
  window_reopen(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_RECOVERY);
}

TEST(Avoidance, FillsThePathAndKeepsFewPacketsQueued) {
  Flow flow({});
  flow.rounds(100);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_GE(flow.cwnd(), flow.path_.holds_packets);
  // alpha, and what fits into the tolerated 4 ms, a tenth of the path's 40
  const uint32_t allowed = WINDOW_QUEUE_PACKETS + flow.path_.holds_packets / 10 + 3;
  EXPECT_LE(flow.cwnd(), flow.path_.holds_packets + allowed);
}

TEST(Avoidance, QueuesTheSameWhateverTheBufferHolds) {
  Flow shallow({.buffer_packets = 167});
  Flow deep({.buffer_packets = 100000});
  shallow.rounds(100);
  deep.rounds(100);
  EXPECT_EQ(shallow.cwnd(), deep.cwnd());
}

TEST(Avoidance, TwoFlowsOfOneKindShareEvenly) {
  Path path;
  Flow early(path);
  Flow late(path);
  early.rounds(60);
  // The late one has the same path and knows its least RTT from the handshake.
  for (int i = 0; i < 400; ++i) {
    const uint32_t others = early.cwnd();
    early.round(late.cwnd());
    late.round(others);
  }
  const double ratio = static_cast<double>(early.cwnd()) / late.cwnd();
  EXPECT_NEAR(ratio, 1.0, 0.25) << early.cwnd() << " and " << late.cwnd();
}

TEST(Avoidance, DoesNotChangeWhileTheWindowIsNotFilled) {
  window flow = fresh_window(50);
  window_settle(&flow);
  for (const uint32_t rtt_us : {1000U, 90000U}) {
    window_ack ack = plain_ack(flow);
    ack.filled = false;
    ack.round_ended = true;
    ack.rtt_us = rtt_us;
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, 50U);
  }
}

TEST(Avoidance, ChangesOnceARoundNotWithEveryAcknowledgement) {
  window flow = fresh_window(50);
  window_settle(&flow);
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 1000;
  for (int i = 0; i < 49; ++i) window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 50U);
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 53U);
}

TEST(LeastRtt, IsLookedForWithHalfTheWindowWhenItGrewOld) {
  Flow flow({});
  flow.rounds(40);
  const uint32_t settled = flow.cwnd();
  uint32_t least = settled;
  while (flow.now_ms() < 2 * WINDOW_MIN_RTT_LIFE_MS + 2000) {
    flow.round();
    least = std::min(least, flow.cwnd());
  }
  EXPECT_LE(least, settled / 2 + 1);
  EXPECT_EQ(flow.window_.min_rtt_us, flow.path_.rtt_us);
  EXPECT_NEAR(flow.cwnd(), settled, 4);
}

TEST(LeastRtt, FollowsAPathThatBecameLonger) {
  Flow flow({});
  flow.rounds(40);
  flow.path_.rtt_us = 60000;
  flow.path_.holds_packets = 250;
  while (flow.now_ms() < 3 * WINDOW_MIN_RTT_LIFE_MS) flow.round();
  EXPECT_EQ(flow.window_.min_rtt_us, 60000U);
  EXPECT_GE(flow.cwnd(), 250U);
}

TEST(LeastRtt, IsTakenWithoutAProbeFromAFlowThatFillsNoQueue) {
  window flow = fresh_window(50);
  window_settle(&flow);
  flow.min_rtt_us = 500;
  window_ack ack = plain_ack(flow);
  ack.now_ms = WINDOW_MIN_RTT_LIFE_MS + 1;
  ack.rtt_us = 700;
  ack.filled = false;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.min_rtt_us, 700U);
  EXPECT_EQ(flow.cwnd_packets, 50U);
}

TEST(Recovery, ReducesToSevenTenthsOnceAWindow) {
  EXPECT_EQ(window_after_loss(100), 70U);
  EXPECT_EQ(window_after_loss(2), 2U);
  window flow = fresh_window(100);
  flow.ssthresh_packets = window_after_loss(100);
  window_on_recovery(&flow);
  flow.reduced_by_packets = 42;
  window_on_recovery(&flow);  // a second loss of the same window
  EXPECT_EQ(flow.reduced_by_packets, 42U);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 70U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

// RFC 6937, 4 (its first figure): 20 packets, the first is lost, every one after it is
// acknowledged selectively; half of the window remains there, seven tenths here.
TEST(Recovery, SendsSevenPacketsForTenDelivered) {
  window flow = fresh_window(20);
  flow.ssthresh_packets = window_after_loss(20);
  window_on_recovery(&flow);
  uint32_t inflight = 19;
  uint32_t sent = 0;
  for (uint32_t delivered = 1; delivered <= 19; ++delivered) {
    --inflight;
    window_ack ack = plain_ack(flow);
    ack.inflight_packets = inflight;
    ack.prior_packets = 20;
    ack.sent_packets = sent;
    ack.advanced = false;
    window_on_ack(&flow, &ack);
    ASSERT_GE(flow.cwnd_packets, inflight);
    sent += flow.cwnd_packets - inflight;
    inflight = flow.cwnd_packets;
    EXPECT_NEAR(sent, 0.7 * delivered, 1.0) << "after " << delivered;
  }
  EXPECT_EQ(inflight, flow.ssthresh_packets);
}

TEST(Recovery, AlwaysLetsTheFastRetransmitOut) {
  window flow = fresh_window(10);
  flow.ssthresh_packets = 7;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.inflight_packets = 7;  // as many as may be, and still it goes
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 8U);
  ack.sent_packets = 1;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 7U);
}

TEST(Recovery, AfterAHeavyLossSendsNoMoreThanWasDeliveredAndOne) {
  window flow = fresh_window(100);
  flow.ssthresh_packets = 70;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.inflight_packets = 4;
  ack.acked_packets = 2;
  ack.sent_packets = 2;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 4U + 2 + 1);
  ack.lost_packets = 5;  // and not even the one while more is being lost
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 4U + 2);
}

TEST(Recovery, AnAcknowledgementThatDeliversNothingSendsNothing) {
  window flow = fresh_window(20);
  flow.ssthresh_packets = 14;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.acked_packets = 0;
  ack.inflight_packets = 3;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 20U);
}

TEST(Recovery, ALossThatWasNoneLeavesTheWindowAsTheKernelRestoredIt) {
  window flow = fresh_window(100);
  window_settle(&flow);
  flow.ssthresh_packets = 70;
  window_on_recovery(&flow);
  flow.flags |= WINDOW_UNDONE;
  flow.cwnd_packets = 100;
  flow.ssthresh_packets = 100;
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Timeout, StartsAgainAndDoublesUpToTheThreshold) {
  window flow = fresh_window(100);
  flow.ssthresh_packets = window_after_loss(100);
  flow.cwnd_packets = 1;
  window_on_timeout(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_TIMEOUT);
  for (uint32_t expected : {2U, 4U, 8U, 16U, 32U, 64U, 70U, 70U}) {
    window_ack ack = plain_ack(flow);
    ack.acked_packets = flow.cwnd_packets;
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, expected);
  }
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_TIMEOUT) << "until the kernel says that all is repaired";
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Timeout, RepairedEarlyItGoesOnInSlowStart) {
  window flow = fresh_window(1);
  flow.ssthresh_packets = 70;
  window_on_timeout(&flow);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.cwnd_packets, 1U);
}

TEST(Silence, HalvesTheWindowWithEachTimeOutDownToTheInitialOne) {
  for (auto [silence, expected] :
       std::vector<std::array<uint32_t, 2>>{{99, 80}, {100, 40}, {250, 20}, {100000, 10}}) {
    window flow = fresh_window(80);
    window_settle(&flow);
    window_on_silence(&flow, silence, 100);
    EXPECT_EQ(flow.cwnd_packets, expected) << silence;
  }
}

TEST(Silence, CountsOnceHoweverOftenTheKernelAsks) {
  window flow = fresh_window(80);
  window_settle(&flow);
  window_on_silence(&flow, 100, 100);
  window_on_silence(&flow, 101, 100);
  EXPECT_EQ(flow.cwnd_packets, 40U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, 80U);
}

TEST(Silence, LeavesASmallWindowAndARecoveryAlone) {
  window flow = fresh_window(4);
  window_on_silence(&flow, 1000, 100);
  EXPECT_EQ(flow.cwnd_packets, 4U);
  flow = fresh_window(80);
  window_on_timeout(&flow);
  window_on_silence(&flow, 1000, 100);
  EXPECT_EQ(flow.cwnd_packets, 80U);
  window_on_silence(&flow, 1000, 0);
  EXPECT_EQ(flow.cwnd_packets, 80U);
}

TEST(Policy, AsAWindowHoldsWholePacketsAndNeverNone) {
  EXPECT_EQ(window_of_bytes(0, kMss), WINDOW_ENDLESS);
  EXPECT_EQ(window_of_bytes(10 * kMss, kMss), 10U);
  EXPECT_EQ(window_of_bytes(10 * kMss - 1, kMss), 9U);
  EXPECT_EQ(window_of_bytes(1, kMss), 1U);
}

TEST(Policy, AsAWindowIsNeverExceededInAnyState) {
  for (uint32_t state = 0; state < SLUICE_CONGESTION_STATE_COUNT; ++state) {
    window flow = fresh_window(7);
    flow.ssthresh_packets = 100;
    flow.state = static_cast<__u8>(state);
    for (int i = 0; i < 50; ++i) {
      window_ack ack = plain_ack(flow);
      ack.rtt_us = 1000;
      ack.round_ended = true;
      ack.ceiling_packets = 7;
      window_on_ack(&flow, &ack);
      ASSERT_LE(flow.cwnd_packets, 7U) << "state " << state;
    }
  }
}

TEST(Policy, LoweredUnderARunningFlowActsWithTheNextAcknowledgement) {
  Flow flow({});
  flow.rounds(100);
  flow.limit(20);
  flow.round();
  EXPECT_EQ(flow.cwnd(), 20U);
}

TEST(Policy, AsARateCountsTheHeadersOfEveryPacket) {
  // 50 Mbit/s on the wire in packets of 1500: 1448 of each are payload.
  EXPECT_EQ(window_payload_rate(6250000, kMss, 52), 6250000ULL * 1448 / 1500);
  EXPECT_EQ(window_payload_rate(6250000, 0, 52), 6250000U);
  EXPECT_EQ(window_payload_rate(~0ULL, kMss, 52), ~0ULL) << "no limit, and no overflow";
}

TEST(Pacing, LetsAWindowLeaveInLittleLessThanARoundTrip) {
  // 100 packets of 1448 bytes every 10 ms, and a fifth more.
  EXPECT_EQ(window_pacing_rate(100, kMss, 10000, WINDOW_PACE_AVOIDANCE), 14480000ULL * 12 / 10);
  EXPECT_EQ(window_pacing_rate(10, kMss, 0, 100), 10ULL * kMss * 1000000 / WINDOW_FIRST_RTT_US);
}

}  // namespace
