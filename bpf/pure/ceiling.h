/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling: what an ACK may advertise, so that its receiver, the sender of the
 * data, keeps to S = min(S0, RWND). A window is only ever lowered, never to nothing, and the right
 * edge (acknowledgement plus window, RFC 9293, 3.8.6) that was once allowed is never taken back.
 * Sequence numbers wrap; every comparison is of differences (RFC 9293, 3.4).
 */
#ifndef SLUICE_PURE_CEILING_H
#define SLUICE_PURE_CEILING_H

#include <linux/types.h>

#include "sluice/time.h"

#define CEILING_SCALE_MAX 14 /* RFC 7323, 2.3: a larger one is taken for 14 */
#define CEILING_FIELD_MAX 65535u

/* Whether a is later than b. */
static inline int ceiling_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static inline __u32 ceiling_edge(__u32 ack, __u16 field, __u8 scale)
{
	return ack + ((__u32)field << scale);
}

/* The sender must be able to send one whole segment, or it waits for what never comes. */
static inline __u32 ceiling_allowance(__u32 window_bytes, __u32 mss_bytes)
{
	return window_bytes > mss_bytes ? window_bytes : mss_bytes;
}

/* As much as a sender may send before it has learned anything of the path (RFC 6928, 2). */
#define CEILING_INITIAL_SEGMENTS 10
/* No window is larger (RFC 7323, 2.3), and nothing below overflows. */
#define CEILING_BYTES_MAX (1u << 30)

/*
 * S0 of a rate: what a path of this round trip holds at it. 0 microseconds: not known yet. The
 * round trip is at most ROUNDTRIP_MOST_US, 24 bits, and no rate is above 40.
 */
static inline __u32 ceiling_of_rate(__u64 rate_bytes_per_sec, __u32 round_trip_us, __u32 mss_bytes)
{
	__u64 bytes = rate_bytes_per_sec * round_trip_us / SLUICE_US_PER_SEC;

	if (!round_trip_us)
		return CEILING_INITIAL_SEGMENTS * mss_bytes;
	return bytes < CEILING_BYTES_MAX ? (__u32)bytes + !bytes : CEILING_BYTES_MAX;
}

/* The field that advertises `bytes`, rounded up to a granule, but not more than `field`. */
static inline __u16 ceiling_field(__u16 field, __u8 scale, __u32 bytes)
{
	__u64 granules = ((__u64)bytes + (1u << scale) - 1) >> scale;

	return granules < field ? (__u16)granules : field;
}

/* How far ahead of `ack` the edge lies that was allowed before; 0 where it was passed by. */
static inline __u32 ceiling_promised(__u32 ack, __u32 right_edge, __u8 scale)
{
	__u32 ahead = right_edge - ack;

	if (!ceiling_after(right_edge, ack))
		return 0;
	/* No window reaches that far: the edge came from an ACK that was not true. */
	if (ahead > CEILING_FIELD_MAX << scale)
		return 0;
	return ahead;
}

/*
 * The field to advertise in place of `field`. An ACK past the right edge answers data that was
 * allowed elsewhere, while nobody looked here: it stays as it is, and the edge starts from it.
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
 * Whether the first ACK of a client that offered a scale shows that the scale is in force, where
 * the SYN-ACK took another way. A window that were not scaled may not have shrunk since the SYN;
 * half of it leaves room for what a first flight may fill. Otherwise nothing is known.
 */
static inline int ceiling_shows_scale(__u16 field, __u16 syn_window)
{
	return field <= syn_window / 2;
}

#endif
