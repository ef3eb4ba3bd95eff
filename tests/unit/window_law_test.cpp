// The congestion window's arithmetic, replayed without a kernel: against a path of one bottleneck
// with a drop-tail buffer, and by single acknowledgements where one rule is at stake.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "pure/pacing.h"
#include "pure/window.h"

namespace {

constexpr uint32_t kMss = 1448;

window fresh_window(uint32_t cwnd = WINDOW_INITIAL) {
  window flow{};
  window_open(&flow, cwnd, 0);
  return flow;
}

// Slow start is over and forgotten, and no look beneath the queue is due.
window settled_window(uint32_t cwnd) {
  window flow = fresh_window(cwnd);
  window_settle(&flow, 0);
  return flow;
}

// What the kernel does at a loss event, a mark or a time-out: asks for ssthresh, then says so.
void lose_once(window& flow, bool certain = true, uint32_t now_ms = 0) {
  flow.ssthresh_packets = window_after_loss(&flow, certain, now_ms);
  window_on_recovery(&flow);
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
    lose_once(window_, false, now_ms_);
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

TEST(Law, AimsAtTheGeometricMeanOfItsBaseAndTheTimeBetweenPackets) {
  // 160 packets in 40 ms: 250 us apart, and sqrt(250 * 3200) = 894
  EXPECT_EQ(law_target_us(160 * LAW_ONE, 40000, 1), 894U + LAW_MARGIN_US);
  EXPECT_EQ(law_target_us(160 * LAW_ONE, 40000, 4), 1788U + LAW_MARGIN_US);
}

TEST(Law, OneQueueGivesOneRatePerWeightWhateverTheRtt) {
  for (const uint32_t rtt_us : {10000U, 40000U, 200000U})
    for (const uint32_t weight : {1U, 3U}) {
      const uint32_t packets_a_second = 2000 * weight;
      const uint32_t window_x64 = packets_a_second * (rtt_us / 1000) / 1000 * LAW_ONE;
      EXPECT_NEAR(law_target_us(window_x64, rtt_us, weight), 1265 + LAW_MARGIN_US, 2);
    }
}

TEST(Law, MovesHalfWayToTheWindowAtWhichTheDelayWouldBeTheTarget) {
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 44000, 4000), 100U * LAW_ONE);
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 55000, 4000), 90U * LAW_ONE);
  EXPECT_EQ(law_next(100 * LAW_ONE, 40000, 40000, 4000), 105U * LAW_ONE);
}

TEST(Law, NeverHalvesInOneRoundNorGrowsByMoreThanHalf) {
  EXPECT_GE(law_next(1000 * LAW_ONE, 1000, 4000000, 1000), 500U * LAW_ONE);
  EXPECT_EQ(law_next(1000 * LAW_ONE, 100, 100, 100000), 1500U * LAW_ONE);
}

TEST(Law, SurvivesExtremes) {
  EXPECT_GT(law_target_us(0, ~0U, ~0U), 0U);
  EXPECT_GT(law_next(LAW_MOST * LAW_ONE, ~0U, ~0U, ~0U), 0U);
  EXPECT_EQ(law_next(10 * LAW_ONE, 0, 0, 0), 5U * LAW_ONE);
  EXPECT_GT(pacing_rate(1000000, 65483, 1, PACING_SLOW_START), 0U);
}

TEST(Roots, AreTheGreatestNumbersNotAbove) {
  for (const uint64_t root : {0ULL, 1ULL, 2ULL, 999ULL, (1ULL << 20) - 1})
    for (const uint64_t more : {uint64_t{0}, 2 * root}) {
      EXPECT_EQ(integer_root(root * root + more), root);
      EXPECT_EQ(integer_cube_root(root * root * root + more), root);
    }
  EXPECT_EQ(integer_root(~0ULL), (1U << 24) - 1);
  EXPECT_EQ(integer_cube_root(~0ULL), (1U << 20) - 1);
}

// RFC 9438, 4.2: with C = 0.4, from 70 of 100 packets K = cbrt(30 / 0.4) = 4.217 s.
TEST(Cubic, IsBackAtTheTopAfterKAndFlatThere) {
  cubic curve{};
  cubic_begin(&curve, 70 * LAW_ONE, 100 * LAW_ONE, 5);
  EXPECT_NEAR(curve.rise_ms, 4217, 1);
  EXPECT_NEAR(cubic_at(&curve, 0), 70 * LAW_ONE, 2);
  EXPECT_EQ(cubic_at(&curve, 4217), 100U * LAW_ONE);
  EXPECT_NEAR(cubic_at(&curve, 5217), 100 * LAW_ONE + LAW_ONE * 4 / 10, 1);
  EXPECT_NEAR(cubic_at(&curve, 2 * 4217), 130 * LAW_ONE, 2);
}

TEST(Cubic, SurvivesExtremes) {
  cubic curve{};
  cubic_begin(&curve, WINDOW_LEAST_X64, CUBIC_MAX, 0);
  for (const uint32_t since_ms : {0U, 1U, 60000U, ~0U}) {
    EXPECT_LE(cubic_at(&curve, since_ms), uint32_t{CUBIC_MAX});
  }
  cubic_begin(&curve, 100 * LAW_ONE, 50 * LAW_ONE, 0);  // a top below where it begins is none
  EXPECT_EQ(curve.rise_ms, 0U);
  EXPECT_EQ(cubic_at(&curve, 0), 100U * LAW_ONE);
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
  flow.rounds(6);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_LE(flow.most(), 2 * flow.path_.holds_packets);
  EXPECT_GT(flow.window_.ssthresh_packets, flow.path_.holds_packets / 2);
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
  EXPECT_FALSE(window_queue_builds(100, 4099, 0));  // at least 4 ms
  EXPECT_TRUE(window_queue_builds(100, 4100, 0));
  EXPECT_FALSE(window_queue_builds(80000, 89999, 0));  // an eighth
  EXPECT_TRUE(window_queue_builds(80000, 90000, 0));
  EXPECT_FALSE(window_queue_builds(800000, 815999, 0));  // at most 16 ms
  EXPECT_TRUE(window_queue_builds(800000, 816000, 0));
  EXPECT_FALSE(window_queue_builds(80000, 99999, 1));  // twice as long after a false alarm
  EXPECT_TRUE(window_queue_builds(80000, 100000, 1));
}

TEST(SlowStart, GoesOnWhenTheQueueThatEndedItWasNone) {
  window flow = fresh_window(50);
  flow.min_rtt_us = 40000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 50000;
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  ASSERT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
  ack.rtt_us = 40000;
  for (int i = 0; i < 3 * WINDOW_ROUND_SAMPLES; ++i) window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_SLOW_START);
  EXPECT_EQ(flow.ssthresh_packets, WINDOW_ENDLESS);
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
  window flow = settled_window(WINDOW_INITIAL);
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

TEST(Avoidance, FillsThePathAndKeepsTheQueueAtItsTarget) {
  Flow flow({});
  flow.rounds(100);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  EXPECT_GE(flow.cwnd(), flow.path_.holds_packets);
  EXPECT_LE(flow.cwnd(), flow.path_.holds_packets + 7);  // 1.2 ms and a packet
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
  window flow = settled_window(50);
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
  window flow = settled_window(50);
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 1000;
  for (int i = 0; i < 49; ++i) window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 50U);
  ack.round_ended = true;
  window_on_ack(&flow, &ack);
  EXPECT_GT(flow.cwnd_packets, 50U);
}

// The least of many samples is less than the least of few: who sends more would see less of a
// queue.
TEST(Avoidance, SeesTheMeanOfTheLeastOfEachFewSamples) {
  window flow = settled_window(50);
  window_ack ack = plain_ack(flow);
  for (uint32_t part = 0; part < 4; ++part)
    for (uint32_t i = 0; i < WINDOW_PART_SAMPLES; ++i) {
      ack.rtt_us = 41000 + part * 100 + (i == 3 ? 0 : 5000);
      window_on_ack(&flow, &ack);
    }
  EXPECT_EQ(window_seen_rtt_us(&flow), 41150U);
  ack.rtt_us = 30000;  // delays vary by more than bursts do: the least is what counts
  window_on_ack(&flow, &ack);
  EXPECT_EQ(window_seen_rtt_us(&flow), 30000U + LAW_MARGIN_US);
}

// Two samples that jitter delayed are no queue: a small window waits for more before it gives way.
TEST(Avoidance, ARoundOfFewSamplesGoesOn) {
  window flow = settled_window(50);
  flow.min_rtt_us = 1000;
  window_ack ack = plain_ack(flow);
  ack.rtt_us = 9000;
  ack.round_ended = true;
  for (int i = 1; i < WINDOW_ROUND_SAMPLES; ++i) {
    window_on_ack(&flow, &ack);
    EXPECT_EQ(flow.cwnd_packets, 50U) << i;
  }
  window_on_ack(&flow, &ack);
  EXPECT_LT(flow.cwnd_packets, 50U);
}

TEST(Avoidance, TakesRoomThatBecameFreeInFewRounds) {
  Flow flow({});
  flow.rounds(40);
  flow.path_.holds_packets = 10 * 167;
  int rounds = 0;
  for (; rounds < 60 && flow.cwnd() < flow.path_.holds_packets * 9 / 10; ++rounds) flow.round();
  EXPECT_LT(rounds, 35) << flow.cwnd();  // 4.6 packets a round, as the law alone goes, were 290
}

TEST(Looks, TheQueueIsTakenAwayByTheHostsClockAndTheWindowIsBackAfterTwoRounds) {
  Flow flow({});
  flow.rounds(40);
  const uint32_t settled = flow.cwnd();
  int dipped = 0;
  int before = 0;
  for (int i = 0; i < 3 * QUEUE_DIP_MS / 40; ++i) {
    before = static_cast<int>(flow.window_.look_rounds);
    flow.round();
    if (before == 0 && flow.window_.look_rounds != 0) {
      ++dipped;
      EXPECT_LT(flow.now_ms() % QUEUE_DIP_MS, 50U);
      EXPECT_LT(flow.cwnd(), flow.path_.holds_packets);
      EXPECT_GT(flow.cwnd(), flow.path_.holds_packets * 9 / 10);
    }
  }
  EXPECT_EQ(dipped, 3);
  while (flow.window_.look_rounds != 0) flow.round();
  EXPECT_NEAR(flow.cwnd(), settled, 3);
}

TEST(Looks, TheLeastRttFollowsAPathThatBecameLonger) {
  Flow flow({});
  flow.rounds(40);
  flow.path_.rtt_us = 60000;
  flow.path_.holds_packets = 250;
  while (flow.now_ms() < 3 * QUEUE_MIN_RTT_LIFE_MS) flow.round();
  EXPECT_EQ(flow.window_.min_rtt_us, 60000U);
  EXPECT_GE(flow.cwnd(), 250U);
}

TEST(Looks, ALeastRttOfLongAgoGivesWayToWhatDipsSawSince) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  flow.round_rtt_us = 40400;
  queue_dipped(&flow, QUEUE_MIN_RTT_LIFE_MS);
  EXPECT_EQ(flow.min_rtt_us, 40000U);
  flow.round_rtt_us = 40600;
  queue_dipped(&flow, QUEUE_MIN_RTT_LIFE_MS + 1);
  EXPECT_EQ(flow.min_rtt_us, 40400U) << "the least of both";
}

TEST(Looks, AQueueThatStaysWhenOursIsTakenAwayIsOthersAndOneCompetes) {
  Flow flow({.buffer_packets = 1000});
  flow.rounds(40);
  // They keep 300 packets on the way, whatever we do; the law alone would give in.
  for (int i = 0; i < 60 && flow.state() == SLUICE_CONGESTION_AVOIDANCE; ++i) flow.round(300);
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_COMPETE});
  flow.rounds(40, 300);
  EXPECT_GT(flow.cwnd(), 150U);
}

TEST(Looks, WithNobodyElseThereItGoesBackToTheDelayLaw) {
  Flow flow({.buffer_packets = 1000});
  flow.rounds(40);
  for (int i = 0; i < 60; ++i) flow.round(300);
  ASSERT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_COMPETE});
  const uint32_t left_at_ms = flow.now_ms();
  while (flow.state() == SLUICE_CONGESTION_COMPETE && flow.now_ms() < left_at_ms + 60000)
    flow.round();
  EXPECT_EQ(flow.state(), uint32_t{SLUICE_CONGESTION_AVOIDANCE});
  flow.rounds(60);
  EXPECT_LE(flow.cwnd(), flow.path_.holds_packets + 8);
}

TEST(Looks, OurShareIsWhatTheDelayMakesOfWhatWeTakeAway) {
  window flow = settled_window(100);
  flow.kept_x64 = 100 * LAW_ONE;
  flow.law_x64 = 50 * LAW_ONE;
  flow.block_rtt_us = 100000;
  flow.round_rtt_us = 75000;  // half of the window gone, and a quarter of the delay
  queue_learn_share(&flow);
  EXPECT_EQ(flow.share, 128);
  flow.round_rtt_us = 110000;  // it says nothing
  queue_learn_share(&flow);
  EXPECT_EQ(flow.share, 128);
}

TEST(Competing, FollowsCubicAndAfterALossConvergesFast) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  window_compete(&flow, 100 * LAW_ONE, 100 * LAW_ONE, 0);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
  EXPECT_EQ(flow.cubic.top_x64, 100U * LAW_ONE);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_COMPETE);
  lose_once(flow);  // 70, below the last top: 0.85 of it is aimed at
  EXPECT_NEAR(flow.cubic.top_x64, 70 * LAW_ONE * 85 / 100, 8);
}

TEST(Competing, WhoHasLittleOfTheBottleneckGivesUpLessForALoss) {
  window flow = settled_window(100);
  flow.share = WINDOW_MEEK_SHARE - 1;
  window_compete(&flow, 100 * LAW_ONE, 100 * LAW_ONE, 0);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 84U);
}

TEST(Loss, AtAShortQueueIsRepairedAndChangesNothing) {
  window flow = settled_window(100);
  flow.min_rtt_us = 40000;
  flow.rtt_us = 40900;
  flow.queue_most_us = 6000;
  const uint32_t ssthresh = flow.ssthresh_packets;
  lose_once(flow, false);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_RECOVERY);
  EXPECT_EQ(flow.ssthresh_packets, ssthresh);
  window_ack ack = plain_ack(flow);
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Loss, AtALongQueueTellsOfCongestion) {
  for (auto [queue_us, most_us, rtt_us, congested] :
       std::vector<std::tuple<uint32_t, uint32_t, uint32_t, bool>>{
           {999, 0, 40000, false},         // hardly a queue
           {1000, 1500, 40000, true},      // a small buffer, two thirds full
           {2900, 4500, 40000, false},     // not yet
           {5000, 400000, 40000, true},    // longer than ours alone ever is
           {6000, 400000, 100000, false},  // but on a long way
           {12500, 400000, 100000, true},
       }) {
    EXPECT_EQ(recovery_queue_long(queue_us, most_us, rtt_us), congested)
        << queue_us << " of " << most_us;
  }
}

TEST(Loss, AMarkTellsOfCongestionAtAnyQueue) {
  window flow = settled_window(100);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
}

// A policer: no queue, and every twelfth packet lost. One of a hundred is a bad link.
TEST(Loss, OfManyPacketsTellsOfCongestionWithoutAQueue) {
  for (auto [each, congested] : std::vector<std::pair<uint32_t, bool>>{{12, true}, {100, false}}) {
    window flow = settled_window(100);
    for (uint32_t i = 0; i < 3000; ++i) {
      window_ack ack = plain_ack(flow);
      ack.lost_packets = i % each == 0 ? 1 : 0;
      ack.acked_packets = 1 - ack.lost_packets;
      ack.round_ended = i % 100 == 99;
      ack.filled = false;
      window_on_ack(&flow, &ack);
    }
    lose_once(flow, false);
    EXPECT_EQ(flow.ssthresh_packets < 100, congested) << "one of " << each;
  }
}

TEST(Recovery, ReducesToSevenTenthsOnceAWindow) {
  window flow = settled_window(100);
  lose_once(flow);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
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
  window flow = settled_window(20);
  lose_once(flow);
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
  flow.flags |= WINDOW_CONGESTED;
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
  flow.flags |= WINDOW_CONGESTED;
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
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  window_ack ack = plain_ack(flow);
  ack.acked_packets = 0;
  ack.inflight_packets = 3;
  window_on_ack(&flow, &ack);
  EXPECT_EQ(flow.cwnd_packets, 20U);
}

TEST(Recovery, ALossThatWasNoneLeavesTheWindowAsTheKernelRestoredIt) {
  window flow = settled_window(100);
  flow.ssthresh_packets = 70;
  flow.flags |= WINDOW_CONGESTED;
  window_on_recovery(&flow);
  flow.flags |= WINDOW_UNDONE;
  flow.cwnd_packets = 100;
  flow.ssthresh_packets = 100;
  window_on_repaired(&flow);
  EXPECT_EQ(flow.cwnd_packets, 100U);
  EXPECT_EQ(flow.state, SLUICE_CONGESTION_AVOIDANCE);
}

TEST(Timeout, StartsAgainAndDoublesUpToTheThreshold) {
  window flow = settled_window(100);
  flow.ssthresh_packets = window_after_loss(&flow, true, 0);
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
    window flow = settled_window(80);
    window_on_silence(&flow, silence, 100);
    EXPECT_EQ(flow.cwnd_packets, expected) << silence;
  }
}

TEST(Silence, CountsOnceHoweverOftenTheKernelAsks) {
  window flow = settled_window(80);
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
    flow.mode = static_cast<__u8>(state);
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
  EXPECT_EQ(pacing_payload_rate(6250000, kMss, 52), 6250000ULL * 1448 / 1500);
  EXPECT_EQ(pacing_payload_rate(6250000, 0, 52), 6250000U);
  EXPECT_EQ(pacing_payload_rate(~0ULL, kMss, 52), ~0ULL) << "no limit, and no overflow";
}

TEST(Policy, AsAWindowRateIsWhatThePathHoldsAtIt) {
  EXPECT_EQ(pacing_window(1448000, kMss, 40000), 41U);  // a thousand packets a second, 40 in 40 ms
  EXPECT_EQ(pacing_window(1, kMss, 40000), 2U);
  EXPECT_EQ(pacing_window(1448000, kMss, 0), 2U) << "the path is not known yet";
  EXPECT_EQ(pacing_window(~0ULL, kMss, ~0U), uint32_t{WINDOW_ENDLESS});
  EXPECT_EQ(pacing_window(1448000, 0, 40000), uint32_t{WINDOW_ENDLESS});
}

TEST(Pacing, SendsOneByOneWhereTwoPacketsTakeLongerThanAMillisecond) {
  EXPECT_EQ(pacing_least_burst(2895999, kMss), 1U);
  EXPECT_EQ(pacing_least_burst(2896000, kMss), 2U);
}

TEST(Pacing, HasNothingToSpareWhereManyPacketsAreLost) {
  window flow = settled_window(100);
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_AVOIDANCE});
  flow.loss = RECOVERY_LOSS_OF_1024 << 16;
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_POLICED});
  flow = fresh_window();
  EXPECT_EQ(window_pacing_gain(&flow), uint32_t{PACING_SLOW_START});
}

TEST(Pacing, LetsAWindowLeaveInLittleLessThanARoundTrip) {
  // 100 packets of 1448 bytes every 10 ms, and a fifth more.
  EXPECT_EQ(pacing_rate(100, kMss, 10000, PACING_AVOIDANCE), 14480000ULL * 12 / 10);
  EXPECT_EQ(pacing_rate(10, kMss, 0, 100), 10ULL * kMss * 1000000 / PACING_FIRST_RTT_US);
}

}  // namespace
