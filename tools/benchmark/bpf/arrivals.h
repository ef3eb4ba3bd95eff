/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What arrivals.bpf.c writes down of each packet from the service. Plain data, for both sides. */
#ifndef SLUICE_BENCHMARK_ARRIVALS_H
#define SLUICE_BENCHMARK_ARRIVALS_H

#include <linux/types.h>

#define ARRIVALS_MAX (1 << 20)

struct arrival {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	__u32 flow;  /* the last 16 bits of the client's address, its port; as they lie there */
	__u32 bytes; /* from the Ethernet header on, of all its segments */
	__u32 segments;
	__u32 reserved;
};

#endif
