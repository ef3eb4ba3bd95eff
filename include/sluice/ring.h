/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The consistent-hash table of a service. A ring has 1 << ring_bits slots. The slot of a flow is
 * the top ring_bits of its hash, so that doubling a ring splits each slot and moves no flow.
 *
 * A slot holds the backend of new connections and, while it moves, the previous backend. A ring is
 * stored in columns, in lines of one cache line:
 *
 *	ring	 columns
 *	settled	 backends
 *	moving	 backends, previous backends, times, and one line of parameters
 *
 * The column of times has one __u32 per line of the first column: when the last of the line's
 * moving slots left its settled state, in seconds of CLOCK_MONOTONIC_COARSE. Further changes of a
 * moving slot do not renew it, because connections that began since then are tracked.
 *
 * The rings of all services lie in one array, map `ring_lines`. Map `ring_heads`, by service
 * number, locates them. A new ring is written to unused lines and becomes live with one store of
 * its head. The number of lines tells whether the ring moves (bpf/pure/ring_layout.h).
 */
#ifndef SLUICE_RING_H
#define SLUICE_RING_H

#include <linux/types.h>

#define SLUICE_RING_LINE_SLOTS 16

/* A slot of the first column: a backend number (0: none), and a flag if the slot moves. */
#define SLUICE_SLOT_MOVING 0x80000000u
#define SLUICE_SLOT_BACKEND 0x7fffffffu

/* In the line of parameters: the service's idle_timeout_s, or for UDP its udp_timeout_s. */
#define SLUICE_RING_TIMEOUT_S 0

struct sluice_ring_line {
	__u32 slots[SLUICE_RING_LINE_SLOTS];
};

/*
 * One word, so that it is read and written atomically: first line, number of lines, ring_bits. 0:
 * no ring; it then points to line 0, which is never used.
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
