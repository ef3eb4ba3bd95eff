/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The packets of rounds.bpf.c, one per round: a template, and what differs from flow to flow.
 */
#ifndef SLUICE_BENCHMARK_ROUNDS_H
#define SLUICE_BENCHMARK_ROUNDS_H

#include <linux/types.h>

/* Services have consecutive addresses: the lower 32 bits from here on, in host order. */
#define ROUNDS_SERVICES_AT 0x64400000 /* 100.64.0.0 */
#define ROUNDS_BYTES_V4 64
#define ROUNDS_BYTES_V6 74

struct rounds {
	__u64 count;	 /* rounds so far */
	__u32 flow_mask; /* number of flows, a power of two, less one */
	__u32 services;
	/* [0]: of flows with an even number; [1]: odd. */
	__u32 services_at[2]; /* host order */
	__be16 port[2];
	__u32 reserved;
	__u64 ethernet[2]; /* 14 bytes are used */
	__u64 headers[8];  /* from the IP header on */
};

#endif
