/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The packets of paced_rounds.bpf.c, from one service to its clients. */
#ifndef SLUICE_BENCHMARK_PACED_ROUNDS_H
#define SLUICE_BENCHMARK_PACED_ROUNDS_H

#include <linux/types.h>

/* Offsets in a frame: the client's address (of IPv6 the last 32 bits), and its port. */
#define PACED_CLIENT_V4 30
#define PACED_CLIENT_V6 50
#define PACED_PORT_V4 36
#define PACED_PORT_V6 56

struct paced_rounds {
	__u64 count; /* rounds so far */
	__u32 flows;
	__u32 next; /* flow of the next round */
};

#endif
