/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the number of an inner map's lines says of its ring (sluice/ring.h). A ring has 256 k slots,
 * k a power of two, hence 16 k lines in a column. A moving one has 16 k lines of backends, 16 k of
 * previous ones, k of times, and one more: 33 k + 1, which is no power of two, for it is 34 where
 * k is 1, and odd everywhere else.
 */
#ifndef SLUICE_PURE_RING_H
#define SLUICE_PURE_RING_H

#include <stdbool.h>

#include "sluice/ring.h"

static inline __u32 ring_moving_lines(__u32 column)
{
	return 2 * column + column / SLUICE_RING_LINE_SLOTS + 1;
}

static inline bool ring_lines_settled(__u32 lines)
{
	return (lines & (lines - 1)) == 0;
}

/* Of a moving ring: 33 k is 100001 in binary times a power of two, so its lowest bit is k. */
static inline __u32 ring_moving_column(__u32 lines)
{
	return ((lines - 1) & (1 - lines)) * SLUICE_RING_LINE_SLOTS;
}

#endif
