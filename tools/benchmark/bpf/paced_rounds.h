/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What paced_rounds.bpf.c sends from one service to its clients. Plain data, for both sides. */
#ifndef SLUICE_BENCHMARK_PACED_ROUNDS_H
#define SLUICE_BENCHMARK_PACED_ROUNDS_H

#include <linux/types.h>

/* Where the client's address, or its last 32 bits, and its port lie in a frame. */
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
