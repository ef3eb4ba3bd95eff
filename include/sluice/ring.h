/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A service's consistent-hash table. A ring has 1 << ring_bits slots; a flow's slot is the top
 * ring_bits of its hash, so that a ring that doubles refines its slots and moves none.
 *
 * In a slot are the backend that new connections go to and, while the slot moves, the previous
 * one. Both are columns, in lines of one cache line:
 *
 *	settled	 backends
 *	moving	 backends, previous ones, since when each line moves, and the last line
 *
 * A line of the third column has a __u32 for each line of a column: when the youngest of its moving
 * slots left its settled state, in seconds of CLOCK_MONOTONIC_COARSE. What a slot went through
 * after that does not make it younger: whatever began since then is tracked.
 *
 * The rings of all services lie in one array, map `ring_lines`; where a service's is says its head,
 * in map `ring_heads`, indexed by service number. A new ring is written where no ring is, and goes
 * live with the one store of its head. The number of lines says whether it moves (bpf/pure/ring.h).
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

struct sluice_ring_line {
	__u32 slots[SLUICE_RING_LINE_SLOTS];
};

/*
 * One word, so that it is read and written at once: the first line, how many, and ring_bits. All 0:
 * no ring; then it points to line 0, which is empty for ever.
 */
struct sluice_ring_head {
	__u64 word;
};

#define SLUICE_RING_HEAD(first, lines, bits) \
	((__u64)(first) << 32 | (__u64)(lines) << 8 | (__u64)(bits))
#define SLUICE_RING_FIRST(word) ((__u32)((word) >> 32))
#define SLUICE_RING_LINES(word) ((__u32)(word) >> 8)
#define SLUICE_RING_BITS(word) ((__u32)(word)&0xff)

#endif
