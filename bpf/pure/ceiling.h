/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling: the window that an ACK may advertise, so that the sender of the data
 * keeps to S = min(policy limit, RWND). A window is only lowered, never to zero. The right edge
 * (acknowledgement plus window, RFC 9293, 3.8.6) never retreats. Sequence numbers wrap, so every
 * comparison is of differences (RFC 9293, 3.4).
 */
#ifndef SLUICE_PURE_CEILING_H
#define SLUICE_PURE_CEILING_H

#include <linux/types.h>

#include "sluice/time.h"

#define CEILING_SCALE_MAX 14 /* RFC 7323, 2.3: a larger scale counts as 14 */
#define CEILING_FIELD_MAX 65535u

/* Is a later than b? */
static inline int ceiling_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static inline __u32 ceiling_edge(__u32 ack, __u16 field, __u8 scale)
{
	return ack + ((__u32)field << scale);
}

/* A smaller window would hold no full segment, and the sender would wait forever. */
static inline __u32 ceiling_allowance(__u32 window_bytes, __u32 mss_bytes)
{
	return window_bytes > mss_bytes ? window_bytes : mss_bytes;
}

/* The initial window of a sender that knows nothing of the path (RFC 6928, 2). */
#define CEILING_INITIAL_SEGMENTS 10
/* The largest window (RFC 7323, 2.3); nothing below overflows. */
#define CEILING_BYTES_MAX (1u << 30)

/*
 * The policy limit of a rate, as a window: what a path of this round trip holds at the rate. Round
 * trip 0: unknown. It is at most ROUNDTRIP_MOST_US (24 bits), and a rate has at most 40 bits.
 */
static inline __u32 ceiling_of_rate(__u64 rate_bytes_per_sec, __u32 round_trip_us, __u32 mss_bytes)
{
	__u64 bytes = rate_bytes_per_sec * round_trip_us / SLUICE_US_PER_SEC;

	if (!round_trip_us)
		return CEILING_INITIAL_SEGMENTS * mss_bytes;
	return bytes < CEILING_BYTES_MAX ? (__u32)bytes + !bytes : CEILING_BYTES_MAX;
}

/* The window field for `bytes`, rounded up to a granule, at most `field`. */
static inline __u16 ceiling_field(__u16 field, __u8 scale, __u32 bytes)
{
	__u64 granules = ((__u64)bytes + (1u << scale) - 1) >> scale;

	return granules < field ? (__u16)granules : field;
}

/* Bytes by which the edge that was allowed before lies ahead of `ack`; 0 if `ack` has passed it. */
static inline __u32 ceiling_promised(__u32 ack, __u32 right_edge, __u8 scale)
{
	__u32 ahead = right_edge - ack;

	if (!ceiling_after(right_edge, ack))
		return 0;
	/* No window reaches that far: the edge came from a forged or corrupt ACK. */
	if (ahead > CEILING_FIELD_MAX << scale)
		return 0;
	return ahead;
}

/*
 * The window field that replaces `field`. An ACK past the right edge answers data that was allowed
 * on another path. It stays unchanged, and the edge restarts from it.
 */
static inline __u16 ceiling_lower(__u16 field, __u8 scale, __u32 ack, __u32 right_edge,
				  __u32 allowance_bytes)
{
	__u32 promised = ceiling_promised(ack, right_edge, scale);

	if (ceiling_after(ack, right_edge))
		return field;
	return ceiling_field(field, scale, promised > allowance_bytes ? promised : allowance_bytes);
}

/*
 * Does the first ACK of a client that offered a scale show that the scale is in force? Needed where
 * the SYN-ACK took another path. An unscaled window cannot have shrunk since the SYN; half leaves
 * room for what a first flight may fill. 0: undecided.
 */
static inline int ceiling_shows_scale(__u16 field, __u16 syn_window)
{
	return field <= syn_window / 2;
}

#endif
