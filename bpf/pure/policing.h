/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Policing of bytes at a rate: a token bucket (pure/gcra.h) of one size for every service. */
#ifndef SLUICE_PURE_POLICING_H
#define SLUICE_PURE_POLICING_H

#include "pure/gcra.h"
#include "sluice/limits.h"

/* Depth of the bucket. The bytes leave room for the longest packet at the lowest rate. */
static inline __u64 policing_burst_ns(__u64 rate_bytes_per_sec)
{
	return SLUICE_POLICING_BURST_MS * SLUICE_NS_PER_MS +
	       gcra_cost_ns(SLUICE_POLICING_BURST_BYTES, rate_bytes_per_sec);
}

/* May these bytes pass now? */
static inline int policing_pass(__u64 *due_ns, __u64 now_ns, __u32 bytes, __u64 rate_bytes_per_sec)
{
	return gcra_pass(due_ns, now_ns, gcra_cost_ns(bytes, rate_bytes_per_sec),
			 policing_burst_ns(rate_bytes_per_sec));
}

#endif
