/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The request to the kernel's routing table (bpf_fib_lookup) for the path between two addresses.
 * Shared by `steer_slow` and `punt`.
 */
#ifndef SLUICE_STEER_FIB_H
#define SLUICE_STEER_FIB_H

#include <linux/bpf.h>

#include "wire/mapped_address.h"

#define FAMILY_V4 2  /* AF_INET */
#define FAMILY_V6 10 /* AF_INET6 */

static __always_inline void fib_fill(struct bpf_fib_lookup *fib, __u64 source_high,
				     __u64 source_low, __u64 destination_high,
				     __u64 destination_low)
{
	if (address_halves_are_v4(destination_high, destination_low)) {
		fib->family = FAMILY_V4;
		fib->ipv4_src = address_v4(source_low);
		fib->ipv4_dst = address_v4(destination_low);
	} else {
		fib->family = FAMILY_V6;
		__builtin_memcpy(fib->ipv6_src, &source_high, 8);
		__builtin_memcpy(fib->ipv6_src + 2, &source_low, 8);
		__builtin_memcpy(fib->ipv6_dst, &destination_high, 8);
		__builtin_memcpy(fib->ipv6_dst + 2, &destination_low, 8);
	}
}

#endif
