/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One rate R for all flows of a service, shared by weight, over all CPUs and without a lock. Two
 * things work together:
 *
 *   unit rate  u = (R - what flows use that have less than u * weight) / weights of all others
 *              A flow of weight w leaves at u * w. This is weighted max-min fairness, and u the
 *              fair rate of core-stateless fair queueing (Stoica, Shenker, Zhang, SIGCOMM 1998).
 *              Both sums are measured over an epoch, and whoever first sees the next one makes the
 *              next u of them. Flows are neither listed nor counted: one that is held back adds
 *              its weight times the time that it was, which over the epoch's length is its weight,
 *              also where a flow sends less than a packet an epoch.
 *   calendar   how many bytes leave in which epoch. A packet whose epoch is full leaves in a later
 *              one: however wrong u is when flows come, the total keeps to R.
 *
 * Limits: the total is exact over epochs; what an epoch left unused the next may use, up to an
 * eighth of its own. Who ends is known to have ended an epoch or two later.
 */
#ifndef SLUICE_PURE_FAIR_SHARE_H
#define SLUICE_PURE_FAIR_SHARE_H

#include "pure/departure_time.h"
#include "sluice/departure.h"
#include "sluice/time.h"

/* An epoch is 2^24 ns, 16.8 ms, or as long as so many bytes take: 16 packets of an Ethernet. */
#define SHARE_EPOCH_SHIFT_MIN 24
#define SHARE_EPOCH_SHIFT_MAX 36
#define SHARE_EPOCH_BYTES_MIN (16 * 1514)
/* Full epochs in a row that a packet looks through before it is dropped. */
#define SHARE_EPOCHS_TRIED 8
#define SHARE_TRIES 4
/* Whoever was held back for less than this part of an epoch, together, was not held back. */
#define SHARE_HELD_LEAST 8
/* Epochs in which nobody sent, after which nothing is known of who shares. */
#define SHARE_SILENCE 4
/* Those who do not wait leave the others at least this part of the rate. */
#define SHARE_LEAST 64

#define SHARE_TRIM_ONE 4096
#define SHARE_TRIM_MAX (SHARE_TRIM_ONE * 5 / 4)
#define SHARE_TRIM_GAIN 8 /* of what was missing, a part enters at once */

/* A flow whose next packet comes so soon after its turn was held back all the same. */
#define SHARE_LATE_NS 1000000

static inline __u64 share_epoch_ns(const struct sluice_share *share)
{
	return 1ull << (share->epoch_shift & 63);
}

/*
 * Begins, or goes on at another rate. Whoever sees the rate changed does it; several may at once,
 * and write the same.
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

/* Flows lose a little whenever a packet comes late for its turn or has to wait for an epoch. */
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

/* The unit rate that follows from what was measured in `epochs` epochs, of which `last` ended. */
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
	/* 2^30 bytes times 10^9 leave no room for the trim, hence after the division. */
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
 * A packet came: was its flow held back since the last one, and is it for so long already that it
 * would use more if it had more? Otherwise it uses what it uses. `gap_ns`: the flow's share of the
 * time until the packet after this.
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
 * When in this epoch, of which `booked` bytes are taken, a packet may leave that could at
 * `base_ns`. Half an epoch's time ahead of evenly is even enough.
 */
static inline __u64 share_place(const struct sluice_share *share, __u64 epoch, __u64 booked,
				__u64 base_ns)
{
	__u64 start_ns = epoch << (share->epoch_shift & 63);
	__u64 into_ns = base_ns > start_ns ? base_ns - start_ns : 0;
	__u64 ahead_ns = share_epoch_ns(share) / 2;

	/* Both sides are below 2^62, and mostly no division is needed. */
	if ((into_ns + ahead_ns) * share->rate_bytes_per_sec < booked * SLUICE_NS_PER_SEC)
		into_ns = booked * SLUICE_NS_PER_SEC / share->rate_bytes_per_sec - ahead_ns;
	return start_ns + into_ns;
}

/*
 * Is there room in the epoch? What the one before it left unused counts, up to an eighth; what it
 * was overdrawn by, by its last packet, is taken off.
 */
static inline int share_is_full(const struct sluice_share *share, __u64 epoch, __u64 booked)
{
	__u64 before = share_booked(share, epoch - 1);
	__u64 both = 2ull * share->epoch_bytes, most = share->epoch_bytes + share->epoch_bytes / 8;

	return booked >= most || booked + before >= both;
}

/*
 * One step of the search for room: the time, or 0: this epoch has none; DEPARTURE_NEVER: it would
 * be past `latest_ns`.
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
		time_ns = share_place(share, epoch, booked, base_ns);
		if (time_ns > latest_ns)
			return DEPARTURE_NEVER;
		if (__sync_val_compare_and_swap(entry, seen, epoch << 32 | (booked + bytes)) ==
		    seen)
			return time_ns;
	}
	/* Whoever won the races made it this epoch's; an addition cannot lose. */
	booked = (__u32)__sync_fetch_and_add(entry, bytes);
	return share_place(share, epoch, booked, base_ns);
}

/*
 * Books a packet that could leave at `base_ns`: the time when it may, or DEPARTURE_NEVER, and then
 * nothing is booked.
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
 * By how much a flow's next turn is later because this one was. Half a gap it makes up for: a flow
 * that seldom sends would else lose more by waiting for an epoch than others do.
 */
static inline __u64 share_delay_ns(__u64 turn_ns, __u64 booked_ns, __u64 gap_ns)
{
	__u64 late_ns = booked_ns > turn_ns ? booked_ns - turn_ns : 0;

	return late_ns > gap_ns / 2 ? late_ns - gap_ns / 2 : 0;
}

#endif
