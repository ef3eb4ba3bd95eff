/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling): a token bucket whose
 * state is one time, the theoretical arrival time of the next cell. The time advances by
 * compare-and-swap, so CPUs share a bucket without a lock, and no token is lost.
 */
#ifndef SLUICE_PURE_GCRA_H
#define SLUICE_PURE_GCRA_H

#include <linux/types.h>

#include "sluice/time.h"

#define GCRA_TRIES 4

/* How long so many bytes take. 32 bits of bytes times a second in ns fit in 64 bits. */
static inline __u64 gcra_cost_ns(__u32 bytes, __u64 rate_bytes_per_sec)
{
	if (!rate_bytes_per_sec)
		return 0;
	return bytes * SLUICE_NS_PER_SEC / rate_bytes_per_sec;
}

/*
 * Does an arrival at `now_ns` conform? Then it takes `cost_ns` from the bucket. `burst_ns` is the
 * depth of the bucket: how far the theoretical arrival time may be ahead of the clock. An arrival
 * that loses every race conforms: others did so in the same moment.
 */
static inline int gcra_pass(__u64 *due_ns, __u64 now_ns, __u64 cost_ns, __u64 burst_ns)
{
	__u64 seen_ns, from_ns;
	int turn;

	for (turn = 0; turn < GCRA_TRIES; turn++) {
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
