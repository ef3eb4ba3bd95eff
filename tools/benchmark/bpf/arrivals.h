/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The log of arrivals.bpf.c: one entry per packet of the service. */
#ifndef SLUICE_BENCHMARK_ARRIVALS_H
#define SLUICE_BENCHMARK_ARRIVALS_H

#include <linux/types.h>

#define ARRIVALS_MAX (1 << 20)

struct arrival {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	__u32 flow;  /* last 16 bits of the client's address, and its port, in packet order */
	__u32 bytes; /* of all segments, each from its Ethernet header on */
	__u32 segments;
	__u32 reserved;
};

#endif
