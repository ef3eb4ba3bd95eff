/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * CUBIC's window (RFC 9438) as a function of the time since the last loss. A flow follows it while
 * it competes with senders that fill the buffer. Times are in milliseconds, windows in 64ths of a
 * packet.
 */
#ifndef SLUICE_PURE_CUBIC_H
#define SLUICE_PURE_CUBIC_H

#include <linux/types.h>

#include "pure/integer.h"
#include "pure/delay_law.h"

#define CUBIC_FAR_MS 60000   /* the curve ends here: 86,400 packets away */
#define CUBIC_FRIEND_X64 34  /* 0.53 packets a round: an AIMD flow as fast as Reno (4.3) */
#define CUBIC_MAX 0x7fffffff /* 64ths: the same as LAW_MOST */

struct cubic {
	__u32 top_x64;	  /* Wmax: the window at the last loss */
	__u32 friend_x64; /* Reno's window by now (West) */
	__u32 epoch_ms;	  /* when growth began */
	__u32 rise_ms;	  /* K: time from the epoch to Wmax */
};

/* C * t^3 with C = 0.4 packets/s^3 (4.1): 0.4 * 64 / 1e9 for milliseconds and 64ths. */
static inline __u64 cubic_offset_x64(__u32 apart_ms)
{
	__u64 apart = integer_lesser(apart_ms, CUBIC_FAR_MS);

	return apart * apart * apart * 256 / 10000000000ull;
}

static inline void cubic_begin(struct cubic *cubic, __u32 window_x64, __u32 top_x64, __u32 now_ms)
{
	__u64 apart_x64;

	cubic->epoch_ms = now_ms;
	cubic->friend_x64 = window_x64;
	cubic->top_x64 = integer_greater(top_x64, window_x64);
	/* K = cbrt((Wmax - w) / C) (4.2) */
	apart_x64 = cubic->top_x64 - window_x64;
	cubic->rise_ms = integer_cube_root(apart_x64 * 10000000000ull / 256);
}

/* The window `since_ms` after the epoch. */
static inline __u32 cubic_at(const struct cubic *cubic, __u32 since_ms)
{
	__u64 offset;

	if (since_ms < cubic->rise_ms) {
		offset = cubic_offset_x64(cubic->rise_ms - since_ms);
		return offset < cubic->top_x64 ? cubic->top_x64 - (__u32)offset : 0;
	}
	offset = cubic->top_x64 + cubic_offset_x64(since_ms - cubic->rise_ms);
	return offset < CUBIC_MAX ? (__u32)offset : CUBIC_MAX;
}

#endif
