/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The number of lines of a ring, and what it tells (sluice/ring.h). A ring has 256 k slots, where k
 * is a power of two, hence 16 k lines per column.
 *
 *	ring	 lines
 *	settled	 16 k of backends: a power of two
 *	moving	 16 k of backends, 16 k of previous backends, k of times, 1 of parameters: 33 k + 1
 *
 * 33 k + 1 is never a power of two: it is 34 if k is 1, and odd otherwise.
 */
#ifndef SLUICE_PURE_RING_LAYOUT_H
#define SLUICE_PURE_RING_LAYOUT_H

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

/* Lines per column of a moving ring: 33 k is binary 100001 times k, so its lowest set bit is k. */
static inline __u32 ring_moving_column(__u32 lines)
{
	return ((lines - 1) & (1 - lines)) * SLUICE_RING_LINE_SLOTS;
}

#endif
