/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A service's consistent-hash table. A ring has 1 << ring_bits slots; a flow's slot is the top
 * ring_bits of its hash, so that a ring that doubles refines its slots and moves none.
 *
 * In a slot are the backend that new connections go to and, while the slot moves, the previous
 * one. Both are columns of one inner map of `rings` (indexed by service number), which is swapped
 * whole, in lines of one cache line:
 *
 *	settled	 backends
 *	moving	 backends, previous ones, since when each line moves, and the last line
 *
 * A line of the third column has a __u32 for each line of a column: when the youngest of its moving
 * slots left its settled state, in seconds of CLOCK_MONOTONIC_COARSE. What a slot went through
 * after that does not make it younger: whatever began since then is remembered.
 *
 * The map's own size says what it holds (bpf/pure/ring.h): a power of two of lines is settled.
 */
#ifndef SLUICE_RING_H
#define SLUICE_RING_H

#include <linux/types.h>

#define SLUICE_RING_LINE_SLOTS 16

/* A slot of the first column: a backend number (0: none), and whether the slot moves. */
#define SLUICE_SLOT_MOVING 0x80000000u
#define SLUICE_SLOT_BACKEND 0x7fffffffu

/* Slot of a moving ring's last line: its service's idle_timeout_s, or udp_timeout_s if it is UDP.
 */
#define SLUICE_RING_TIMEOUT_S 0

/*
 * Inner maps of any size; and mapped by user space, for element by element a ring of a thousand
 * backends would take milliseconds to write and more to read. It takes whole pages, two at least.
 */
#define SLUICE_RING_MAP_FLAGS (BPF_F_INNER_MAP | BPF_F_MMAPABLE)

struct sluice_ring_line {
	__u32 slots[SLUICE_RING_LINE_SLOTS];
};

#endif
