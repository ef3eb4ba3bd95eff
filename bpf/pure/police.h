/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policing: may these bytes pass now? The generic cell rate algorithm (ITU-T I.371), a token bucket
 * written as one time: when all that passed so far would be through at the rate. By
 * compare-and-swap, so that CPUs share it without a lock.
 */
#ifndef SLUICE_PURE_POLICE_H
#define SLUICE_PURE_POLICE_H

#include "pure/departure.h"
#include "sluice/limits.h"

#define POLICE_TRIES 4
#define POLICE_NS_PER_MS 1000000ull

/* How far ahead of the rate what passes may be. */
static inline __u64 police_burst_ns(__u64 rate_bytes_per_sec)
{
	return SLUICE_POLICING_BURST_MS * POLICE_NS_PER_MS +
	       departure_cost_ns(SLUICE_POLICING_BURST_BYTES, rate_bytes_per_sec);
}

/* Where no try succeeds others passed a moment ago, and this may too. */
static inline int police_pass(__u64 *due_ns, __u64 now_ns, __u64 cost_ns, __u64 burst_ns)
{
	__u64 seen_ns, from_ns;
	int turn;

	for (turn = 0; turn < POLICE_TRIES; turn++) {
		seen_ns = *(volatile __u64 *)due_ns;
		from_ns = seen_ns > now_ns ? seen_ns : now_ns;
		if (from_ns - now_ns > burst_ns)
			return 0;
		if (__sync_val_compare_and_swap(due_ns, seen_ns, from_ns + cost_ns) == seen_ns)
			break;
	}
	return 1;
}

#endif
