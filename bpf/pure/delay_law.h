/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The delay law: the queueing delay that a flow aims at, and the window that follows. It keeps no
 * state; congestion_window.h calls it. Windows are in 64ths of a packet, so that a small window can
 * change by less than a packet a round.
 */
#ifndef SLUICE_PURE_DELAY_LAW_H
#define SLUICE_PURE_DELAY_LAW_H

#include <linux/types.h>

#include "pure/integer.h"

#define LAW_ONE 64			 /* one packet */
#define LAW_MOST (0x7fffffffu / LAW_ONE) /* packets */

/*
 * target = sqrt(LAW_BASE_US * weight * RTT / w) + LAW_MARGIN_US. RTT / w is the time between two of
 * the flow's packets; the margin covers scheduling delay of the hosts. Flows that see the same
 * queue then have rates by weight, independent of their RTTs: rate = weight * LAW_BASE_US / (target
 * - LAW_MARGIN_US)^2. Copa and Swift scale their targets with the rate for the same reason. One
 * flow has 1.2 ms at 50 mbit, 2.3 ms at 10 mbit.
 */
#define LAW_BASE_US 3200
#define LAW_MARGIN_US 300

/* The target of a flow of this window and weight, in microseconds. */
static inline __u32 law_target_us(__u32 window_x64, __u32 rtt_us, __u32 weight)
{
	__u64 square = (__u64)rtt_us * LAW_ONE * weight * LAW_BASE_US;

	return integer_root(square / (window_x64 ? window_x64 : 1)) + LAW_MARGIN_US;
}

/*
 * Halfway from the window to the one at which the delay would be the target (FAST TCP), at most
 * half of the window up at once.
 */
static inline __u32 law_next(__u32 window_x64, __u32 min_rtt_us, __u32 rtt_us, __u32 target_us)
{
	__u64 aim = (__u64)window_x64 * ((__u64)min_rtt_us + target_us) / (rtt_us ? rtt_us : 1);

	if (aim > 2ull * window_x64)
		aim = 2ull * window_x64;
	return (__u32)((window_x64 + aim) / 2);
}

#endif
