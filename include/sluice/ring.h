/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A service's consistent-hash table. A ring has 1 << ring_bits slots; a flow's slot is the top
 * ring_bits of its hash, so that a ring that doubles refines its slots and moves none.
 *
 * In a slot are the backend that new connections go to and, while the slot moves, the previous
 * one. The two are columns of one inner map of `rings` (indexed by service number), which is
 * swapped whole: first all backends, then, if the ring moves, all previous ones. A settled ring
 * has only the first column. Both are stored in lines of one cache line.
 *
 * The map's own size says what it holds: an even number of lines is a settled ring, an odd one a
 * moving ring, whose last line has SLUICE_RING_CHANGED_S.
 */
#ifndef SLUICE_RING_H
#define SLUICE_RING_H

#include <linux/types.h>

#define SLUICE_RING_LINE_SLOTS 16

/* A slot of the first column: a backend number (0: none), and whether the slot moves. */
#define SLUICE_SLOT_MOVING 0x80000000u
#define SLUICE_SLOT_BACKEND 0x7fffffffu

/* Slot of a moving ring's last line: when it last changed, in seconds of CLOCK_MONOTONIC_COARSE. */
#define SLUICE_RING_CHANGED_S 0

struct sluice_ring_line {
	__u32 slots[SLUICE_RING_LINE_SLOTS];
};

#endif
