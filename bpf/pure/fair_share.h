/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One rate R for all flows of a service, shared by weight, on all CPUs, without a lock. Two
 * mechanisms work together:
 *
 *	unit rate	u = (R - bytes of flows that need less than u * weight)
 *			    / weights of the others
 *	calendar	bytes that leave in each epoch
 *
 * A flow of weight w leaves at u * w. This is weighted max-min fairness; u is the fair rate of
 * core-stateless fair queueing (Stoica, Shenker, Zhang, SIGCOMM 1998). Both sums are measured over
 * an epoch. The first packet of the next epoch derives the next u from them. Flows are neither
 * listed nor counted: a flow that is held back adds its weight times the time that it waited. Over
 * the length of the epoch that is its weight, even if it sends less than a packet an epoch.
 *
 * A packet whose epoch is full leaves in a later one. So the total keeps to R, however wrong u is
 * when flows arrive.
 *
 * Limits: the total is exact over epochs; an epoch may use what the one before left unused, up to
 * an eighth of its own bytes. The end of a flow is noticed one or two epochs later.
 */
#ifndef SLUICE_PURE_FAIR_SHARE_H
#define SLUICE_PURE_FAIR_SHARE_H

#include "pure/departure_time.h"
#include "sluice/departure.h"
#include "sluice/time.h"

/* An epoch is 2^24 ns (16.8 ms), or the time of so many bytes: 16 Ethernet packets. */
#define SHARE_EPOCH_SHIFT_MIN 24
#define SHARE_EPOCH_SHIFT_MAX 36
#define SHARE_EPOCH_BYTES_MIN (16 * 1514)
/* Full epochs in a row that the search for room passes before the packet is dropped. */
#define SHARE_EPOCHS_TRIED 8
#define SHARE_TRIES 4
/* 1/8 epoch: flows that waited for less, in total, do not count as held back. */
#define SHARE_HELD_LEAST 8
/* Epochs without a packet after which the measured sums are void. */
#define SHARE_SILENCE 4
/* 1/64 of the rate is always left to the flows that wait. */
#define SHARE_LEAST 64

#define SHARE_TRIM_ONE 4096
#define SHARE_TRIM_MAX (SHARE_TRIM_ONE * 5 / 4)
#define SHARE_TRIM_GAIN 8 /* 1/8 of what was missing enters at once */

/* A packet that comes so soon after its flow's turn still counts as held back. */
#define SHARE_LATE_NS 1000000

static inline __u64 share_epoch_ns(const struct sluice_share *share)
{
	return 1ull << (share->epoch_shift & 63);
}

/*
 * Starts the share, or changes its rate. Every CPU that sees a new rate does it; all write the
 * same.
 */
static inline void share_set_rate(struct sluice_share *share, __u64 rate_bytes_per_sec)
{
	__u8 shift;

	for (shift = SHARE_EPOCH_SHIFT_MIN; shift < SHARE_EPOCH_SHIFT_MAX; shift++)
		if (((rate_bytes_per_sec << shift) / SLUICE_NS_PER_SEC) >= SHARE_EPOCH_BYTES_MIN)
			break;
	share->epoch_shift = shift;
	share->epoch_bytes = (__u32)((rate_bytes_per_sec << shift) / SLUICE_NS_PER_SEC);
	share->unit_rate_bytes_per_sec = rate_bytes_per_sec;
	share->trim = SHARE_TRIM_ONE;
	share->epoch = 0;
	share->full_until = 0;
	share->rate_bytes_per_sec = rate_bytes_per_sec;
}

static inline __u64 share_booked(const struct sluice_share *share, __u64 epoch)
{
	__u64 entry = *(volatile const __u64 *)&share->calendar[epoch % SLUICE_SHARE_EPOCHS];

	return entry >> 32 == (__u32)epoch ? (__u32)entry : 0;
}

/* Corrects for the loss of flows whose packet comes late for its turn or waits for an epoch. */
static inline __u32 share_trim(const struct sluice_share *share, __u64 epoch)
{
	__u64 booked = share_booked(share, epoch);
	__u64 missing = booked < share->epoch_bytes ? share->epoch_bytes - booked : 0;
	__u64 beyond = booked > share->epoch_bytes ? booked - share->epoch_bytes : 0;
	__u64 step = SHARE_TRIM_ONE / SHARE_TRIM_GAIN;
	__u64 trim = share->trim + missing * step / share->epoch_bytes;
	__u64 less = beyond * step / share->epoch_bytes;

	trim = trim > SHARE_TRIM_ONE + less ? trim - less : SHARE_TRIM_ONE;
	return trim < SHARE_TRIM_MAX ? (__u32)trim : SHARE_TRIM_MAX;
}

/* Derives the unit rate from the sums over `epochs` epochs, of which `last` was the last to end. */
static inline void share_turn(struct sluice_share *share, __u64 last, __u64 epochs)
{
	__u64 held_back = __sync_lock_test_and_set(&share->held_back, 0);
	__u64 free_bytes = __sync_lock_test_and_set(&share->free_bytes, 0);
	__u64 rate = share->rate_bytes_per_sec, unit, total, left;

	if (epochs > SHARE_SILENCE || held_back < share_epoch_ns(share) / SHARE_HELD_LEAST) {
		share->unit_rate_bytes_per_sec = rate;
		share->trim = SHARE_TRIM_ONE;
		return;
	}
	total = share->epoch_bytes * epochs;
	left = free_bytes < total ? total - free_bytes : 0;
	if (left < total / SHARE_LEAST)
		left = total / SHARE_LEAST;
	share->trim = epochs == 1 ? share_trim(share, last) : SHARE_TRIM_ONE;
	/* 2^30 bytes times 10^9 leave no bits for the trim, hence after the division. */
	unit = left * SLUICE_NS_PER_SEC / held_back;
	unit = unit * share->trim / SHARE_TRIM_ONE;
	if (unit > rate)
		unit = rate;
	share->unit_rate_bytes_per_sec = unit ? unit : 1;
}

static inline void share_watch(struct sluice_share *share, __u64 now_ns)
{
	__u64 epoch = now_ns >> (share->epoch_shift & 63);
	__u64 last = *(volatile __u64 *)&share->epoch;

	if (epoch > last && __sync_val_compare_and_swap(&share->epoch, last, epoch) == last)
		share_turn(share, last, epoch - last);
}

static inline __u32 share_ticks(__u64 ns)
{
	return (__u32)(ns >> SLUICE_TICK_SHIFT);
}

/*
 * Accounts for a packet. A flow that has been held back for an epoch would use more if it had more:
 * it adds to the weights. Another flow uses what it needs: its bytes are subtracted from the rate.
 * `gap_ns`: the flow's share of the time until its next packet.
 */
static inline void share_measure(struct sluice_share *share, struct sluice_departure *flow,
				 __u64 now_ns, __u32 bytes, __u64 gap_ns)
{
	__u64 late_ns = gap_ns / 4 > SHARE_LATE_NS ? gap_ns / 4 : SHARE_LATE_NS;
	__u64 departs_ns = *(volatile __u64 *)&flow->departs_ns;
	__u32 now = share_ticks(now_ns), held;
	__s32 waited;

	if (now_ns > departs_ns + late_ns) {
		flow->held_since_ticks = now;
		held = 0;
	} else {
		held = now - flow->held_since_ticks;
	}
	waited = (__s32)(share_ticks(departs_ns < now_ns ? departs_ns : now_ns) - flow->seen_ticks);
	flow->seen_ticks = now;
	if (held < share_ticks(share_epoch_ns(share)))
		__sync_fetch_and_add(&share->free_bytes, bytes);
	else if (waited > 0)
		__sync_fetch_and_add(&share->held_back,
				     ((__u64)waited << SLUICE_TICK_SHIFT) * flow->weight);
}

/*
 * When a packet that could leave at `base_ns` may leave in this epoch, of which `booked` bytes are
 * taken. Half an epoch ahead of an even spread is allowed.
 */
static inline __u64 share_time_in(const struct sluice_share *share, __u64 epoch, __u64 booked,
				  __u64 base_ns)
{
	__u64 start_ns = epoch << (share->epoch_shift & 63);
	__u64 into_ns = base_ns > start_ns ? base_ns - start_ns : 0;
	__u64 ahead_ns = share_epoch_ns(share) / 2;

	/* Both sides are below 2^62. The comparison avoids most divisions. */
	if ((into_ns + ahead_ns) * share->rate_bytes_per_sec < booked * SLUICE_NS_PER_SEC)
		into_ns = booked * SLUICE_NS_PER_SEC / share->rate_bytes_per_sec - ahead_ns;
	return start_ns + into_ns;
}

/*
 * Is the epoch full? Bytes that the one before left unused add room, up to an eighth; bytes by
 * which its last packet overdrew it are subtracted.
 */
static inline int share_is_full(const struct sluice_share *share, __u64 epoch, __u64 booked)
{
	__u64 before = share_booked(share, epoch - 1);
	__u64 both = 2ull * share->epoch_bytes, most = share->epoch_bytes + share->epoch_bytes / 8;

	return booked >= most || booked + before >= both;
}

/*
 * One step of the search for room: the time; 0: this epoch is full; DEPARTURE_NEVER: past
 * `latest_ns`.
 */
static inline __u64 share_book_in(struct sluice_share *share, __u64 epoch, __u64 base_ns,
				  __u64 latest_ns, __u32 bytes)
{
	__u64 *entry = &share->calendar[epoch % SLUICE_SHARE_EPOCHS];
	__u64 seen, booked, time_ns;
	int turn;

	for (turn = 0; turn < SHARE_TRIES; turn++) {
		seen = *(volatile __u64 *)entry;
		booked = seen >> 32 == (__u32)epoch ? (__u32)seen : 0;
		if (share_is_full(share, epoch, booked))
			return 0;
		time_ns = share_time_in(share, epoch, booked, base_ns);
		if (time_ns > latest_ns)
			return DEPARTURE_NEVER;
		if (__sync_val_compare_and_swap(entry, seen, epoch << 32 | (booked + bytes)) ==
		    seen)
			return time_ns;
	}
	/* The winner of the races set the entry to this epoch; an addition cannot lose. */
	booked = (__u32)__sync_fetch_and_add(entry, bytes);
	return share_time_in(share, epoch, booked, base_ns);
}

/*
 * Books a packet that could leave at `base_ns`. Returns when it may leave, or DEPARTURE_NEVER, and
 * then books nothing.
 */
static inline __u64 share_book(struct sluice_share *share, __u64 now_ns, __u64 base_ns, __u32 bytes)
{
	__u64 first = base_ns >> (share->epoch_shift & 63);
	__u64 full_until = *(volatile __u64 *)&share->full_until;
	__u64 epoch = first > full_until ? first : full_until;
	__u64 now_epoch = now_ns >> (share->epoch_shift & 63);
	__u64 time_ns;
	int tried;

	if (full_until < now_epoch)
		full_until = now_epoch;
	for (tried = 0; tried < SHARE_EPOCHS_TRIED; tried++, epoch++) {
		time_ns =
			share_book_in(share, epoch, base_ns, now_ns + DEPARTURE_HORIZON_NS, bytes);
		if (time_ns)
			return time_ns;
		if (epoch == full_until) {
			full_until = epoch + 1;
			share->full_until = full_until;
		}
	}
	return DEPARTURE_NEVER;
}

/*
 * The delay that a late packet passes on to its flow's next turn. Half a gap is forgiven, or a flow
 * that seldom sends would lose more by waiting for an epoch than others.
 */
static inline __u64 share_delay_ns(__u64 turn_ns, __u64 booked_ns, __u64 gap_ns)
{
	__u64 late_ns = booked_ns > turn_ns ? booked_ns - turn_ns : 0;

	return late_ns > gap_ns / 2 ? late_ns - gap_ns / 2 : 0;
}

#endif
