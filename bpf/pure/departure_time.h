/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a flow's next packet may leave. A flow of rate r that sends a packet of b bytes at t sends
 * the next at t + b/r; one that was silent starts anew and has saved up nothing. Several CPUs may
 * hold packets of one flow, so its departure time advances by compare-and-swap, without a lock.
 * Limit: times of departure have the order in which packets asked, which is the packets' own order
 * as long as a flow stays on one CPU, as it does with RSS and with TCP's sockets.
 */
#ifndef SLUICE_PURE_DEPARTURE_TIME_H
#define SLUICE_PURE_DEPARTURE_TIME_H

#include "pure/gcra.h"
#include "sluice/time.h"

/* Nothing waits longer than this in a queue; fq's own horizon is 10 s. */
#define DEPARTURE_HORIZON_NS (2 * SLUICE_NS_PER_SEC)
/*
 * A packet that waits longer than this is marked, if its sender knows ECN (RFC 3168), so that it
 * slows down long before the horizon. Only what also waits for so many packets like itself: at a
 * low rate each of two waits long.
 */
#define DEPARTURE_MARK_NS (SLUICE_NS_PER_SEC / 20)
#define DEPARTURE_MARK_GAPS 4
/* Lost races after which a packet takes its turn by an addition that cannot lose. */
#define DEPARTURE_TRIES 4

/* Departures that are given to nobody: the packet would have to wait past the horizon. */
#define DEPARTURE_NEVER (~0ull)

/*
 * A time that the sender already gave its packet; 0 where it gave none. `monotonic` says that the
 * kernel knows the stamp for a departure. Without that (SO_TXTIME before 6.10) it may be the time
 * of reception on another clock, and counts only where that cannot be.
 */
static inline __u64 departure_asked_ns(__u64 stamp_ns, __u64 now_ns, int monotonic)
{
	if (stamp_ns <= now_ns)
		return 0;
	if (!monotonic && stamp_ns - now_ns > DEPARTURE_HORIZON_NS)
		return 0;
	return stamp_ns;
}

static inline __u64 departure_later(__u64 a_ns, __u64 b_ns)
{
	return a_ns > b_ns ? a_ns : b_ns;
}

static inline int departure_is_late(__u64 departs_ns, __u64 now_ns, __u64 gap_ns)
{
	__u64 waits_ns = departs_ns > now_ns ? departs_ns - now_ns : 0;

	return waits_ns > DEPARTURE_MARK_NS && waits_ns > DEPARTURE_MARK_GAPS * gap_ns;
}

/*
 * Takes the flow's next turn: not before now, not before the sender asks for, not before what went
 * ahead has left. Answers the time, or DEPARTURE_NEVER, and then takes no turn.
 */
static inline __u64 departure_take(__u64 *departs_ns, __u64 now_ns, __u64 asked_ns, __u64 cost_ns)
{
	__u64 horizon_ns = now_ns + DEPARTURE_HORIZON_NS;
	/* A sender that asks for times past the horizon does not take the flow along. */
	__u64 earliest_ns = asked_ns > horizon_ns ? now_ns : departure_later(now_ns, asked_ns);
	__u64 seen_ns, turn_ns;
	int turn;

	for (turn = 0; turn < DEPARTURE_TRIES; turn++) {
		seen_ns = *(volatile __u64 *)departs_ns;
		turn_ns = departure_later(seen_ns, earliest_ns);
		if (turn_ns > horizon_ns)
			return DEPARTURE_NEVER;
		if (__sync_val_compare_and_swap(departs_ns, seen_ns, turn_ns + cost_ns) == seen_ns)
			return departure_later(turn_ns, asked_ns);
	}
	/* Whoever won the races brought the time up to now; so adding to it is enough. */
	turn_ns = departure_later(__sync_fetch_and_add(departs_ns, cost_ns), earliest_ns);
	return departure_later(turn_ns, asked_ns);
}

#endif
