/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The earliest departure time of a flow's next packet. If a flow of rate r sends a packet of b
 * bytes at t, the next leaves at t + b/r. Silence accumulates no credit. This is the token bucket
 * of pure/gcra.h without a burst, where a packet waits instead of being dropped. Several CPUs may
 * hold packets of one flow, so the time advances by compare-and-swap, without a lock. Limit: times
 * are given in the order of the requests. That is the order of the packets as long as a flow stays
 * on one CPU, as with RSS and TCP's sockets.
 */
#ifndef SLUICE_PURE_DEPARTURE_TIME_H
#define SLUICE_PURE_DEPARTURE_TIME_H

#include "pure/gcra.h"
#include "sluice/time.h"

/* The longest wait. fq's own horizon is 10 s. */
#define DEPARTURE_HORIZON_NS (2 * SLUICE_NS_PER_SEC)
/*
 * A packet that waits longer than this is marked if its sender supports ECN (RFC 3168), so that the
 * sender slows down long before the horizon. It must also wait for several packets of its own size:
 * at a low rate each of two waits long.
 */
#define DEPARTURE_MARK_NS (SLUICE_NS_PER_SEC / 20)
#define DEPARTURE_MARK_GAPS 4
/* Lost races after which an atomic addition, which cannot lose, takes the turn. */
#define DEPARTURE_TRIES 4

/* No departure: the packet would have to wait past the horizon. */
#define DEPARTURE_NEVER (~0ull)

/*
 * The time that the sender requested for its packet; 0: none. `monotonic`: the kernel knows that
 * the stamp is a departure time. Otherwise (SO_TXTIME before 6.10) it may be a time of reception on
 * another clock, and counts only where that is impossible.
 */
static inline __u64 departure_requested_ns(__u64 stamp_ns, __u64 now_ns, int monotonic)
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
 * Takes the flow's next turn: not before now, not before the sender's request, not before the
 * packets ahead have left. Returns the time, or DEPARTURE_NEVER, and then takes no turn.
 */
static inline __u64 departure_take(__u64 *departs_ns, __u64 now_ns, __u64 requested_ns,
				   __u64 cost_ns)
{
	__u64 horizon_ns = now_ns + DEPARTURE_HORIZON_NS;
	/* A request for a time past the horizon does not advance the flow. */
	__u64 earliest_ns =
		requested_ns > horizon_ns ? now_ns : departure_later(now_ns, requested_ns);
	__u64 seen_ns, turn_ns;
	int turn;

	for (turn = 0; turn < DEPARTURE_TRIES; turn++) {
		seen_ns = *(volatile __u64 *)departs_ns;
		turn_ns = departure_later(seen_ns, earliest_ns);
		if (turn_ns > horizon_ns)
			return DEPARTURE_NEVER;
		if (__sync_val_compare_and_swap(departs_ns, seen_ns, turn_ns + cost_ns) == seen_ns)
			return departure_later(turn_ns, requested_ns);
	}
	/* The winners of the races brought the time up to now, so adding the cost is enough. */
	turn_ns = departure_later(__sync_fetch_and_add(departs_ns, cost_ns), earliest_ns);
	return departure_later(turn_ns, requested_ns);
}

#endif
