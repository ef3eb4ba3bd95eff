/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The delay law: how much queueing delay a flow aims at, and where that leads its window. No state
 * of its own: window.h calls it. Windows are in 64ths of a packet, so that a small one can move by
 * less than a packet a round.
 */
#ifndef SLUICE_PURE_DELAY_LAW_H
#define SLUICE_PURE_DELAY_LAW_H

#include <linux/types.h>

#include "pure/integer.h"

#define LAW_ONE 64			 /* a packet */
#define LAW_MOST (0x7fffffffu / LAW_ONE) /* packets */

/*
 * The target is the geometric mean of this and the time between two of the flow's packets (RTT /
 * w), and a margin for the hosts' own scheduling. Flows that see one queue then have one rate by
 * weight, whatever their RTTs: rate = weight * LAW_BASE_US / (target - LAW_MARGIN_US)^2. Copa and
 * Swift scale with the rate for the same reason. 1.2 ms for one flow at 50 mbit, 2.3 ms at 10.
 */
#define LAW_BASE_US 3200
#define LAW_MARGIN_US 300

/* Queueing delay that a flow of this window and weight aims at, microseconds. */
static inline __u32 law_target_us(__u32 window_x64, __u32 rtt_us, __u32 weight)
{
	__u64 square = (__u64)rtt_us * LAW_ONE * weight * LAW_BASE_US;

	return integer_root(square / (window_x64 ? window_x64 : 1)) + LAW_MARGIN_US;
}

/*
 * Half way from the window to the one at which the delay would be the target (FAST TCP), and never
 * more than half of the window up at once.
 */
static inline __u32 law_next(__u32 window_x64, __u32 min_rtt_us, __u32 rtt_us, __u32 target_us)
{
	__u64 aim = (__u64)window_x64 * ((__u64)min_rtt_us + target_us) / (rtt_us ? rtt_us : 1);

	if (aim > 2ull * window_x64)
		aim = 2ull * window_x64;
	return (__u32)((window_x64 + aim) / 2);
}

#endif
