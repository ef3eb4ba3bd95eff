// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Passive measurement of round trips (pure/roundtrip.h), and the window that follows from one.
#include "pure/roundtrip.h"

#include <gtest/gtest.h>

namespace sluice::roundtrip {
namespace {

constexpr uint64_t ms = 1'000'000;
constexpr uint64_t second = SLUICE_NS_PER_SEC;
constexpr uint64_t start = 100 * second;

// A handshake of 40 ms, seen 3 ms from the server.
sluice_round_trip opened() {
  sluice_round_trip trip{};
  roundtrip_on_syn(&trip, start, 0);
  roundtrip_on_syn_ack(&trip, start + 3 * ms);
  roundtrip_on_open(&trip, start + 40 * ms);
  return trip;
}

TEST(RoundTrip, AHandshakeGivesTheRoundTripAndTheServersPart) {
  const sluice_round_trip trip = opened();
  EXPECT_EQ(trip.handshake_us, 40'000u);
  EXPECT_EQ(trip.server_us, 3'000u);
  EXPECT_EQ(trip.smoothed_us, 40'000u);
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u);
}

TEST(RoundTrip, ARepeatedSynIsNotTimed) {
  sluice_round_trip trip{};
  roundtrip_on_syn(&trip, start, 0);
  roundtrip_on_syn(&trip, start + second, 1);
  roundtrip_on_open(&trip, start + second + 40 * ms);
  EXPECT_EQ(trip.handshake_us, 0u);
  EXPECT_EQ(roundtrip_least_us(&trip), 0u);
}

TEST(RoundTrip, ASynSeenByTwoHooksIsTimedOnce) {
  sluice_round_trip trip{};
  roundtrip_on_syn(&trip, start, 0);
  roundtrip_on_syn(&trip, start + ms, 1);
  roundtrip_on_open(&trip, start + 40 * ms);
  EXPECT_EQ(trip.handshake_us, 40'000u);
}

TEST(RoundTrip, DataIsTimedUntilItsAckAndTheServersPartIsAdded) {
  sluice_round_trip trip = opened();
  const uint64_t sent = start + second;
  roundtrip_mark(&trip, 5000, sent);
  roundtrip_mark(&trip, 9000, sent + ms);  // one at a time
  roundtrip_on_ack(&trip, 5000, sent + 10 * ms, 0);
  EXPECT_EQ(trip.smoothed_us, 40'000u) << "an ACK up to the mark does not end it";
  roundtrip_on_ack(&trip, 5001, sent + 45 * ms, 0);
  EXPECT_EQ(trip.smoothed_us, 40'000u - 40'000u / 8 + 48'000u / 8);
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u);
  EXPECT_EQ(trip.marked_ns, 0u);
}

TEST(RoundTrip, ARetransmissionIsNotTimed) {
  sluice_round_trip trip = opened();
  roundtrip_mark(&trip, 5000, start + second);
  roundtrip_purge_mark(&trip);
  roundtrip_on_ack(&trip, 6000, start + second + ms, 0);
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u);
}

// Where both directions are seen every sample is valid. A longer path is accepted once it has
// lasted for a whole period.
TEST(RoundTrip, TheLeastOfTwoPeriodsCountsWhereBothDirectionsAreSeen) {
  sluice_round_trip trip = opened();
  const auto sample = [&](uint64_t at_s) {
    roundtrip_mark(&trip, 1000, start + at_s * second);
    roundtrip_on_ack(&trip, 2000, start + at_s * second + 77 * ms, 0);
  };
  sample(1);
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u);
  sample(ROUNDTRIP_PERIOD_S + 1);
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u) << "of the period before";
  sample(2 * ROUNDTRIP_PERIOD_S + 2);
  EXPECT_EQ(roundtrip_least_us(&trip), 80'000u);
}

// Under direct server return a sample is too long if anything but the window limited the server.
TEST(RoundTrip, TheLeastNeverExpiresWhereOnlyTheClientIsSeen) {
  sluice_round_trip trip = opened();
  for (uint64_t s = 1; s < 5 * ROUNDTRIP_PERIOD_S; s++) {
    roundtrip_mark(&trip, 1000, start + s * second);
    roundtrip_on_ack(&trip, 2000, start + s * second + 500 * ms, 1);
  }
  EXPECT_EQ(roundtrip_least_us(&trip), 40'000u);
}

TEST(RoundTrip, ASampleIsNeverZeroAndIsBounded) {
  sluice_round_trip trip{};
  roundtrip_on_syn(&trip, start, 0);
  roundtrip_on_open(&trip, start + 10);
  EXPECT_EQ(trip.handshake_us, 1u);
  roundtrip_on_syn(&trip, start, 0);
  roundtrip_on_open(&trip, start + 3600 * second);
  EXPECT_EQ(trip.handshake_us, ROUNDTRIP_MOST_US);
}

TEST(RoundTrip, AWindowOfARateIsWhatThePathHoldsAtIt) {
  constexpr uint64_t of_25_mbit = 3'125'000;
  EXPECT_EQ(ceiling_of_rate(of_25_mbit, 40'000, 1460), 125'000u);
  EXPECT_EQ(ceiling_of_rate(of_25_mbit, 80'000, 1460), 250'000u);
  EXPECT_EQ(ceiling_of_rate(of_25_mbit, 0, 1460), 14'600u) << "RFC 6928 while the path is unknown";
  EXPECT_EQ(ceiling_of_rate(1, 1, 1460), 1u) << "0 would mean: no ceiling";
  EXPECT_EQ(ceiling_of_rate(1ull << 40, ROUNDTRIP_MOST_US, 1460), CEILING_BYTES_MAX);
}

}  // namespace
}  // namespace sluice::roundtrip
