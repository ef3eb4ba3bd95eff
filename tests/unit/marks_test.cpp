// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Echoes of congestion marks: the kind of peer, and the share of marks (pure/marks.h).
#include "pure/marks.h"

#include <gtest/gtest.h>

#include "unit/support/marks_walk.h"
#include "unit/support/single_window.h"

namespace sluice::simulation {
namespace {

// A sender that has sent up to `next`.
struct Sender {
  marks heard{.share = MARKS_ALL,
              .marked_packets = 0,
              .answer_at = 0,
              .watch = MARKS_NO_ANSWER,
              .echoes = 0,
              .confidence = 0,
              .echoing = false};
  uint32_t una = 0;
  uint32_t next = 20;

  void ack(uint32_t packets, bool echo, bool in_order = true) {
    una += packets;
    next = una + 20;
    const marks_ack one{
        .acknowledged = una, .marked_packets = echo ? packets : 0, .in_order = in_order};
    marks_on_ack(&heard, &one);
  }
  // The first echo: the kernel reduces the window within the same acknowledgement.
  void mark() {
    marks_on_answer(&heard, una + 2, next);
    ack(2, true);
  }
  // Past the packet that told the peer.
  void answered(bool echo) {
    while (una <= heard.answer_at) ack(2, echo);
  }
};

void see_accurate_peer(Sender& sender) {
  sender.mark();
  sender.ack(2, false);
  sender.answered(false);
}

TEST(Echoes, APeerThatStopsEchoingBeforeOurAnswerArrivesIsAccurate) {
  Sender sender;
  for (int i = 0; i < MARKS_CONFIDENT; i++) {
    EXPECT_FALSE(marks_accurate(&sender.heard)) << i;
    see_accurate_peer(sender);
  }
  EXPECT_TRUE(marks_accurate(&sender.heard));
}

TEST(Echoes, APeerThatStopsEchoingWhenOurAnswerArrivesIsClassic) {
  Sender sender;
  for (int i = 0; i < 100; i++) {
    sender.mark();
    const uint32_t answer = sender.heard.answer_at;
    // The peer has all packets before the answer, and still echoes.
    while (sender.una < answer) sender.ack(2, true);
    sender.ack(1, false);
    EXPECT_EQ(sender.heard.confidence, 0);
  }
}

TEST(Echoes, TheLastAcknowledgementBeforeOurAnswerCounts) {
  Sender sender;
  sender.mark();
  while (sender.una + 2 < sender.heard.answer_at) sender.ack(2, true);
  sender.ack(sender.heard.answer_at - sender.una, false);
  EXPECT_EQ(sender.heard.confidence, 1);
}

TEST(Echoes, NothingIsObservedWhilePacketsAreMissing) {
  Sender sender;
  sender.mark();
  // The answer may be among what has arrived out of order.
  sender.ack(2, false, false);
  sender.answered(false);
  EXPECT_EQ(sender.heard.confidence, 1) << "later ones are in order";
  sender.mark();
  while (sender.una <= sender.heard.answer_at) sender.ack(2, false, false);
  EXPECT_EQ(sender.heard.confidence, 1);
}

TEST(Echoes, TwoAnswersAtOnceAreNotObserved) {
  Sender sender;
  sender.mark();
  marks_on_answer(&sender.heard, sender.una, sender.next);  // a loss
  sender.ack(2, true);
  sender.ack(2, false);
  sender.answered(false);
  EXPECT_EQ(sender.heard.confidence, 0);
  sender.mark();
  sender.ack(2, false);
  EXPECT_EQ(sender.heard.confidence, 1) << "the next answer is alone again";
}

TEST(Echoes, AnAnswerToAnotherEventProvesNothing) {
  Sender sender;
  marks_on_answer(&sender.heard, sender.una, sender.next);  // the queue of this host was full
  sender.ack(2, false);
  sender.ack(2, true);
  sender.ack(2, false);
  EXPECT_EQ(sender.heard.confidence, 0);
}

TEST(Echoes, ContinuousEchoesRevokeTheConfidence) {
  Sender sender;
  for (int i = 0; i < 20; i++) see_accurate_peer(sender);
  for (int i = 0; i < MARKS_CONFIDENCE_MOST; i++) {
    sender.mark();
    sender.answered(true);
  }
  EXPECT_FALSE(marks_accurate(&sender.heard));
  EXPECT_EQ(sender.heard.confidence, 0);
}

TEST(Echoes, FewEchoesDoNotProveAClassicPeer) {
  Sender sender;
  for (int i = 0; i < MARKS_CONFIDENT; i++) see_accurate_peer(sender);
  for (int i = 0; i < 100; i++) {
    sender.mark();
    sender.ack(sender.heard.answer_at + 1 - sender.una, true);  // the others are lost
  }
  EXPECT_TRUE(marks_accurate(&sender.heard));
}

TEST(Echoes, NegotiatedAccuracyIsNotRevoked) {
  Sender sender;
  sender.heard.confidence = MARKS_NEGOTIATED;
  for (int i = 0; i < 300; i++) {
    sender.mark();
    sender.answered(i % 2 == 0);
  }
  EXPECT_EQ(sender.heard.confidence, MARKS_NEGOTIATED);
}

TEST(Echoes, TheShareIsAveragedOverSixteenRounds) {
  Sender sender;
  marks_end_round(&sender.heard, 100);
  EXPECT_EQ(sender.heard.share, MARKS_ALL / 16 * 15U);
  marks_end_round(&sender.heard, 0);
  EXPECT_EQ(sender.heard.share, MARKS_ALL / 16 * 15U) << "a round without marks";
  for (int i = 0; i < 200; i++) {
    sender.heard.marked_packets = 25;
    marks_end_round(&sender.heard, 100);
  }
  EXPECT_NEAR(sender.heard.share / double{MARKS_ALL}, 0.25, 0.001);
  EXPECT_EQ(marks_reduced(&sender.heard, 6400), 6400U - 6400U / 8);
  sender.heard.marked_packets = 500;  // more than were delivered: counted by an earlier round
  marks_end_round(&sender.heard, 100);
  EXPECT_LE(sender.heard.share, uint32_t{MARKS_ALL});
}

TEST(Echoes, AnAccuratePeerIsDetectedOverAnyNetwork) {
  for (uint64_t seed = 1; seed <= 20; seed++)
    for (const double marked : {0.02, 0.1, 0.3}) {
      MarksWalk walk(Echo::accurate, {.marked = marked}, seed);
      walk.run(40000);
      EXPECT_TRUE(marks_accurate(&walk.heard())) << marked << " marked, seed " << seed;
    }
}

TEST(Echoes, AClassicPeerIsNeverTakenForAccurate) {
  for (uint64_t seed = 1; seed <= 20; seed++)
    for (const double marked : {0.005, 0.05, 0.3})
      for (const double trouble : {0.0, 0.02, 0.3}) {
        // Sequence numbers wrap on the way.
        MarksWalk walk(Echo::classic, {.marked = marked, .lost = trouble / 5, .reordered = trouble},
                       seed, 0U - 1000U);
        walk.run(30000);
        EXPECT_GT(walk.answers(), 10);
        EXPECT_LT(walk.most_confidence(), MARKS_CONFIDENT)
            << marked << " marked, " << trouble << " of trouble, seed " << seed;
      }
}

// The window.
window window_of_accurate_peer(uint32_t cwnd, uint32_t share) {
  window flow = settled_window(cwnd);
  flow.marks.confidence = MARKS_CONFIDENT;
  flow.marks.share = share;
  flow.min_rtt_us = 40000;
  flow.rtt_us = 41000;
  return flow;
}

TEST(MarkResponse, AnAccuratePeersMarksReduceByHalfOfTheirShare) {
  window flow = window_of_accurate_peer(100, MARKS_ALL / 5);
  lose_once(flow, WINDOW_MARKED);
  EXPECT_EQ(flow.ssthresh_packets, 90U);
}

TEST(MarkResponse, ReducesByNoMoreThanALoss) {
  window flow = window_of_accurate_peer(100, MARKS_ALL);
  lose_once(flow, WINDOW_MARKED);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
}

TEST(MarkResponse, KeepsTheLeastWindow) {
  window flow = window_of_accurate_peer(2, MARKS_ALL);
  lose_once(flow, WINDOW_MARKED);
  EXPECT_EQ(flow.ssthresh_packets, 2U);
}

TEST(MarkResponse, CountsAsALossWhereTheShareSaysNothing) {
  for (int why = 0; why < 6; why++) {
    window flow = window_of_accurate_peer(100, MARKS_ALL / 100);
    if (why == 0) flow.marks.confidence = MARKS_CONFIDENT - 1;
    if (why == 1) flow.rtt_us = 45001;  // a queue longer than ours alone
    if (why == 2) window_compete(&flow, flow.law_x64, flow.law_x64, 0);
    if (why == 3) flow.loss = uint32_t{RECOVERY_LOSS_OF_1024} << 16;
    if (why == 4) flow.young_rounds = 1;
    if (why == 5) window_enter(&flow, SLUICE_CONGESTION_SLOW_START);
    lose_once(flow, WINDOW_MARKED);
    EXPECT_EQ(flow.ssthresh_packets, 70U) << "case " << why;
  }
}

TEST(MarkResponse, ALossAfterItReducesInFull) {
  window flow = window_of_accurate_peer(100, MARKS_ALL / 100);
  lose_once(flow, WINDOW_CERTAIN);
  EXPECT_EQ(flow.ssthresh_packets, 70U);
}

TEST(MarkResponse, TheWindowGrowsSlowlyPastTheLastMark) {
  window flow = window_of_accurate_peer(100, MARKS_ALL / 5);
  lose_once(flow, WINDOW_MARKED);
  window_on_repaired(&flow);
  flow.calm_rounds = 10;  // without the mark a step would be an eighth of the window
  for (int round = 0; round < 12; round++) {
    window_ack ack = plain_ack(flow);
    ack.rtt_us = 40000;
    ack.round_ended = true;
    flow.round_samples = WINDOW_ROUND_SAMPLES;
    const uint32_t before = flow.cwnd_packets;
    window_on_ack(&flow, &ack);
    EXPECT_LE(flow.cwnd_packets, std::max(100U, before + 1)) << "round " << round;
  }
  EXPECT_GE(flow.cwnd_packets, 100U) << "growth up to the mark is fast";
}

}  // namespace
}  // namespace sluice::simulation
